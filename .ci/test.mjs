// Runs the tests of one kind: `test` (the main run), `slow`, `openclaw`, or the files named after the kind.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const [kind = 'test', ...only] = process.argv.slice(2);
const suffix = { test: '.test.ts', slow: '.slow.ts', openclaw: '.openclaw.ts' }[kind];
if (suffix === undefined) {
  console.error(`No such kind of test: ${kind} (test, slow, openclaw)`);
  process.exit(2);
}
const files = only.length > 0 ? only : globSync(`test/**/*${suffix}`).sort();
if (files.length === 0) {
  console.error(`No test file ends with ${suffix}`);
  process.exit(1);
}
const timeLimitMs = kind === 'slow' ? 5_400_000 : 600_000;
// Node would leave a core idle, which on two of them is half the machine; slow tests measure, and have it for themselves.
const atOnce = kind === 'test' ? Math.max(1, availableParallelism()) : 1;
const result = spawnSync(
  process.execPath,
  [
    '--disable-warning=ExperimentalWarning',
    '--test',
    `--test-concurrency=${atOnce}`,
    `--test-timeout=${timeLimitMs}`,
    ...files,
  ],
  { stdio: 'inherit' },
);
process.exit(result.status ?? 1);
