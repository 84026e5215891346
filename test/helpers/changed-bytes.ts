import type { Seeded } from './seeded.ts';

const KiB = 1024;

/** Something else in one place of it, or less, or more of it. */
export function changed(random: Seeded, bytes: Buffer): Buffer {
  const at = random.below(bytes.length);
  const length = random.below(200 * KiB);
  const zeros = Buffer.alloc(length);
  const fresh = random.below(2) === 0 ? random.bytes(length) : zeros;
  const aligned = at - (at % (64 * KiB));
  const kinds = [
    () => Buffer.concat([bytes, fresh]),
    () => bytes.subarray(0, Math.max(70 * KiB, at)),
    () => Buffer.concat([bytes.subarray(0, at), fresh, bytes.subarray(at)]),
    () => Buffer.concat([bytes.subarray(0, at), fresh, bytes.subarray(at + length)]),
    () => Buffer.concat([bytes.subarray(0, aligned), Buffer.alloc(128 * KiB), bytes.subarray(aligned)]),
    () => Buffer.concat([bytes.subarray(0, aligned), bytes.subarray(aligned + 64 * KiB)]),
    () => bytes,
  ];
  return (kinds[random.below(kinds.length)] as () => Buffer)();
}
