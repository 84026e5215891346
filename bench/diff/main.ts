/**
 * node bench/diff/main.ts [--files N,N,…] [--peers] [--dir DIR] [--json FILE]
 *
 * Two snapshots of a home with a database of 61 MB and many files, between which 99 files and 110 rows change. What it costs to
 * name what differs, and to look inside. Limits, at 30,000 files: names in 0.3 s, contents in 1.5 s, 300 MB of memory.
 */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { cleanEnvironment } from '../lib/environment.ts';
import { seededRandom } from '../lib/random.ts';
import {
  circumstances,
  grouped,
  markdownTable,
  median,
  megabytes,
  versionOf,
  writeJson,
} from '../lib/report.ts';
import { run, runExuvia } from '../lib/run.ts';
import { createWriter } from '../lib/text.ts';

const limits = { files: 30_000, namesMs: 300, contentMs: 1500, memoryBytes: 300_000_000 };
const runs = 7;
const changes = 99;
const rows = 14_800;
const rowsChanged = 100;
const rowsAdded = 10;

interface Figures {
  readonly files: number;
  readonly namesMs: number;
  readonly contentMs: number;
  readonly memoryBytes: number;
  readonly resticMs?: number;
  readonly borgMs?: number;
}

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '1000,10000,30000,100000' },
    peers: { type: 'boolean', default: false },
    dir: { type: 'string' },
    json: { type: 'string' },
  },
});
const results: Figures[] = [];
for (const count of values.files.split(',').map(Number)) {
  const dir = mkdtempSync(join(values.dir ?? tmpdir(), 'exuvia-diff-'));
  try {
    results.push(await measure(dir, count));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
console.log(markdownTable(results.map(rowOf)));
if (values.json !== undefined) writeJson(values.json, { circumstances: circumstances(), diff: results });
process.exitCode = results.every(isWithin) ? 0 : 1;

function isWithin({ files, namesMs, contentMs, memoryBytes }: Figures): boolean {
  if (memoryBytes > limits.memoryBytes) return false;
  return files !== limits.files || (namesMs <= limits.namesMs && contentMs <= limits.contentMs);
}

function rowOf({
  files,
  namesMs,
  contentMs,
  memoryBytes,
  resticMs,
  borgMs,
}: Figures): Record<string, string> {
  return {
    files: grouped(files),
    names: `${namesMs.toFixed(0)} ms`,
    contents: `${contentMs.toFixed(0)} ms`,
    'memory, at most': megabytes(memoryBytes),
    ...(resticMs === undefined ? {} : { 'restic diff': `${resticMs.toFixed(0)} ms` }),
    ...(borgMs === undefined ? {} : { 'borg diff': `${borgMs.toFixed(0)} ms` }),
  };
}

async function measure(dir: string, count: number): Promise<Figures> {
  const source = join(dir, 'home');
  writeFiles(source, count);
  writeDatabase(join(source, 'memory/main.sqlite'));
  const tools = toolsIn(dir, source);
  for (const tool of tools) await tool.backup();
  change(source, count);
  for (const tool of tools) await tool.backup();
  const names: number[] = [];
  const contents: number[] = [];
  const peers: Record<string, number[]> = {};
  for (let round = 0; round < runs; round++) {
    for (const tool of tools.slice(1)) {
      const { wallMs } = await tool.diff([]);
      peers[tool.name] = [...(peers[tool.name] ?? []), wallMs];
    }
    names.push((await exuvia(dir, ['diff', 'latest~1', 'latest'])).wallMs);
    contents.push((await exuvia(dir, ['diff', 'latest~1', 'latest', '--content'])).wallMs);
  }
  // Apart from the times: sampling takes some.
  const whole = await exuvia(dir, ['diff', 'latest~1', 'latest', '--content'], true);
  return {
    files: count,
    namesMs: median(names),
    contentMs: median(contents),
    memoryBytes: whole.memoryBytesMax ?? 0,
    ...(peers['restic'] === undefined ? {} : { resticMs: median(peers['restic']) }),
    ...(peers['borg'] === undefined ? {} : { borgMs: median(peers['borg']) }),
  };
}

function pathOf(source: string, file: number): string {
  return join(source, 'workspace', `area-${Math.floor(file / 100)}`, `note-${file}.md`);
}

function writeFiles(source: string, count: number): void {
  const random = seededRandom(1, 'files');
  const writer = createWriter(1);
  const topic = writer.topic(random);
  for (let file = 0; file < count; file++) {
    const path = pathOf(source, file);
    if (file % 100 === 0) mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `# Note ${file}\n\n${writer.prose(random, topic, random.between(40, 400))}\n`);
  }
}

function writeDatabase(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const random = seededRandom(1, 'rows');
  const database = new Database(path);
  database.exec(
    'CREATE TABLE chunks (id TEXT PRIMARY KEY, path TEXT, text TEXT, embedding BLOB, updated_at INTEGER); CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)',
  );
  const insert = database.prepare('INSERT INTO chunks VALUES (?, ?, ?, ?, ?)');
  database.transaction(() => {
    for (let row = 0; row < rows; row++) {
      const text = `what was said in chunk ${row}, `.repeat(12);
      insert.run(random.uuid(), `memory/${row % 300}.md`, text, random.bytes(2048), row);
    }
  })();
  database.close();
}

function change(source: string, count: number): void {
  for (let index = 0; index < changes; index++) {
    const path = pathOf(source, Math.floor((index * count) / changes));
    if (index % 10 === 9) renameSync(path, path.replace('note', 'moved'));
    else if (index % 10 === 8) rmSync(path);
    else writeFileSync(path, `${readFileSync(path, 'utf8')}\nOne more line, and the end of it.\n`);
  }
  const database = new Database(join(source, 'memory/main.sqlite'));
  const ids = database.prepare('SELECT id FROM chunks ORDER BY id').pluck().all();
  database.transaction(() => {
    const update = database.prepare('UPDATE chunks SET text = ?, updated_at = ? WHERE id = ?');
    for (let row = 0; row < rowsChanged; row++)
      update.run(`changed ${row}`, row, ids[Math.floor((row * rows) / rowsChanged)]);
    const insert = database.prepare('INSERT INTO chunks VALUES (?, ?, ?, ?, ?)');
    for (let row = 0; row < rowsAdded; row++) insert.run(`new ${row}`, 'memory/new.md', 'new', null, row);
  })();
  database.close();
}

interface Tool {
  readonly name: string;
  readonly backup: () => Promise<unknown>;
  readonly diff: (words: readonly string[]) => ReturnType<typeof run>;
}

function toolsIn(dir: string, source: string): Tool[] {
  const own: Tool = {
    name: 'exuvia',
    backup: () => exuvia(dir, ['create', '--source', source]),
    diff: (words) => exuvia(dir, ['diff', 'latest~1', 'latest', ...words]),
  };
  return values.peers ? [own, ...resticIn(dir, source), ...borgIn(dir, source)] : [own];
}

function exuvia(dir: string, words: readonly string[], measureMemory = false): ReturnType<typeof run> {
  const env = cleanEnvironment(dir, { HOME: dir, EXUVIA_REPOSITORY: join(dir, 'repository') });
  return runExuvia(['backup', ...words], { env, measureMemory });
}

function resticIn(dir: string, source: string): Tool[] {
  if (versionOf('restic', 'version') === undefined) return [];
  const more = { RESTIC_PASSWORD: 'bench', RESTIC_CACHE_DIR: join(dir, 'restic-cache') };
  const env = cleanEnvironment(dir, { HOME: dir, RESTIC_REPOSITORY: join(dir, 'restic'), ...more });
  const restic = (...words: string[]): ReturnType<typeof run> => run('restic', words, { env });
  const ids: string[] = [];
  return [
    {
      name: 'restic',
      backup: async () => {
        if (ids.length === 0) await restic('init');
        const { stdout } = await restic('backup', '--json', '--quiet', source);
        ids.push((JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { snapshot_id: string }).snapshot_id);
      },
      diff: () => restic('diff', ...ids),
    },
  ];
}

function borgIn(dir: string, source: string): Tool[] {
  if (versionOf('borg', '--version') === undefined) return [];
  const more = { BORG_BASE_DIR: join(dir, 'borg-base'), BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes' };
  const env = cleanEnvironment(dir, { HOME: dir, ...more });
  const repository = join(dir, 'borg');
  const borg = (...words: string[]): ReturnType<typeof run> => run('borg', words, { env });
  let count = 0;
  return [
    {
      name: 'borg',
      backup: async () => {
        if (count === 0) await borg('init', '--encryption', 'none', repository);
        await borg('create', `${repository}::${++count}`, source);
      },
      diff: () => borg('diff', `${repository}::1`, '2'),
    },
  ];
}
