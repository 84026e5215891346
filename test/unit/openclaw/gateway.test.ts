import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { discoverHome } from '../../../src/openclaw/discovery.ts';
import { detectGateway, type GatewayState } from '../../../src/openclaw/gateway.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

interface Sandbox {
  readonly stateDir: string;
  readonly lockDir: string;
  readonly temporary: string;
  detect(env?: NodeJS.ProcessEnv): Promise<GatewayState>;
}

function sandbox(test: TestContext): Sandbox {
  const folder = temporaryFolder(test);
  const stateDir = join(folder, '.openclaw');
  const lockDir = join(stateDir, 'tmp', 'openclaw-1000');
  const temporary = join(folder, 'temporary');
  mkdirSync(lockDir, { recursive: true });
  mkdirSync(join(temporary, 'openclaw-1000'), { recursive: true });
  // A port on which nothing listens: 1 is reserved.
  writeFileSync(join(stateDir, 'openclaw.json'), '{"gateway":{"port":1}}');
  const detect = (env: NodeJS.ProcessEnv = {}): Promise<GatewayState> => {
    const home = discoverHome({ env: { HOME: folder }, osHome: folder });
    return detectGateway(home, { TMPDIR: temporary, ...env });
  };
  return { stateDir, lockDir, temporary, detect };
}

function startTimeOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19]);
}

/** A process id that was in use a moment ago. */
function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '0']).pid;
}

test('detectGateway() sees a lock database that is held, and not one that was left behind', async (context) => {
  const { lockDir, detect } = sandbox(context);
  const path = join(lockDir, 'gateway.state.lock.sqlite');
  const database = new Database(path);
  database.pragma('journal_mode = MEMORY');
  assert.equal((await detect()).running, false);
  database.exec('BEGIN EXCLUSIVE');
  const { running, evidence } = await detect();
  assert.ok(running);
  assert.equal(evidence, `its lock ${path} is held`);
  writeFileSync(
    join(lockDir, 'gateway.state.lock'),
    JSON.stringify({ pid: process.pid, port: 19_321 }) + ' \t\n'.repeat(9),
  );
  assert.match((await detect()).evidence, new RegExp(`^process ${process.pid} \\(port 19321\\) holds `));
  database.close();
});

test('detectGateway() believes a lock file only while its very process lives', async (context) => {
  const { lockDir, detect } = sandbox(context);
  const path = join(lockDir, 'gateway.0a1b2c3d.lock');
  for (const [lock, expected] of [
    [{ pid: process.pid }, true],
    [{ pid: process.pid, startTime: startTimeOf(process.pid) }, true],
    [{ pid: process.pid, startTime: startTimeOf(process.pid) - 1 }, false],
    [{ pid: deadPid() }, false],
    [{ pid: 'x' }, false],
    [null, false],
  ] as const) {
    writeFileSync(path, JSON.stringify(lock));
    assert.equal((await detect()).running, expected, JSON.stringify(lock));
  }
});

test('detectGateway() takes from the folder for temporary files only locks of this home', async (context) => {
  const { temporary, stateDir, detect } = sandbox(context);
  const path = join(temporary, 'openclaw-1000', 'gateway.0a1b2c3d.lock');
  writeFileSync(path, JSON.stringify({ pid: process.pid, configPath: '/elsewhere/openclaw.json' }));
  assert.equal((await detect()).running, false);
  writeFileSync(path, JSON.stringify({ pid: process.pid, configPath: join(stateDir, 'openclaw.json') }));
  assert.equal((await detect()).running, true);
});

test('detectGateway() asks the port only where no lock database tells', async (context) => {
  const { lockDir, detect } = sandbox(context);
  const server = createServer().listen(0, '127.0.0.1');
  context.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const env = { OPENCLAW_GATEWAY_PORT: String(port) };
  assert.match((await detect(env)).evidence, new RegExp(`port ${port}`));
  assert.equal((await detect()).running, false);
  writeFileSync(join(lockDir, 'gateway.state.lock.sqlite'), '');
  assert.equal((await detect(env)).running, false, 'it belongs to another home');
});
