/**
 * node bench/nothing-changed/main.ts [--pairs N] [--dir DIR] [--json FILE]
 *
 * A snapshot of a home of 1,000 files in which nothing changed, against `node -e 0`, in turns: at most 5 times its wall
 * time, and at most 1 KB a snapshot outside the local cache.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { grouped, markdownTable, megabytes, writeJson } from '../lib/report.ts';
import { bytesPerSnapshotMax, measureNothingChanged, timesNodeMax } from './measure.ts';

const { values } = parseArgs({
  options: { pairs: { type: 'string', default: '41' }, dir: { type: 'string' }, json: { type: 'string' } },
});
const dir = mkdtempSync(join(values.dir ?? tmpdir(), 'exuvia-nothing-changed-'));
try {
  const result = await measureNothingChanged({ dir, pairs: Number(values.pairs) });
  const row = {
    home: `${grouped(result.files)} files, ${megabytes(result.bytes)}`,
    pairs: String(result.pairs),
    'node -e 0': `${result.nodeMs.toFixed(1)} ms`,
    'backup create': `${result.createMs.toFixed(1)} ms`,
    ratio: result.timesNode.toFixed(2),
    'bytes a snapshot': grouped(result.bytesPerSnapshot),
    'without local/': grouped(result.bytesPerSnapshotWithoutLocal),
  };
  console.log(markdownTable([row]));
  if (values.json !== undefined) writeJson(values.json, { nothingChanged: result });
  const isWithin =
    result.timesNode <= timesNodeMax && result.bytesPerSnapshotWithoutLocal <= bytesPerSnapshotMax;
  process.exitCode = isWithin ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
