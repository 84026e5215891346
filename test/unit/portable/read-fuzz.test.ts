/** Archives with random damage: whatever is in them, the answer is entries that keep the rules or an ArchiveError. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ArchiveError } from '../../../src/model/errors.ts';
import { defaultArchiveLimits } from '../../../src/portable/archive-limits.ts';
import { pathProblem } from '../../../src/portable/entry-rules.ts';
import {
  ArchiveFolder,
  gnuLong,
  paxHeader,
  readArchive,
  tarArchive,
  tarHeader,
  zipArchive,
} from '../../helpers/archives.ts';

const seeds = [1, 2, 3];
const runsPerSeed = 60;

/** mulberry32. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) % below;
  };
}

const tar = tarArchive(
  { name: 'd/', type: '5' },
  { name: 'd/f', content: 'x'.repeat(700) },
  paxHeader({ path: 'd/long', mtime: '1.25', size: '5' }),
  { name: 'p', content: 'abcde' },
  gnuLong('d/gnu'),
  { name: 'g', magic: 'gnu', content: 'y' },
  { name: 'd/s', type: '2', link: 'f' },
  { name: 'd/h', type: '1', link: 'd/f' },
  { name: 'd/pipe', type: '6' },
);
const zip = zipArchive([
  { name: 'd/', unixMode: 0o040755 },
  { name: 'd/f', content: 'x'.repeat(700), method: 8, unixMode: 0o100644 },
  { name: 'd/g', content: 'stored' },
  { name: 'd/s', content: 'f', unixMode: 0o120777 },
]);

/** A few bytes changed, cut out or repeated. */
function damage(bytes: Buffer, random: (below: number) => number): Buffer {
  let damaged = Buffer.from(bytes);
  for (let times = 1 + random(4); times > 0; times--) {
    const at = random(damaged.length);
    const interesting = [0x00, 0xff, 0x2e, 0x2f, 0x5c, 0x37, 0x80, random(256)];
    if (random(8) > 0) damaged[at] = interesting[random(interesting.length)]!;
    else if (random(2) === 0)
      damaged = Buffer.concat([damaged.subarray(0, at), damaged.subarray(at + random(600))]);
    else damaged = Buffer.concat([damaged.subarray(0, at), damaged.subarray(Math.max(0, at - random(600)))]);
  }
  return damaged;
}

/** Puts right checksums on the header blocks, so that damage gets past them. */
function withChecksums(bytes: Buffer): Buffer {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (bytes.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    const block = tarHeader({ patches: [[0, bytes.subarray(at, at + 512)]] });
    block.copy(bytes, at);
  }
  return bytes;
}

async function assertHarmless(path: string, what: string): Promise<boolean> {
  try {
    const { entries } = await readArchive(path);
    const seen = new Set<string>();
    for (const entry of entries) {
      assert.equal(pathProblem(entry.path, defaultArchiveLimits), undefined, what);
      assert.ok(!seen.has(entry.path) || entry.type === 'directory', what);
      if (entry.type === 'hardlink') assert.ok(seen.has(entry.linkTarget ?? ''), what);
      assert.equal(entry.content.length, entry.size, what);
      seen.add(entry.path);
    }
    return true;
  } catch (error) {
    assert.ok(error instanceof ArchiveError, `${what}: ${String(error)}`);
    return false;
  }
}

const kinds: Readonly<Record<string, (random: (below: number) => number) => Buffer>> = {
  tar: (random) => damage(tar, random),
  'tar with right checksums': (random) => withChecksums(damage(tar, random)),
  'tar.gz': (random) => gzipSync(withChecksums(damage(tar, random)), { level: 1 }),
  zip: (random) => damage(zip, random),
};

for (const [kind, make] of Object.entries(kinds)) {
  test(`entries() of a damaged ${kind} are harmless or refused`, async () => {
    using folder = new ArchiveFolder();
    let readable = 0;
    for (const seed of seeds) {
      const random = randomOf(seed);
      for (let run = 0; run < runsPerSeed; run++) {
        const path = folder.write('x', make(random));
        if (await assertHarmless(path, `${kind}, seed ${seed}, run ${run}`)) readable++;
      }
    }
    assert.ok(readable < seeds.length * runsPerSeed, 'the damage is noticed at least sometimes');
  });
}
