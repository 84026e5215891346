/** Ways to damage a repository, and what must be true after each. */
import type { TestContext } from 'node:test';
import { Seeded } from '../helpers/seeded.ts';
import { SmallRepository } from './small-repository.ts';

export interface Damage {
  readonly name: string;
  readonly apply: (small: SmallRepository) => void;
  /** Without `local/` nobody can know that a snapshot was there. */
  readonly needsLocal?: boolean;
}

export function flipAt(path: string, bit: number): Damage {
  return {
    name: `bit ${bit} of ${path} flipped`,
    apply: (small) => {
      const bytes = Buffer.from(small.files.get(path) ?? []);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      small.write(path, bytes);
    },
  };
}

export function truncateAt(path: string, length: number): Damage {
  return {
    name: `${path} cut to ${length} bytes`,
    apply: (small) => small.write(path, (small.files.get(path) ?? Buffer.alloc(0)).subarray(0, length)),
  };
}

/** Every damage to whole files: deleted, swapped, grown, overwritten in blocks. */
export function* wholeFileDamages(small: SmallRepository): Generator<Damage> {
  const paths = [...small.files.keys()];
  yield {
    name: 'an older copy of the whole repository',
    apply: (it) => {
      for (const path of paths) if (!it.olderPaths.has(path)) it.delete(path);
    },
    needsLocal: true,
  };
  for (const path of paths) {
    yield {
      name: `${path} deleted`,
      apply: (it) => it.delete(path),
      needsLocal: path.startsWith('snapshots/'),
    };
    yield {
      name: `${path} grown by a byte`,
      apply: (it) => it.write(path, Buffer.concat([bytesOf(it, path), Buffer.from([0])])),
    };
    const bytes = bytesOf(small, path);
    for (let at = 0; at < bytes.length; at += 512) {
      const end = Math.min(at + 512, bytes.length);
      if (bytes.subarray(at, end).every((byte) => byte === 0)) continue; // nothing would change
      yield {
        name: `${path}, zeros from ${at} to ${end}`,
        apply: (it) => it.write(path, Buffer.from(bytesOf(it, path)).fill(0, at, end)),
      };
    }
    for (const other of paths) {
      if (other <= path || bytesOf(small, other).equals(bytes)) continue; // nothing would change
      yield {
        name: `${path} and ${other} swapped`,
        apply: (it) => {
          it.write(path, bytesOf(it, other));
          it.write(other, bytesOf(it, path));
        },
      };
      yield { name: `${path} in the place of ${other}`, apply: (it) => it.write(other, bytesOf(it, path)) };
    }
  }
}

function bytesOf(small: SmallRepository, path: string): Buffer {
  return small.files.get(path) ?? Buffer.alloc(0);
}

export interface Judged {
  damages: number;
  restores: number;
  repairs: number;
}

/**
 * Applies each damage to a whole repository: the check must find it and name what is lost of which snapshot; no restore may write a
 * byte that was not stored, and all that was not named must be restored; a repair must leave a sound repository that has lost nothing
 * more. Every other time `local/` is there, as it was before the damage. Throws with every violation.
 */
export async function judgeAll(
  context: TestContext,
  damages: (small: SmallRepository) => Iterable<Damage>,
  {
    restoresEach = 1,
    repairsEach = 1,
    isEncrypted = false,
    tells = false,
  }: { restoresEach?: number; repairsEach?: number; isEncrypted?: boolean; tells?: boolean } = {},
): Promise<Judged> {
  const small = await SmallRepository.make(isEncrypted);
  const tell = tells ? teller(context.name, countOf(damages(small))) : undefined;
  const judged: Judged = { damages: 0, restores: 0, repairs: 0 };
  const violations: string[] = [];
  try {
    for (const damage of damages(small)) {
      const keepsLocal = damage.needsLocal === true || judged.damages % 2 === 0;
      small.reset({ keepsLocal });
      if (keepsLocal) await small.listed();
      damage.apply(small);
      const checked = await small.check();
      if (checked?.isSound === true) violations.push(`${damage.name}: not found`);
      if (judged.damages % restoresEach === 0) {
        judged.restores++;
        const wrong = await small.wrongRestores({ checked });
        violations.push(...wrong.map((text) => `${damage.name}: ${text}`));
      }
      if (judged.damages % repairsEach === 0) {
        const wrong = await small.wrongRepair();
        violations.push(...wrong.map((text) => `${damage.name}: ${text}`));
        judged.repairs++;
      }
      judged.damages++;
      tell?.(judged, violations.length);
    }
  } finally {
    small.remove();
  }
  context.diagnostic(`${JSON.stringify(judged)}, ${violations.length} violations`);
  if (violations.length > 0)
    throw new Error(`${violations.length} violations:\n${violations.slice(0, 50).join('\n')}`);
  return judged;
}

const tellEveryMs = 30_000;

/** How far a long run is, on the way: the runner shows what a test says only at its end. */
export function teller(name: string, total: number): (judged: object, violations: number) => void {
  const startedMs = performance.now();
  let toldMs = startedMs;
  let done = 0;
  return (judged, violations) => {
    done++;
    if (performance.now() - toldMs < tellEveryMs && done < total) return;
    toldMs = performance.now();
    const seconds = Math.round((toldMs - startedMs) / 1000);
    const found = `${JSON.stringify(judged)}, ${violations} violations`;
    process.stderr.write(`${name}: ${done} of ${total} in ${seconds} s: ${found}\n`);
  };
}

export function countOf(items: Iterable<unknown>): number {
  let count = 0;
  for (const _ of items) count++;
  return count;
}

/** So many bits of all files, chosen by the seed. */
export function* someFlips(small: SmallRepository, count: number, seed: number): Generator<Damage> {
  const random = new Seeded(seed);
  const files = [...small.files];
  const total = files.reduce((sum, [, bytes]) => sum + bytes.length * 8, 0);
  for (let index = 0; index < count; index++) {
    let bit = random.below(total);
    for (const [path, bytes] of files) {
      if (bit < bytes.length * 8) {
        yield flipAt(path, bit);
        break;
      }
      bit -= bytes.length * 8;
    }
  }
}
