/** A home full of what would harm who looks at it: each way to look at its history takes bounded time and memory, and shows it harmless. */
import assert from 'node:assert/strict';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { runMeasured } from '../helpers/measured-cli.ts';
import { Seeded } from '../helpers/seeded.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

export interface HostileOptions {
  readonly lineBytes: number;
  /** Of one value in a database. */
  readonly valueBytes: number;
  /** For each command. */
  readonly msMax: number;
  readonly memoryBytesMax: number;
}

const badName = 'workspace/evil\u001b[31m\u202etxt\u200b\n<script>alert(1)<b>.md';
const bad = '\u001b]0;title\u0007 \u009b31m \u202e \u2066 \u200b <img src=x onerror=alert(1)> </script>';
/** What must reach no terminal and no page: controls but line ends, and what turns or hides text. */
const harmful =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

export function lookAtHostileHome(context: TestContext, options: HostileOptions): void {
  const home = temporaryFolder(context);
  const folder = temporaryFolder(context);
  const must = (words: readonly string[], ...statuses: number[]): string => {
    const { run, ms, memoryBytes } = runMeasured(['backup', ...words], { home, folder });
    const name = words.join(' ');
    context.diagnostic(`${name}: ${Math.round(ms)} ms, ${Math.round(memoryBytes / 1e6)} MB`);
    assert.ok(
      (statuses.length === 0 ? [0] : statuses).includes(run.status ?? -1),
      `${name}: ${run.status} ${run.stderr}`,
    );
    assert.doesNotMatch(run.stdout, harmful, name);
    assert.doesNotMatch(run.stderr, harmful, name);
    assert.ok(ms < options.msMax, `${name} took ${ms} ms`);
    assert.ok(memoryBytes < options.memoryBytesMax, `${name} held ${memoryBytes} bytes`);
    return run.stdout;
  };
  const at = (path: string): string => join(home, '.openclaw', path);
  for (const path of ['workspace/cycle/below', 'memory']) mkdirSync(at(path), { recursive: true });
  for (const version of [1, 2]) {
    writeVersion(at, version, options);
    must(['create'], 0, 3); // the damaged database cannot be captured
  }
  const diff = must(['diff', 'latest~1', 'latest', '--content']);
  assert.match(diff, /^M {2}workspace\/evil\\u\{1b\}\[31m\\u\{202e\}txt\\u\{200b\}\\n<script>/m);
  assert.match(diff, /^M {2}workspace\/line\.md .*\n {4}too long to be compared \(/m);
  assert.match(
    diff,
    /^M {2}workspace\/line\.jsonl .*\n {4}not compared record by record \(.*\): line 1 is longer than/m,
  );
  assert.match(diff, /^M {2}workspace\/deep\.json .*\n {4}@@/m, 'nested too deeply to be JSON: a text');
  assert.match(diff, /^M {2}workspace\/twice\.json .*\n {4}a: 2 -> 3$/m);
  assert.match(diff, /^M {2}workspace\/wide\.json .*\n {4}\[299999\]: 1 -> 2$/m);
  assert.match(
    diff,
    /^M {2}memory\/damaged\.sqlite .*\n( {4}.*\n)*? {4}nulls: not compared: database disk image is malformed/m,
  );
  assert.match(diff, /^M {2}memory\/hostile\.sqlite /m);
  assert.match(diff, /"x\\"; DROP TABLE t; --|x"; DROP TABLE t; --.*: 1 changed/m);
  assert.match(diff, /^M {2}workspace\/loop .*loop2/m);
  for (const words of [
    ['diff', 'latest~1', 'latest', '--content', '--json'],
    ['diff', 'latest', '--stat'],
  ])
    must(words);
  const page = join(folder, 'page.html');
  must(['diff', 'latest~1', 'latest', '--html', page]);
  const html = readFileSync(page, 'utf8');
  assert.doesNotMatch(html, harmful);
  assert.doesNotMatch(
    html.replace(/<script>[\s\S]*?<\/script>\s*<\/body>/, ''),
    /<script|<img|onerror=[^a&]/i,
  );
  for (const words of [
    ['log', 'workspace/line.md'],
    ['log', badName],
    ['blame', badName],
    ['find', '*evil*'],
    ['ls', 'latest', '-r'],
    ['list'],
    ['grep', 'DROP', '-i'],
    ['grep', 'needle', '--json'],
    ['find', '*', '--json'],
  ])
    must(words);
  assert.match(must(['grep', 'needle in']), /^workspace\/line\.md:1 .*the needle in it/m);
  assert.match(must(['grep', 'onerror']), /4 matches|matches;/);
  must(['blame', 'workspace/line.md'], 2);
  must(['blame', 'workspace/lines.md'], 2);
  must(['log', `never${bad}`], 2);
}

function writeVersion(
  at: (path: string) => string,
  version: number,
  { lineBytes, valueBytes }: HostileOptions,
): void {
  writeFileSync(at(badName), `${bad}\nversion ${version} ${bad}\n`);
  writeLine(at('workspace/line.md'), lineBytes, ` the needle in it ${version}`);
  writeLine(at('workspace/line.jsonl'), Math.min(lineBytes, 64_000_000), ` ${version}`);
  writeFileSync(at('workspace/lines.md'), '\n'.repeat(300_000) + version);
  writeFileSync(at('workspace/deep.json'), `${'['.repeat(200_000)}${version}${']'.repeat(200_000)}`);
  writeFileSync(at('workspace/objects.json'), `${'{"a":'.repeat(200_000)}${version}${'}'.repeat(200_000)}`);
  writeFileSync(at('workspace/twice.json'), `{"a": 1, "__proto__": {"x": ${version}}, "a": ${version + 1}}`);
  writeFileSync(at('workspace/wide.json'), `[${'1,'.repeat(299_999)}${version}]`);
  writeFileSync(at('workspace/many.json'), `[${'{},'.repeat(800_000)}${version}]`);
  const record = { message: { role: bad, content: `${version} ${bad}` } };
  writeFileSync(at('workspace/record.jsonl'), `${JSON.stringify(record)}\n`);
  for (const [name, target] of [
    ['loop', `loop${version}`],
    ['loop1', 'loop2'],
    ['loop2', 'loop'],
    ['cycle/below/up', '../..'],
  ] as const) {
    rmSync(at(`workspace/${name}`), { force: true });
    symlinkSync(target, at(`workspace/${name}`));
  }
  writeDatabases(at, version, valueBytes);
}

/** One long line; the block is long enough not to be cut into ever the same chunks. */
function writeLine(path: string, bytes: number, end: string): void {
  const block = Buffer.from(new Seeded(4).bytes(8_000_000).toString('base64').slice(0, 8_000_000));
  const fd = openSync(path, 'w');
  for (let at = 0; at < bytes; at += block.length)
    writeSync(fd, block, 0, Math.min(block.length, bytes - at));
  writeSync(fd, end);
  closeSync(fd);
}

function writeDatabases(at: (path: string) => string, version: number, valueBytes: number): void {
  const path = at('memory/hostile.sqlite');
  rmSync(path, { force: true });
  const database = new Database(path);
  const name = `"x""; DROP TABLE t; --${bad.replaceAll('\0', '')}"`;
  database.exec(
    `BEGIN; CREATE TABLE ${name} (id INTEGER PRIMARY KEY, "${bad}" TEXT, made AS (id * 2));
     CREATE TRIGGER fires AFTER INSERT ON ${name} BEGIN SELECT raise(ABORT, 'ran'); END;
     CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT * FROM n;
     DROP TRIGGER fires; INSERT INTO ${name} VALUES (1, '${version} ${bad}');
     CREATE TABLE nulls (k TEXT PRIMARY KEY, v);
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO nulls SELECT NULL, i * ${version} FROM n;
     CREATE TABLE long (id INTEGER PRIMARY KEY, v); INSERT INTO long VALUES (1, zeroblob(${valueBytes + version}));
     COMMIT`,
  );
  for (let table = 0; table < 300; table++)
    database.exec(`CREATE TABLE many${table} (id INTEGER PRIMARY KEY)`);
  database.unsafeMode();
  database.pragma('writable_schema = ON');
  const sql = 'CREATE VIRTUAL TABLE gone USING nobody_has_it(x)';
  database.prepare("INSERT INTO sqlite_schema VALUES ('table', 'gone', 'gone', 0, ?)").run(sql);
  database.close();
  const bytes = Buffer.from(readFileSync(path));
  new Seeded(version).bytes(4096).copy(bytes, 0 + 4096 * version);
  writeFileSync(at('memory/damaged.sqlite'), bytes);
}
