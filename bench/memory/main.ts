/**
 * node bench/memory/main.ts [--only large|many] [--dir DIR] [--json FILE]
 *
 * Snapshots of 20 GB of sparse and real files, and of 300,000 small files: peak memory of the process and its children,
 * which must stay under 400 MB. Wants 6 GB of disk in DIR, and /proc.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { grouped, markdownTable, megabytes, seconds, writeJson } from '../lib/report.ts';
import { type MemoryRun, measureLargeFiles, measureManyFiles, memoryBytesMax } from './measure.ts';

const { values } = parseArgs({
  options: { only: { type: 'string' }, dir: { type: 'string' }, json: { type: 'string' } },
});
const sources = { large: measureLargeFiles, many: measureManyFiles };

const runs: MemoryRun[] = [];
for (const [name, measure] of Object.entries(sources)) {
  if (values.only !== undefined && values.only !== name) continue;
  const dir = mkdtempSync(join(values.dir ?? tmpdir(), 'exuvia-memory-'));
  try {
    runs.push(...(await measure({ dir })));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
console.log(markdownTable(runs.map(rowOf)));
if (values.json !== undefined) writeJson(values.json, { runs });
process.exitCode = runs.length > 0 && runs.every(isWithin) ? 0 : 1;

function isWithin(run: MemoryRun): boolean {
  return run.memoryBytesMax !== undefined && run.memoryBytesMax < memoryBytesMax;
}

function rowOf(run: MemoryRun): Record<string, string> {
  const perSecond = 1000 / run.wallMs;
  return {
    source: run.source,
    snapshot: run.snapshot,
    files: grouped(run.files),
    bytes: megabytes(run.bytes),
    'peak memory': megabytes(run.memoryBytesMax),
    takes: seconds(run.wallMs),
    'files/s': grouped(run.files * perSecond),
    'MB/s': grouped((run.bytes / 1e6) * perSecond),
    repository: megabytes(run.repositoryBytes),
  };
}
