import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBase64Name, parseDecimal, parsePax, parsePaxTime } from '../../../src/portable/read-pax.ts';
import { numberField, parseTarBlock } from '../../../src/portable/read-tar-block.ts';
import { gnuLong, paxHeader, paxRecord, readBytes, tarArchive, tarHeader } from '../../helpers/archives.ts';

test('parsePax() reads records of bytes', () => {
  const value = Buffer.from([0x61, 0xff, 0x0a, 0x3d]);
  const records = parsePax(
    Buffer.concat([paxRecord('path', value), paxRecord('comment', 'x'), paxRecord('mtime', '')]),
  );
  assert.deepEqual(
    records,
    new Map([
      ['path', 'a\xff\n='],
      ['comment', 'x'],
    ]),
  );
  assert.deepEqual(parsePax(Buffer.alloc(0)), new Map());
});

test('parsePax() lets the last of two records count where it decides nothing', () => {
  const records = parsePax(Buffer.concat([paxRecord('comment', '1'), paxRecord('comment', '2')]));
  assert.deepEqual(records, new Map([['comment', '2']]));
  assert.match(
    String(parsePax(Buffer.concat([paxRecord('size', ''), paxRecord('size', '1')]))),
    /size twice/,
  );
});

test('parsePaxTime() keeps nanoseconds, also before 1970', () => {
  const times: readonly (readonly [string, bigint | undefined])[] = [
    ['0', 0n],
    ['1.5', 1_500_000_000n],
    ['1700000000.123456789', 1_700_000_000_123_456_789n],
    ['1700000000.1234567899', 1_700_000_000_123_456_789n],
    ['-1.25', -1_250_000_000n],
    ['-0.000000001', -1n],
    ['5.', 5_000_000_000n],
    ['', undefined],
    ['1e9', undefined],
    ['Infinity', undefined],
    ['1.2.3', undefined],
    [' 1', undefined],
    ['9'.repeat(13), undefined],
  ];
  for (const [text, time] of times) assert.equal(parsePaxTime(text), time, text);
});

test('parseDecimal() takes exact digits only', () => {
  assert.equal(parseDecimal('0123'), 123);
  assert.equal(parseDecimal(String(Number.MAX_SAFE_INTEGER)), Number.MAX_SAFE_INTEGER);
  for (const text of ['', '-1', '+1', '1.0', '9007199254740993', '1'.repeat(17)])
    assert.equal(parseDecimal(text), undefined);
});

test('parseBase64Name() takes what an encoder writes', () => {
  assert.equal(parseBase64Name('/w=='), '\xff');
  for (const text of ['/w', '/x==', '!!', 'a b=']) assert.equal(parseBase64Name(text), undefined, text);
});

test('numberField() reads octal and base-256', () => {
  const field = (bytes: Buffer | string) =>
    numberField(Buffer.from(bytes as string, 'latin1'), 0, bytes.length);
  assert.equal(field('0000644\0'), 0o644);
  assert.equal(field('   644 \0'), 0o644);
  assert.equal(field('77777777'), 0o77777777);
  assert.equal(field('\0\0\0\0'), undefined);
  assert.equal(field('12x4'), undefined);
  assert.equal(field('-123'), undefined);
  assert.equal(field('\x80\0\0\0\0\0\x01\0'), 256);
  assert.equal(field('\xff\xff\xff\xff\xff\xff\xff\xfe'), -2);
  assert.equal(field('\x80\xff\xff\xff\xff\xff\xff\xff\xff'), undefined);
});

test('parseTarBlock() reads ustar prefixes and leaves other bytes there alone', () => {
  const name = (magic: 'ustar' | 'gnu' | 'none') => {
    const block = parseTarBlock(tarHeader({ name: 'name', prefix: 'prefix', magic }));
    return typeof block === 'string' ? block : block.name;
  };
  assert.equal(name('ustar'), 'prefix/name');
  assert.equal(name('gnu'), 'name');
  assert.equal(name('none'), 'name');
});

test('entries() takes blank times and owners, as node-tar writes them', async () => {
  const blank = [108, 116, 136].map((offset) => [offset, Buffer.alloc(offset === 136 ? 12 : 8)] as const);
  const { entries } = await readBytes(tarArchive({ name: 'd/', type: '5', patches: blank }));
  assert.equal(entries[0]?.mtimeNs, 0n);
  assert.deepEqual([entries[0]?.uid, entries[0]?.gid], [undefined, undefined]);
});

test('entries() takes names from our records over those of PAX, GNU and the header', async () => {
  const bytes = Buffer.from([0x66, 0xff]);
  const target = Buffer.from([0x67, 0xfe]);
  const { entries } = await readBytes(
    tarArchive(
      paxHeader({ path: 'replaced', 'EXUVIA.path': bytes.toString('base64') }),
      { name: 'f_', content: 'f' },
      paxHeader({ 'EXUVIA.linkpath': target.toString('base64') }),
      { name: 's', type: '2', link: 'replaced' },
      paxHeader({ 'EXUVIA.linkpath': bytes.toString('base64') }),
      { name: 'h', type: '1', link: 'replaced' },
      paxHeader({ path: 'é', mtime: '-1.5', uid: '5000000', gid: '6' }),
      { name: 'x' },
      gnuLong(Buffer.from([0x7a, 0xff])),
      { name: 'y' },
    ),
  );
  assert.deepEqual(
    entries.map((entry) => [entry.path, entry.linkTarget]),
    [
      ['f\xff', undefined],
      ['s', 'g\xfe'],
      ['h', 'f\xff'],
      ['\xc3\xa9', undefined],
      ['z\xff', undefined],
    ],
  );
  const { mtimeNs, uid, gid } = entries[3]!;
  assert.deepEqual([mtimeNs, uid, gid], [-1_500_000_000n, 5_000_000, 6]);
});

test('entries() lets global records hold for all that follow', async () => {
  const { entries } = await readBytes(
    tarArchive(
      paxHeader({ mtime: '7', comment: 'a commit' }, 'g'),
      { name: 'a' },
      paxHeader({ mtime: '8' }),
      { name: 'b' },
      paxHeader({ mtime: '9' }, 'g'),
      { name: 'c' },
    ),
  );
  assert.deepEqual(
    entries.map((entry) => entry.mtimeNs),
    [7_000_000_000n, 8_000_000_000n, 9_000_000_000n],
  );
});

test('entries() takes sizes from PAX records and base-256 fields', async () => {
  const { entries } = await readBytes(
    tarArchive(
      paxHeader({ size: '5' }),
      { name: 'a', size: 0, content: 'abcde' },
      { name: 'b', content: 'xyz', patches: [[124, Buffer.from('800000000000000000000003', 'hex')]] },
      { name: 'old/', content: '', magic: 'none' },
      { name: 'contiguous', type: '7', content: 'c' },
    ),
  );
  assert.deepEqual(
    entries.map((entry) => [entry.path, entry.type, entry.content.toString()]),
    [
      ['a', 'file', 'abcde'],
      ['b', 'file', 'xyz'],
      ['old', 'directory', ''],
      ['contiguous', 'file', 'c'],
    ],
  );
});
