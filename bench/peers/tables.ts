/** Results and verdicts for people. */
import { markdownTable, megabytes } from '../lib/report.ts';
import type { Verdict } from './limits.ts';
import { figureOf, type Result } from './results.ts';
import { works } from './works.ts';

export function resultsTable(results: readonly Result[]): string {
  const sorted = results.toSorted(
    (a, b) => a.set.localeCompare(b.set) || workIndex(a) - workIndex(b) || b.cache.localeCompare(a.cache),
  );
  return markdownTable(sorted.map((result, index) => rowOf(result, sorted, sorted[index - 1])));
}

function rowOf(
  result: Result,
  results: readonly Result[],
  previous: Result | undefined,
): Record<string, string> {
  const isFirst = previous === undefined || !isSame(result, previous);
  const bytes = figureOf(result, 'bytes');
  const title = works.find(({ name }) => name === result.work)?.title ?? result.work;
  return {
    set: isFirst ? result.set : '',
    work: isFirst ? `${title}${result.cache === 'cold' ? ', cold' : ''}` : '',
    tool: result.tool,
    settings: result.settings,
    takes: durationText(figureOf(result, 'time')),
    'times ours': timesOurs(result, results),
    processors: durationText(figureOf(result, 'processor')),
    rounds: String(result.wallMs.length),
    'peak memory': megabytes(figureOf(result, 'memory')),
    bytes: bytes === undefined ? '' : `${bytesText(bytes)} ${result.bytesAre ?? ''}`.trim(),
  };
}

function durationText(ms: number | undefined): string {
  if (ms === undefined) return '';
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function bytesText(bytes: number): string {
  return bytes < 10_000_000 ? Math.round(bytes).toLocaleString('en-US') : megabytes(bytes);
}

function timesOurs(result: Result, results: readonly Result[]): string {
  const ours = results.find((one) => one.kind === 'own' && isSame(one, result));
  const base = ours && figureOf(ours, 'time');
  const ms = figureOf(result, 'time');
  return base === undefined || ms === undefined ? '' : (ms / base).toFixed(2);
}

function isSame(a: Result, b: Result): boolean {
  return a.work === b.work && a.set === b.set && a.cache === b.cache;
}

function workIndex({ work }: Result): number {
  return works.findIndex(({ name }) => name === work);
}

export function verdictsTable(verdicts: readonly Verdict[]): string {
  return markdownTable(
    verdicts.map(({ limit, wanted, measured, isReached }) => ({
      limit,
      wanted,
      measured,
      reached: isReached === undefined ? '-' : isReached ? 'yes' : 'NO',
    })),
  );
}
