/**
 * How much work a snapshot is, counted and not timed, so that a change that makes it read, sync or write more is seen on
 * any machine. The limits are what it takes now and a little more; who does less may lower them.
 */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { buildSmallHome } from '../../bench/nothing-changed/data.ts';
import { whyNoTracing } from '../crash/system-calls.ts';
import { runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { type CountedRun, runCounted, type WorkCounts } from '../helpers/work-counts.ts';

const files = 1000;
/** Of what was changed just before a snapshot it cannot know whether it changed afterwards, and reads it again. */
const settleMs = 2100;

interface Site {
  readonly home: string;
  readonly state: string;
  readonly repository: string;
  readonly entries: number;
  readonly create: () => CountedRun;
  readonly rows: () => Record<string, number>;
}

/** A home of a thousand files, two of them databases, with a snapshot, and one more without changes: nothing is new to it. */
async function settledSite(context: TestContext): Promise<Site> {
  const home = temporaryFolder(context);
  const state = join(home, '.openclaw');
  const repository = join(home, 'repository');
  mkdirSync(state);
  buildSmallHome(state, 1, files);
  await setTimeout(settleMs);
  const words = ['backup', 'create', '--repository', repository, '--json'];
  for (let run = 0; run < 2; run++) assert.equal(runCli(words, { home }).status, 0);
  return {
    home,
    state,
    repository,
    entries: readdirSync(state, { recursive: true }).length + 1,
    create: () => runCounted(words, { home, traceFile: join(home, 'trace') }),
    rows: () => rowsOf(join(repository, 'local', 'index.sqlite')),
  };
}

function rowsOf(file: string): Record<string, number> {
  const database = new Database(file, { readonly: true });
  try {
    const names = database
      .prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table'")
      .pluck()
      .all();
    return Object.fromEntries(
      names.map((name) => [
        name,
        database.prepare<[], number>(`SELECT count(*) FROM ${name}`).pluck().get() ?? 0,
      ]),
    );
  } finally {
    database.close();
  }
}

function assertAtMost(counts: WorkCounts, limits: Partial<WorkCounts>): void {
  for (const [name, limit] of Object.entries(limits)) {
    const count = counts[name as keyof WorkCounts];
    assert.ok(count <= limit, `${name}: ${count}, at most ${limit}; all: ${JSON.stringify(counts)}`);
  }
}

const options = { skip: whyNoTracing() ?? false };

test(
  'backup create looks at each file once when nothing changed, and opens none',
  options,
  async (context) => {
    const site = await settledSite(context);
    const before = site.rows();
    const run = site.create();
    const { stats } = run.json;
    assert.deepEqual(
      [stats.unchangedFiles, stats.readBytes, stats.addedBytes, stats.storedBytes],
      [files, 0, 0, 0],
    );
    const configBytes = statSync(join(site.state, 'openclaw.json')).size;
    const folders = site.entries - files;
    assertAtMost(run.below(site.state), {
      looks: site.entries + 2 * folders,
      // The configuration, by what finds the home and by what reads the settings.
      filesOpened: 2,
      foldersOpened: folders,
      readBytes: 2 * configBytes,
      writtenBytes: 0,
      syncs: 0,
    });
    assertAtMost(run.below(site.repository), { filesOpened: 8, foldersOpened: 8, syncs: 6 });
    assertAtMost(run.below(site.repository), { readBytes: 300_000, writtenBytes: 60_000 });
    assert.deepEqual(site.rows(), { ...before, snapshot: before['snapshot']! + 1 });
  },
);

test('backup create reads what changed, and stores that alone', options, async (context) => {
  const site = await settledSite(context);
  const notes = readdirSync(join(site.state, 'workspace/notes/3')).slice(0, 3);
  const changed = notes.map((name) => join(site.state, 'workspace/notes/3', name));
  for (const path of changed) appendFileSync(path, '\nOne more line.\n');
  writeFileSync(join(site.state, 'workspace/new.md'), 'A new note.\n');
  const database = join(site.state, 'memory/main.sqlite');
  editRow(database);
  await setTimeout(settleMs);
  const before = site.rows();
  const run = site.create();
  const { stats } = run.json;
  assert.deepEqual([stats.newFiles, stats.changedFiles, stats.unchangedFiles], [1, 4, files - 4]);
  const changedBytes = [...changed, database].reduce((sum, path) => sum + statSync(path).size, 0);
  assertAtMost(run.below(site.state), {
    filesOpened: 12,
    readBytes: changedBytes + 8000,
    writtenBytes: 0,
    syncs: 0,
  });
  // Its parameters are read by what looks for a key, and by what opens it.
  assertAtMost(run.below(site.repository), { filesOpened: 17, foldersOpened: 6, syncs: 9 });
  assertAtMost(run.below(join(site.repository, 'local/tmp')), { writtenBytes: 380_000 });
  // How many pages of the index are written depends on where the ids of the new blobs fall: 24 to 31 of them.
  assertAtMost(run.below(site.repository), { readBytes: 800_000, writtenBytes: 640_000 });
  const rows = Object.entries(site.rows()).map(([table, count]) => [table, count - before[table]!] as const);
  const { blob, ...others } = Object.fromEntries(rows);
  assert.deepEqual(others, {
    meta: 0,
    pack: 1,
    frame: 2,
    bad_frame: 0,
    snapshot: 1,
    snapshot_shared: 0,
    known_block: 0,
    known_digests: 1, // of the database, which has a version before
    known_leaves: 0,
  });
  assert.ok(blob! <= 12, `${blob} blobs`);
});

function editRow(file: string): void {
  const database = new Database(file);
  database.prepare("UPDATE chunks SET text = 'edited' WHERE path = 'memory/7.md'").run();
  database.close();
}
