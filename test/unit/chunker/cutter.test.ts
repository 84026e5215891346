import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createKernelCutter, createReferenceCutter } from '../../../src/chunker/cutter.ts';
import { cutShifts, gearTable, gearWindow } from '../../../src/chunker/gear.ts';
import { type CutProfile, chooseProfile, cutProfiles } from '../../../src/chunker/parameters.ts';
import { findCutReference } from '../../../src/chunker/reference.ts';
import { Seeded } from '../../helpers/seeded.ts';

const MiB = 1024 * 1024;

const inputs: Readonly<Record<string, Buffer>> = {
  random: new Seeded(1).bytes(3 * MiB),
  text: new Seeded(2).text(3 * MiB),
  zeros: Buffer.alloc(3 * MiB),
  periodic: Buffer.alloc(3 * MiB, 'a period of 23 bytes...'),
  mixed: Buffer.concat([new Seeded(3).bytes(MiB), Buffer.alloc(MiB), new Seeded(4).text(MiB)]),
};

function cutsOf(cut: (start: number, end: number) => number, bytes: number): number[] {
  const cuts: number[] = [];
  for (let at = 0; at < bytes; ) {
    at = cut(at, bytes);
    cuts.push(at);
  }
  return cuts;
}

function profile(index: number): CutProfile {
  const found = cutProfiles[index];
  assert.ok(found);
  return found;
}

test('createKernelCutter() cuts where the reference cuts', () => {
  for (const [name, input] of Object.entries(inputs)) {
    for (const cutProfile of cutProfiles) {
      const kernel = createKernelCutter(cutProfile);
      const reference = createReferenceCutter(cutProfile);
      kernel.window.set(input);
      reference.window.set(input);
      assert.deepEqual(
        cutsOf(kernel.cut, input.length),
        cutsOf(reference.cut, input.length),
        `${name}, ${cutProfile.name}`,
      );
    }
  }
});

test('createKernelCutter() agrees with the reference at any start and end', () => {
  const random = new Seeded(7);
  const kernel = createKernelCutter(profile(0));
  const input = inputs['mixed'] ?? Buffer.alloc(0);
  kernel.window.set(input);
  for (let round = 0; round < 3000; round++) {
    const start = random.below(input.length);
    const end = Math.min(input.length, start + random.below(100_000));
    assert.equal(kernel.cut(start, end), findCutReference(input, start, end, profile(0)), `${start}-${end}`);
  }
});

test('findCutReference() cuts at the places of the stored table', () => {
  const table = JSON.parse(readFileSync(new URL('../../golden/chunker/cuts.json', import.meta.url), 'utf8'));
  for (const { seed, kind, bytes, profile: name, cuts } of table.vectors) {
    const input = kind === 'bytes' ? new Seeded(seed).bytes(bytes) : new Seeded(seed).text(bytes);
    const cutProfile = cutProfiles.find((one) => one.name === name);
    assert.ok(cutProfile);
    assert.deepEqual(
      cutsOf((start, end) => findCutReference(input, start, end, cutProfile), bytes),
      cuts,
    );
  }
});

test('findCutReference() depends on nothing before the start', () => {
  const input = inputs['random'] ?? Buffer.alloc(0);
  const moved = Buffer.concat([Buffer.alloc(12_345, 7), input]);
  for (let start = 0; start < MiB; start += 77_777) {
    const here = findCutReference(input, start, input.length, profile(0)) - start;
    assert.equal(findCutReference(moved, start + 12_345, moved.length, profile(0)) - start - 12_345, here);
  }
});

test('cutProfiles give chunks near their average and never only the smallest', () => {
  for (const [name, input] of Object.entries(inputs)) {
    const cuts = cutsOf((start, end) => findCutReference(input, start, end, profile(0)), input.length);
    const average = input.length / cuts.length;
    if (name === 'random' || name === 'text') {
      assert.ok(average > 0.75 * 16_384 && average < 1.35 * 16_384, `${name}: ${average}`);
    }
    assert.ok(average > 1.5 * profile(0).minBytes, `${name}: ${average}`);
  }
});

test('findCutReference() does not degenerate on data with a short period', () => {
  const random = new Seeded(11);
  for (let period = 1; period <= 64; period++) {
    const input = Buffer.alloc(MiB, random.bytes(period));
    const cuts = cutsOf((start, end) => findCutReference(input, start, end, profile(0)), input.length);
    assert.ok(
      input.length / cuts.length > 2 * profile(0).minBytes,
      `period ${period}: ${cuts.length} chunks`,
    );
  }
});

test('gearTable lets no run of one byte pass the easiest test', () => {
  const { after } = cutShifts(profile(0));
  for (let byte = 0; byte < 256; byte++) {
    // After a window of the same byte the hash is -table[byte] modulo 2^32.
    let hash = 0;
    for (let count = 0; count < gearWindow; count++) hash = ((hash << 1) + (gearTable[byte] ?? 0)) | 0;
    assert.notEqual(hash >>> after, 0, `byte ${byte}`);
  }
});

test('findCutReference() finds its cuts again after an insertion', () => {
  const input = new Seeded(5).bytes(2 * MiB);
  const edited = Buffer.concat([input.subarray(0, MiB), Buffer.from('inserted'), input.subarray(MiB)]);
  const pieces = (bytes: Buffer): Set<string> => {
    let start = 0;
    return new Set(
      cutsOf((at, end) => findCutReference(bytes, at, end, profile(0)), bytes.length).map((end) => {
        const piece = bytes.subarray(start, end).toString('latin1');
        start = end;
        return piece;
      }),
    );
  };
  const before = pieces(input);
  const fresh = [...pieces(edited)].filter((piece) => !before.has(piece));
  assert.ok(fresh.length <= 4, `${fresh.length} new chunks`);
});

test('chooseProfile() keeps the profile of a file near a limit', () => {
  assert.equal(chooseProfile(63 * MiB), 0);
  assert.equal(chooseProfile(64 * MiB), 1);
  assert.equal(chooseProfile(1024 * MiB), 2);
  assert.equal(chooseProfile(100 * MiB, 0), 0);
  assert.equal(chooseProfile(128 * MiB, 0), 1);
  assert.equal(chooseProfile(40 * MiB, 1), 1);
  assert.equal(chooseProfile(31 * MiB, 1), 0);
  assert.equal(chooseProfile(10 * MiB, 9), 0);
});

test('kernel.generated.ts is what its source compiles to', () => {
  const run = spawnSync(process.execPath, ['.ci/kernels.mjs', '--check'], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
});
