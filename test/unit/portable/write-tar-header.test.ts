import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { encodeTarHeaders, type TarEntry, tarBlockBytes } from '../../../src/portable/write-tar-header.ts';

/** What tar-stream writes for an entry without content that has PAX records of its own, or needs none. */
async function headersByTarStream(entry: TarEntry, pax: Record<string, string>): Promise<Buffer> {
  const packed = pack();
  packed
    .entry({
      name: entry.type === 'directory' ? `${entry.name.text}/` : entry.name.text,
      type: entry.type,
      mode: entry.mode | 0o100000, // it takes 0 for none
      size: 0,
      mtime: new Date(Number(entry.mtimeNs / 1_000_000n)),
      ...(entry.link === undefined ? {} : { linkname: entry.link.text }),
      ...(Object.keys(pax).length === 0 ? {} : { pax }),
    })
    .end(null);
  packed.finalize();
  const tar = await buffer(packed);
  return tar.subarray(0, tar.length - 2 * tarBlockBytes);
}

const part = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'B', '7', '.', ' '), minLength: 1, maxLength: 30 }),
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 90, maxLength: 99 }),
  fc.string({ unit: fc.constantFrom('a', 'ä', '日'), minLength: 1, maxLength: 12 }),
);
const path = fc.array(part, { minLength: 1, maxLength: 8 }).map((parts) => parts.join('/'));
const entries = fc.record({
  name: path.map((text) => ({ text })),
  mode: fc.integer({ min: 0, max: 0o777 }),
  seconds: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  kind: fc.oneof(
    fc.record({ type: fc.constantFrom('file' as const, 'directory' as const) }),
    // It does not see that a target is not ASCII.
    fc.record({
      type: fc.constant('symlink' as const),
      link: fc
        .string({ unit: fc.constantFrom('a', '/'), minLength: 1, maxLength: 130 })
        .map((text) => ({ text })),
    }),
  ),
});

describe('encodeTarHeaders()', () => {
  it('writes what tar-stream writes', async () => {
    await fc.assert(
      fc.asyncProperty(entries, async ({ name, mode, seconds, kind }) => {
        const entry: TarEntry = { name, mode, mtimeNs: BigInt(seconds) * 1_000_000_000n, size: 0, ...kind };
        assert.deepEqual(encodeTarHeaders(entry), await headersByTarStream(entry, {}));
      }),
      { numRuns: 1000 },
    );
  });

  it('writes PAX records as tar-stream does, at each length where one digit more is needed', async () => {
    for (let chars = 1; chars < 1100; chars++) {
      const trueBytes = 'x'.repeat(chars);
      const entry: TarEntry = {
        name: { text: 'a', trueBytes },
        type: 'file',
        mode: 0o644,
        mtimeNs: 0n,
        size: 0,
      };
      assert.deepEqual(
        encodeTarHeaders(entry),
        await headersByTarStream(entry, { 'EXUVIA.path': trueBytes }),
      );
    }
  });
});
