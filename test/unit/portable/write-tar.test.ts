import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TarWriter } from '../../../src/portable/write-tar.ts';
import type { TarEntry } from '../../../src/portable/write-tar-header.ts';

const anyFile: TarEntry = { name: { text: 'a' }, type: 'file', mode: 0o644, mtimeNs: 0n, size: 0 };

async function tarOf(...entries: TarEntry[]): Promise<string> {
  const parts: Buffer[] = [];
  const writer = new TarWriter(
    (bytes) => parts.push(Buffer.from(bytes)),
    () => undefined,
  );
  for (const entry of entries) await writer.add(entry, [Buffer.alloc(entry.size)]);
  await writer.finish();
  return Buffer.concat(parts).toString('latin1');
}

/** The PAX records of the first entry; undefined when it has none. */
function paxOf(tar: string): string | undefined {
  return tar[156] === 'x' ? tar.slice(512, 512 + Number.parseInt(tar.slice(124, 135), 8)) : undefined;
}

describe('TarWriter', () => {
  it('needs no PAX records for a plain entry', async () => {
    const tar = await tarOf({ ...anyFile, mtimeNs: 5_000_000_000n });
    assert.equal(paxOf(tar), undefined);
    assert.equal(tar.slice(100, 107), '000644 ');
    assert.equal(tar.slice(136, 147), '00000000005');
    assert.equal(tar.length, 512 * 3);
  });

  it('writes a mode of 0', async () => {
    assert.equal((await tarOf({ ...anyFile, mode: 0 })).slice(100, 107), '000000 ');
  });

  it('says times in PAX records where the header cannot', async () => {
    const times: [bigint, string | undefined][] = [
      [1_500_000_000n, '13 mtime=1.5\n'],
      [1n, '21 mtime=0.000000001\n'],
      [-1n, '22 mtime=-0.000000001\n'],
      [-1_000_000_000n, '12 mtime=-1\n'],
      [2n ** 31n * 1_000_000_000n, '20 mtime=2147483648\n'],
      [(2n ** 31n - 1n) * 1_000_000_000n, undefined],
    ];
    for (const [mtimeNs, wanted] of times) {
      const pax = paxOf(await tarOf({ ...anyFile, mtimeNs }));
      assert.equal(pax?.split('\n').slice(1).join('\n'), wanted, String(mtimeNs));
    }
  });

  it('says sizes above 8 GiB in PAX records', async () => {
    const parts: Buffer[] = [];
    const writer = new TarWriter(
      (bytes) => parts.push(Buffer.from(bytes)),
      () => undefined,
    );
    const size = 9 * 2 ** 30;
    await assert.rejects(
      writer.add({ ...anyFile, size }, [Buffer.alloc(10)]),
      /has 10 bytes, want 9663676416/,
    );
    assert.ok(paxOf(Buffer.concat(parts).toString('latin1'))?.includes('19 size=9663676416\n'));
  });

  it('says long paths and targets, and those that are not ASCII, in PAX records', async () => {
    const long = `${'a'.repeat(50)}/`.repeat(10);
    assert.ok(paxOf(await tarOf({ ...anyFile, name: { text: `${long}x` } }))?.includes(`path=${long}x\n`));
    assert.ok(paxOf(await tarOf({ ...anyFile, name: { text: 'ä' } }))?.includes('path=\xc3\xa4\n'));
    const link: TarEntry = { ...anyFile, type: 'symlink', link: { text: 'ä' } };
    assert.ok(paxOf(await tarOf(link))?.includes('linkpath=\xc3\xa4\n'));
    const folder: TarEntry = { ...anyFile, type: 'directory', name: { text: `x/${'f'.repeat(100)}` } };
    assert.ok(paxOf(await tarOf(folder))?.includes(`path=x/${'f'.repeat(100)}/\n`));
  });

  it('adds the true bytes of names that are not what they say', async () => {
    const name = { text: 'caf_', trueBytes: 'Y2Fm6Q==' };
    const pax = paxOf(await tarOf({ ...anyFile, type: 'symlink', name, link: name }));
    assert.ok(pax?.includes('EXUVIA.path=Y2Fm6Q==\n'));
    assert.ok(pax?.includes('EXUVIA.linkpath=Y2Fm6Q==\n'));
  });

  it('refuses content that is shorter or longer than the entry says', async () => {
    for (const [given, found] of [
      [9, '9'],
      [11, 'more'],
    ] as const) {
      const writer = new TarWriter(
        () => {},
        () => undefined,
      );
      const adding = writer.add({ ...anyFile, size: 10 }, [Buffer.alloc(given)]);
      await assert.rejects(adding, {
        code: 'ERR_DAMAGE',
        message: `Damaged file a: it has ${found} bytes, want 10`,
      });
    }
  });

  it('reports what the receiver of the bytes threw, whenever it threw', async () => {
    for (let failAt = 1; failAt <= 7; failAt++) {
      let calls = 0;
      const writer = new TarWriter(
        () => {
          if (++calls === failAt) throw new Error('no space');
        },
        () => undefined,
      );
      const writing = async () => {
        await writer.add({ ...anyFile, size: 100_000 }, [Buffer.alloc(50_000), Buffer.alloc(50_000)]);
        await writer.add({ ...anyFile, name: { text: 'b' }, type: 'directory' });
        await writer.add({ ...anyFile, name: { text: 'c' } });
        await writer.finish();
      };
      await assert.rejects(writing(), /no space/, `call ${failAt}`);
    }
  });

  it('waits for its pace', async () => {
    let waiting = 0;
    const writer = new TarWriter(
      () => {},
      async () => {
        waiting++;
        await new Promise(setImmediate);
      },
    );
    await writer.add({ ...anyFile, size: 4 }, [Buffer.alloc(2), Buffer.alloc(2)]);
    assert.equal(waiting, 3);
  });
});
