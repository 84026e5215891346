/** Homes of the file era, built from scratch: everything that OpenClaw installations are known to hold. */
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { Seeded } from './seeded.ts';

export interface BuiltHome {
  /** What HOME is set to. */
  readonly home: string;
  readonly stateDir: string;
  /** Databases, relative to the state directory: compared by content. */
  readonly databases: readonly string[];
  close(): Promise<void>;
}

/** Sessions as JSONL, memory with a hot journal, WhatsApp's many files, odd names, links, a socket, a pipe. */
export async function buildFileEraHome(home: string, seed: number): Promise<BuiltHome> {
  const random = new Seeded(seed);
  const stateDir = join(home, '.openclaw');
  const put = (path: string, content: string | Uint8Array, mode = 0o600): void => {
    const full = join(stateDir, path);
    mkdirSync(join(full, '..'), { recursive: true, mode: 0o700 });
    writeFileSync(full, content, { mode });
  };
  put('openclaw.json', configText);
  put('extra.json5', '{ port: 18789 } // included\n');
  for (let ring = 1; ring <= 4; ring++) put(`openclaw.json.bak.${ring}`, configText);
  put('.env', 'OPENAI_API_KEY=sk-test\n');
  putSessions(put, random);
  for (let key = 0; key < 300; key++) {
    put(
      `credentials/whatsapp/default/pre-key-${key}.json`,
      JSON.stringify({ id: key, key: random.bytes(24).toString('base64') }),
    );
  }
  put('credentials/whatsapp/default/creds.json', ''); // caught while it was being written
  put('credentials/whatsapp/default/creds.json.bak', '{"me":{}}');
  put('cron/jobs.json', '{"version":1,"jobs":[]}');
  put('cron/runs/job.jsonl', '{"ok":true}\n');
  for (const name of ['AGENTS.md', 'SOUL.md', 'MEMORY.md']) put(`workspace/${name}`, random.text(3000));
  put('workspace/memory/2026-11-20.md', random.text(800));
  put('workspace/large.txt', random.text(400_000));
  put('logs/gateway.log', random.text(120_000), 0o644);
  put('extensions/demo/node_modules/dep/index.js', 'x');
  put('extensions/demo/index.js', 'y', 0o755);
  put('tmp/openclaw-0/gateway.lock', '{}');
  mkdirSync(join(stateDir, 'media/inbound'), { recursive: true });
  putOddNames(stateDir);
  putLinks(stateDir);
  putSparse(join(stateDir, 'workspace/sparse.bin'));
  const databases = [await putHotJournal(stateDir), await putLeftWal(stateDir)];
  const server = await listen(join(stateDir, 'exec-approvals.sock'));
  spawnSync('mkfifo', [join(stateDir, 'workspace/pipe')]);
  utimesSync(join(stateDir, 'workspace/SOUL.md'), 1_600_000_000.123456, 1_600_000_000.123456);
  return {
    home,
    stateDir,
    databases,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

const configText = `// the user's own comment
{ gateway: { port: 18789 }, $include: './extra.json5', meta: { lastTouchedVersion: '2026.4.12' } }
`;

function putSessions(put: (path: string, content: string | Uint8Array) => void, random: Seeded): void {
  const lines = Array.from({ length: 400 }, (_, index) =>
    JSON.stringify({
      type: 'message',
      id: `m${index}`,
      message: { role: 'user', content: random.text(150).toString() },
    }),
  );
  const header = '{"type":"session","version":3,"id":"s1"}';
  put('agents/main/sessions/s1.jsonl', `${[header, ...lines].join('\n')}\n{"type":"message","id":"ha`);
  put('agents/main/sessions/sessions.json', JSON.stringify({ 'agent:main:main': { sessionId: 's1' } }));
  put('agents/main/sessions/s1.jsonl.lock', '{"pid":1}');
  put('agents/main/sessions/s0.jsonl.reset.2026-03-09T08-00-00.000Z', header);
  put('agents/main/agent/auth-profiles.json', '{"version":1,"profiles":{}}');
}

function putOddNames(stateDir: string): void {
  const folder = Buffer.from(join(stateDir, 'workspace', 'odd/'));
  mkdirSync(folder, { recursive: true });
  const names = [
    Buffer.from('new\nline'),
    Buffer.from('tab\tescape\u001b[31m'),
    Buffer.from([0x62, 0xff, 0xfe, 0x80]),
    Buffer.from([0xc3, 0x28]),
    Buffer.alloc(255, 'n'),
    Buffer.from('한국어 ☃.md'),
    Buffer.from('-rf'),
    Buffer.from('back\\slash'),
  ];
  for (const name of names) writeFileSync(Buffer.concat([folder, name]), name);
}

function putLinks(stateDir: string): void {
  symlinkSync('/absolute/nowhere', join(stateDir, 'workspace/absolute-link'));
  symlinkSync('AGENTS.md', join(stateDir, 'workspace/relative-link'));
  symlinkSync(Buffer.from([0x2f, 0xff, 0x78]), join(stateDir, 'workspace/bytes-link'));
  linkSync(join(stateDir, 'workspace/MEMORY.md'), join(stateDir, 'workspace/hard-link.md'));
}

function putSparse(path: string): void {
  const fd = openSync(path, 'w', 0o600);
  writeSync(fd, 'begin', 0);
  writeSync(fd, 'middle', 5_000_000);
  ftruncateSync(fd, 12_000_000);
  closeSync(fd);
}

const holdOpen = fileURLToPath(new URL('./hold-database.ts', import.meta.url));

/** A rollback journal left in the middle of a transaction: the writer is killed. */
async function putHotJournal(stateDir: string): Promise<string> {
  const path = join(stateDir, 'memory/main.sqlite');
  mkdirSync(join(stateDir, 'memory'), { recursive: true });
  makeRows(path, 'delete');
  await killInTransaction(path);
  return 'memory/main.sqlite';
}

/** A write-ahead log that nobody checkpointed. */
async function putLeftWal(stateDir: string): Promise<string> {
  const path = join(stateDir, 'tasks/runs.sqlite');
  mkdirSync(join(stateDir, 'tasks'), { recursive: true });
  makeRows(path, 'wal');
  await killInTransaction(path);
  return 'tasks/runs.sqlite';
}

function makeRows(path: string, mode: string): void {
  const database = new Database(path);
  database.pragma(`journal_mode = ${mode}`);
  database.exec('CREATE TABLE chunks (id INTEGER PRIMARY KEY, text TEXT)');
  const insert = database.prepare('INSERT INTO chunks (text) VALUES (?)');
  const random = new Seeded(99);
  database.transaction(() => {
    for (let row = 0; row < 3000; row++) insert.run(random.text(120).toString());
  })();
  database.close();
}

function killInTransaction(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [holdOpen, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.once('data', () => child.kill('SIGKILL'));
    child.once('exit', (_code, signal) =>
      signal === 'SIGKILL' ? resolve() : reject(new Error('the writer ended by itself')),
    );
  });
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(path, () => resolve(server));
  });
}
