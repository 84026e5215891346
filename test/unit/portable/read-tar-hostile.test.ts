import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { paxHeader, readBytes, refuses, tarArchive, tarEntry } from '../../helpers/archives.ts';
import { refusedTars } from '../../hostile/corpus/refused-tars.ts';

const file = (name: string) => tarEntry({ name, content: 'content' });

describe('openArchive() refuses tar archives', () => {
  for (const [what, bytes, message] of refusedTars) {
    test(`with ${what}`, () => refuses(bytes, message));
  }
});

test('openArchive() refuses the same compressed', () =>
  refuses(gzipSync(tarArchive(file('../x'))), /climbs out/));

test('openArchive() drops setuid, setgid and sticky bits', async () => {
  const { entries } = await readBytes(
    tarArchive({ name: 'a', mode: 0o7755 }, { name: 'd/', type: '5', mode: 0o1777 }),
  );
  assert.deepEqual(
    entries.map((entry) => entry.mode),
    [0o755, 0o777],
  );
});

test('openArchive() lists devices and pipes as skipped', async () => {
  const { entries, skipped } = await readBytes(
    tarArchive({ name: 'c', type: '3' }, { name: 'b', type: '4' }, { name: 'p', type: '6' }, file('f')),
  );
  assert.deepEqual(
    entries.map((entry) => entry.path),
    ['f'],
  );
  assert.deepEqual(skipped, [
    { path: 'c', reason: 'character device' },
    { path: 'b', reason: 'block device' },
    { path: 'p', reason: 'named pipe' },
  ]);
});

test('openArchive() keeps links literally, wherever they point', async () => {
  const { entries } = await readBytes(
    tarArchive({ name: 'a', type: '2', link: '/etc/passwd' }, { name: 'b', type: '2', link: '../../..' }),
  );
  assert.deepEqual(
    entries.map((entry) => entry.linkTarget),
    ['/etc/passwd', '../../..'],
  );
});

test('openArchive() is not confused by keys like __proto__', async () => {
  const { entries } = await readBytes(
    tarArchive(paxHeader({ ['__proto__']: 'x', constructor: 'y' }), { name: '__proto__', content: 'z' }),
  );
  assert.equal(entries[0]?.path, '__proto__');
  assert.equal(({} as { x?: string }).x, undefined);
});

test('openArchive() takes nested archives for data', async () => {
  const inner = tarArchive(file('../../x'));
  const { entries } = await readBytes(tarArchive({ name: 'inner.tar', content: inner }));
  assert.deepEqual(entries[0]?.content, inner);
});
