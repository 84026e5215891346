/**
 * node bench/peers/main.ts [--sets a,b,c] [--only WORK,…] [--rounds 5] [--cold] [--skip TOOL,…] [--openclaw DIR]
 *                          [--dir DIR] [--json FILE [--add]] [--prepare]
 * node bench/peers/main.ts --show FILE
 *
 * The same work for the product and for what is found of restic, Borg, bup, tar, pigz, zstd, cp, find and OpenClaw, in
 * turn, round after round. Prints one table, and which limits are reached; exit code 1 when one is not.
 *
 * --sets      a: agent home of 106 MB; b: 30,000 mixed files of 1.5 GB; c: 100,000 small files
 * --only      first, nothing, hour, changed, touched, restore, restore-one, diff, check, prune, export, import, list,
 *             openclaw, openclaw-young
 * --cold      also with the page cache dropped before each run (Linux, as root)
 * --skip      tools to leave out, by their names in the table
 * --openclaw  a folder with node_modules/openclaw
 * --dir       keeps data and prepared repositories there for the next run (12 GB)
 * --add       adds the rounds to what FILE has of the same commit
 * --prepare   prepares, and measures nothing
 * --show      prints the tables of FILE again
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { circumstances } from '../lib/report.ts';
import { dataSets, type SetName } from './data.ts';
import { installedTools } from './installed.ts';
import { verdictsOn } from './limits.ts';
import { PreparedSet } from './prepared.ts';
import { addResults, type Result, readResults, writeResults } from './results.ts';
import { type Cache, canDropCaches, measureContest } from './rounds.ts';
import { resultsTable, verdictsTable } from './tables.ts';
import type { Work } from './work.ts';
import { works } from './works.ts';

/** Rounds of work that takes less than a second are cheap, and single ones say little. */
const quickRounds = 3;

const { values } = parseArgs({
  options: {
    sets: { type: 'string', default: 'a,b,c' },
    only: { type: 'string' },
    skip: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    cold: { type: 'boolean', default: false },
    openclaw: { type: 'string' },
    dir: { type: 'string' },
    json: { type: 'string' },
    add: { type: 'boolean', default: false },
    prepare: { type: 'boolean', default: false },
    show: { type: 'string' },
  },
});

const mistake = mistakeIn(values);
if (mistake !== undefined) {
  console.error(mistake);
  process.exit(2);
}
const results = values.show === undefined ? await measureAll() : readResults(values.show);
if (results.length > 0) {
  const verdicts = verdictsOn(results);
  console.log(`${resultsTable(results)}\n\n${verdictsTable(verdicts)}`);
  process.exitCode = verdicts.some(({ isReached }) => isReached === false) ? 1 : 0;
}

async function measureAll(): Promise<readonly Result[]> {
  const caches: readonly Cache[] = values.cold ? ['warm', 'cold'] : ['warm'];
  const wanted = works.filter(({ name }) => values.only === undefined || listOf(values.only).includes(name));
  const dir = values.dir === undefined ? mkdtempSync(join(tmpdir(), 'exuvia-peers-')) : resolve(values.dir);
  const memoryDir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : dir, 'exuvia-peers-'));
  mkdirSync(dir, { recursive: true });
  let measured: readonly Result[] = values.add && values.json !== undefined ? readResults(values.json) : [];
  try {
    for (const name of listOf(values.sets) as SetName[]) {
      const set = await PreparedSet.open(dir, name);
      for (const work of wanted.filter(({ sets }) => sets.includes(name))) {
        measured = addResults(measured, await measureWork(work, set, { dir, memoryDir, caches }));
        if (values.json !== undefined) writeResults(values.json, measured);
      }
      set.removeScratch();
    }
  } finally {
    rmSync(memoryDir, { recursive: true, force: true });
    if (values.dir === undefined) rmSync(dir, { recursive: true, force: true });
  }
  return measured;
}

function mistakeIn({ sets, only, rounds, cold }: typeof values): string | undefined {
  const unknownSet = listOf(sets).find((name) => !Object.hasOwn(dataSets, name));
  if (unknownSet !== undefined) return `No such data set: ${unknownSet} (a, b, c)`;
  const names = works.map(({ name }) => name);
  const unknown = listOf(only ?? '').find((name) => !names.includes(name));
  if (unknown !== undefined) return `No such work: ${unknown} (${names.join(', ')})`;
  if (!(Number(rounds) >= 1)) return `--rounds ${rounds}: not a number from 1 on`;
  if (cold && !canDropCaches()) return '--cold needs Linux, and the rights of root';
  return undefined;
}

async function measureWork(
  work: Work,
  set: PreparedSet,
  options: { readonly dir: string; readonly memoryDir: string; readonly caches: readonly Cache[] },
): Promise<Result[]> {
  const skipped = listOf(values.skip);
  const tools = installedTools().filter(
    ({ name, only }) => !skipped.includes(name) && (only === undefined || only.includes(work.name)),
  );
  const { dir, memoryDir, caches } = options;
  console.error(`${set.name}: ${work.title}`);
  const contest = await work.contest({ set, tools, dir, memoryDir, openclaw: values.openclaw });
  if (contest === undefined || values.prepare) return [];
  const results: Result[] = [];
  for (const cache of caches) {
    const rounds = Number(values.rounds) * (work.isQuick === true ? quickRounds : 1);
    const { commit, measuredAt } = circumstances();
    for (const measured of await measureContest(contest, cache, rounds))
      results.push({ work: work.name, set: set.name, commit, measuredAt, ...measured });
  }
  return results;
}

function listOf(text: string): string[] {
  return text.split(',').filter((part) => part !== '');
}
