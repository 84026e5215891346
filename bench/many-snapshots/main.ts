/**
 * node bench/many-snapshots/main.ts [--snapshots N] [--dir DIR] [--json FILE] [--build DIR | --built DIR]
 *
 * Ten thousand snapshots, one every five minutes: what listing, one more snapshot, forgetting and pruning cost. Limits:
 * list (as text; with `--json` it writes 17 MB) under 0.3 s, a snapshot at most 1.5 times what it takes at ten snapshots, forgetting and pruning in minutes.
 *
 * Making the snapshots takes longer than measuring: `--build DIR` only makes them, and `--built DIR` measures a copy of them.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createBackup, systemEnvironment } from '../../src/index.ts';
import { cleanEnvironment } from '../lib/environment.ts';
import { markdownTable, median, megabytes, writeJson } from '../lib/report.ts';
import { runExuvia } from '../lib/run.ts';
import { folderSize } from '../lib/sizes.ts';

const listMsMax = 300;
const timesFewMax = 1.5;
const maintenanceMsMax = 5 * 60_000;
const files = 200;
const runs = 15;

const { values } = parseArgs({
  options: {
    snapshots: { type: 'string', default: '10000' },
    dir: { type: 'string' },
    build: { type: 'string' },
    built: { type: 'string' },
    json: { type: 'string' },
  },
});
const counts = { few: 10, many: Number(values.snapshots) };
if (values.build !== undefined) {
  await buildBoth(values.build);
  process.exit();
}
const dir = mkdtempSync(join(values.dir ?? tmpdir(), 'exuvia-many-'));
try {
  const { few, many } = values.built === undefined ? await buildBoth(dir) : await copyBoth(values.built);
  const createMs: Record<'few' | 'many', number[]> = { few: [], many: [] };
  for (let round = 0; round < runs; round++) {
    // In turns, so that both meet the same machine.
    createMs.few.push(await snapshotMs(few, round));
    createMs.many.push(await snapshotMs(many, round));
  }
  const listMs: number[] = [];
  const listJsonMs: number[] = [];
  for (let round = 0; round < runs; round++) {
    listMs.push((await asText(many, 'list')).wallMs);
    listJsonMs.push((await backup(many, 'list')).wallMs);
  }
  const before = folderSize(many.repository).bytes;
  const forget = await backup(many, 'forget', '--keep-hourly', '24', '--keep-daily', '30');
  const prune = await backup(many, 'prune');
  const check = await backup(many, 'check', '--read-data');
  const result = {
    snapshots: Number(values.snapshots),
    listMs: median(listMs),
    listJsonMs: median(listJsonMs),
    createFewMs: median(createMs.few),
    createManyMs: median(createMs.many),
    timesFew: median(createMs.many) / median(createMs.few),
    forgetMs: forget.wallMs,
    pruneMs: prune.wallMs,
    pruneMemoryBytes: prune.memoryBytesMax,
    checkAfterMs: check.wallMs,
    bytesBefore: before,
    bytesAfter: folderSize(many.repository).bytes,
  };
  console.log(
    markdownTable([
      {
        snapshots: String(result.snapshots),
        list: `${result.listMs.toFixed(0)} ms`,
        'list --json': `${result.listJsonMs.toFixed(0)} ms`,
        'create, at 10': `${result.createFewMs.toFixed(0)} ms`,
        'create, at all': `${result.createManyMs.toFixed(0)} ms`,
        ratio: result.timesFew.toFixed(2),
        forget: `${(result.forgetMs / 1000).toFixed(1)} s`,
        prune: `${(result.pruneMs / 1000).toFixed(1)} s`,
        'prune, memory': megabytes(result.pruneMemoryBytes ?? 0),
        size: `${megabytes(result.bytesBefore)} to ${megabytes(result.bytesAfter)}`,
      },
    ]),
  );
  if (values.json !== undefined) writeJson(values.json, { manySnapshots: result });
  const isWithin =
    result.listMs <= listMsMax &&
    result.timesFew <= timesFewMax &&
    result.forgetMs + result.pruneMs <= maintenanceMsMax;
  process.exitCode = isWithin ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}

interface Built {
  readonly home: string;
  readonly repository: string;
}

async function buildBoth(folder: string): Promise<Record<'few' | 'many', Built>> {
  const few = await build(join(folder, 'few'), counts.few);
  return { few, many: await build(join(folder, 'many'), counts.many) };
}

/** A copy's index is made anew, and its files are new to it: both are seen to before anything is measured. */
async function copyBoth(folder: string): Promise<Record<'few' | 'many', Built>> {
  cpSync(folder, dir, { recursive: true, preserveTimestamps: true });
  const [few, many] = [builtIn(join(dir, 'few')), builtIn(join(dir, 'many'))];
  for (const built of [few, many]) await backup(built, 'create');
  return { few, many };
}

function builtIn(home: string): Built {
  return { home, repository: join(home, '.openclaw/backups') };
}

/** Made in this process: starting the program ten thousand times would take longer than the snapshots. */
async function build(home: string, snapshots: number): Promise<Built> {
  const workspace = join(home, '.openclaw/workspace');
  mkdirSync(workspace, { recursive: true });
  writeFileSync(join(home, '.openclaw/openclaw.json'), '{}');
  for (let file = 0; file < files; file++) writeFileSync(join(workspace, `note-${file}.md`), text(file, 0));
  for (let round = 0; round < snapshots; round++) {
    writeFileSync(join(workspace, `note-${round % files}.md`), text(round % files, round + 1));
    const clock = { nowMs: () => Date.UTC(2026, 0, 1) + round * 300_000 };
    await createBackup(systemEnvironment({ env: { HOME: home }, osHome: home, cwd: home, clock }), {});
  }
  return builtIn(home);
}

function text(file: number, round: number): string {
  return Array.from({ length: 12 }, (_, line) => `note ${file}, line ${line}, as of round ${round}`).join(
    '\n',
  );
}

async function snapshotMs(built: Built, round: number): Promise<number> {
  writeFileSync(join(built.home, '.openclaw/workspace/note-0.md'), `measured ${round}`);
  return (await backup(built, 'create')).wallMs;
}

async function backup(
  { home }: Built,
  ...words: string[]
): Promise<{ readonly wallMs: number; readonly memoryBytesMax: number | undefined }> {
  return await runExuvia(['backup', ...words, '--json'], {
    env: cleanEnvironment(home, { HOME: home }),
    measureMemory: words[0] === 'prune',
  });
}

async function asText({ home }: Built, ...words: string[]): Promise<{ readonly wallMs: number }> {
  return await runExuvia(['backup', ...words], { env: cleanEnvironment(home, { HOME: home }) });
}
