/** What was measured, kept in a JSON file that several runs may add to. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type Circumstances, circumstances, median } from '../lib/report.ts';

export type BytesAre = 'repository' | 'growth' | 'archive';

export interface Measured {
  readonly tool: string;
  readonly kind: 'own' | 'peer' | 'program';
  readonly version: string;
  readonly settings: string;
  readonly cache: 'warm' | 'cold';
  /** One for each round, as the next three. */
  readonly wallMs: readonly number[];
  readonly cpuMs: readonly number[];
  readonly memoryBytes: readonly number[];
  readonly bytes: readonly number[];
  readonly bytesAre?: BytesAre;
}

export interface Result extends Measured {
  readonly work: string;
  readonly set: string;
  /** Of the product. */
  readonly commit: string | undefined;
  readonly measuredAt: string;
}

export interface Results {
  readonly circumstances: Circumstances;
  readonly results: readonly Result[];
}

export function readResults(file: string): readonly Result[] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results).results : [];
}

export function writeResults(file: string, results: readonly Result[]): void {
  writeFileSync(file, `${JSON.stringify({ circumstances: circumstances(), results }, null, 2)}\n`);
}

/**
 * Rounds of the same work at the same commit are put together, as if one run had made them. Of another commit, the older
 * figures of that work go, those of the other tools too: ratios hold within one run only.
 */
export function addResults(older: readonly Result[], newer: readonly Result[]): readonly Result[] {
  const kept = older.filter(
    (result) => !newer.some((one) => isSameContest(one, result) && !isSameProduct(one, result)),
  );
  const together = newer.map((result) => {
    const before = kept.find((one) => isSameContest(one, result) && one.tool === result.tool);
    return before === undefined ? result : joined(before, result);
  });
  const others = kept.filter(
    (result) => !newer.some((one) => isSameContest(one, result) && one.tool === result.tool),
  );
  return [...others, ...together];
}

function isSameContest(a: Result, b: Result): boolean {
  return a.work === b.work && a.set === b.set && a.cache === b.cache;
}

function isSameProduct(a: Result, b: Result): boolean {
  return a.commit !== undefined && a.commit === b.commit && !a.commit.endsWith('+');
}

function joined(a: Result, b: Result): Result {
  return {
    ...b,
    wallMs: [...a.wallMs, ...b.wallMs],
    cpuMs: [...a.cpuMs, ...b.cpuMs],
    memoryBytes: [...a.memoryBytes, ...b.memoryBytes],
    bytes: [...a.bytes, ...b.bytes],
  };
}

export type Figure = 'time' | 'processor' | 'memory' | 'bytes';

/** Medians of time and bytes; of memory the most. Undefined when nothing was measured. */
export function figureOf(result: Measured, figure: Figure): number | undefined {
  if (figure === 'time') return result.wallMs.length > 0 ? median(result.wallMs) : undefined;
  if (figure === 'processor') return result.cpuMs.length > 0 ? median(result.cpuMs) : undefined;
  if (figure === 'bytes') return result.bytes.length > 0 ? median(result.bytes) : undefined;
  const most = Math.max(0, ...result.memoryBytes);
  return most > 0 ? most : undefined;
}
