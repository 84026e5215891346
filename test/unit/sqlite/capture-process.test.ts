import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { byteStringOf } from '../../../src/model/paths.ts';
import { CaptureProcess } from '../../../src/sqlite/capture.ts';
import { type CaptureResult, leaveRequest } from '../../../src/sqlite/result.ts';
import { createLedger, databaseProblems, Writer } from '../../helpers/sqlite-writer.ts';
import { withSandbox } from './sandbox.ts';

const onLinux = { skip: process.platform === 'linux' ? false : 'finds processes through /proc' };

/** The processes that `pid` started and that run the capturing program. */
function capturingChildrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);
  return children
    .map(Number)
    .filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('capture-child'));
}

function hasOpen(pid: number, path: string): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === path;
    } catch {
      return false; // closed meanwhile
    }
  });
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 2) {
    assert.ok(waited < 10_000, `waited in vain until ${what}`);
    await sleep(2);
  }
}

/** Sizes of all files in the folders of a staging folder. */
function stagedBytes(stagingDir: string): number {
  if (!existsSync(stagingDir)) return 0;
  const entries = readdirSync(stagingDir, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return entries.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

test('CaptureProcess starts one child, at the first capture', onLinux, async () => {
  await withSandbox(async ({ at, mustCapture }) => {
    createLedger({ path: at('x.db'), journalMode: 'DELETE' });
    assert.deepEqual(capturingChildrenOf(process.pid), []);
    await mustCapture('x.db');
    const children = capturingChildrenOf(process.pid);
    assert.equal(children.length, 1);
    await mustCapture('x.db');
    assert.deepEqual(capturingChildrenOf(process.pid), children);
  });
  assert.deepEqual(capturingChildrenOf(process.pid), []);
});

test('CaptureProcess.start() starts the child that captures, and release() lets it go', onLinux, async () => {
  await withSandbox(async ({ at, captures, mustCapture, stagingDir }) => {
    createLedger({ path: at('x.db'), journalMode: 'DELETE' });
    captures.start();
    const children = capturingChildrenOf(process.pid);
    assert.equal(children.length, 1);
    await mustCapture('x.db');
    assert.deepEqual(capturingChildrenOf(process.pid), children);
    await captures.release();
    assert.deepEqual(readdirSync(stagingDir), []);
    await mustCapture('x.db');
    const [another] = capturingChildrenOf(process.pid).filter((pid) => !children.includes(pid));
    assert.ok(another !== undefined, 'who captures again starts another child');
  });
  assert.deepEqual(capturingChildrenOf(process.pid), []);
});

test('CaptureProcess ends a child that was never asked', onLinux, async () => {
  await withSandbox(async ({ captures, stagingDir }) => {
    captures.start();
    const [child] = capturingChildrenOf(process.pid);
    await captures[Symbol.asyncDispose]();
    assert.ok(child !== undefined && !existsSync(`/proc/${child}`));
    assert.equal(existsSync(stagingDir), false);
  });
});

test('CaptureProcess lets a child go that has nothing to do, and the copy stays', onLinux, async () => {
  await withSandbox(async ({ at, mustCapture }) => {
    createLedger({ path: at('x.db'), journalMode: 'DELETE' });
    const { copyPath } = await mustCapture('x.db');
    const [child] = capturingChildrenOf(process.pid);
    assert.ok(child !== undefined);
    await until('the child is gone', () => !existsSync(`/proc/${child}`));
    assert.deepEqual(databaseProblems(copyPath), []);
    await mustCapture('x.db');
    assert.equal(capturingChildrenOf(process.pid).length, 1);
  });
});

test('capture() does one after the other', async () => {
  await withSandbox(async ({ at, capture }) => {
    for (const name of ['a.db', 'b.db']) createLedger({ path: at(name), journalMode: 'DELETE' });
    const results = await Promise.all(['a.db', 'gone.db', 'b.db', 'c'].map(capture));
    assert.deepEqual(
      results.map(({ kind }) => kind),
      ['captured', 'failed', 'captured', 'failed'],
    );
  });
});

test('capture() survives the death of its child', onLinux, async () => {
  await withSandbox(async ({ at, capture, mustCapture, stagingDir }) => {
    createLedger({ path: at('x.db'), journalMode: 'WAL', fillerBytes: 30_000_000 });
    const pending = capture('x.db');
    await until('the copy grows', () => stagedBytes(stagingDir) > 0);
    for (const child of capturingChildrenOf(process.pid)) process.kill(child, 'SIGKILL');
    const result = await pending;
    assert.ok(result.kind === 'failed' && result.retryable, JSON.stringify(result));
    assert.match(result.reason, /ended by SIGKILL/);
    const { copyPath } = await mustCapture('x.db');
    assert.deepEqual(databaseProblems(copyPath), []);
    assert.equal(readdirSync(stagingDir).length, 1);
  });
});

test('capture() says why its child could not work', async () => {
  await withSandbox(async ({ at, stagingDir }) => {
    createLedger({ path: at('x.db'), journalMode: 'DELETE' });
    writeFileSync(at('broken.mjs'), "throw new Error('the addon does not load');");
    writeFileSync(at('babbling.mjs'), "process.stdin.once('data', () => console.log('hello'));");
    const reasons = ['broken.mjs', 'babbling.mjs', 'missing.mjs'].map(async (program) => {
      await using captures = new CaptureProcess({ childPath: at(program) });
      const result = await captures.capture(byteStringOf(at('x.db')), stagingDir);
      return result.kind === 'failed' ? result.reason : result.kind;
    });
    const [broken = '', babbling = '', missing = ''] = await Promise.all(reasons);
    assert.match(broken, /ended with code 1: Error: the addon does not load/);
    assert.match(babbling, /answered "hello"/);
    assert.match(missing, /ended with code 1: Error: Cannot find module/);
    assert.deepEqual(readdirSync(stagingDir), []);
  });
});

test('capture() gives up at the time limit', async () => {
  let limitMs = 1000;
  await withSandbox(
    async ({ at, capture, mustCapture }) => {
      await using writer = await Writer.start({ path: at('x.db'), journalMode: 'MEMORY', work: 'half' });
      const result = await capture('x.db'); // would wait for the lock
      assert.ok(result.kind === 'failed' && result.retryable);
      assert.match(result.reason, /longer than 1 s/);
      await writer.kill();
      limitMs = 60_000;
      createLedger({ path: at('y.db'), journalMode: 'DELETE' });
      await mustCapture('y.db');
    },
    { timeLimitMs: () => limitMs },
  );
});

test('CaptureProcess removes everything when it is disposed of, also in the middle of a capture', async () => {
  await withSandbox(async ({ at, captures, capture, stagingDir }) => {
    createLedger({ path: at('x.db'), journalMode: 'WAL', fillerBytes: 120_000_000 });
    const pending = capture('x.db');
    const waiting = capture('x.db');
    await until('the copy grows', () => stagedBytes(stagingDir) > 0);
    await captures[Symbol.asyncDispose]();
    for (const result of [await pending, await waiting, await capture('x.db')]) {
      assert.ok(result.kind === 'failed');
      assert.match(result.reason, /the run ended/);
    }
    assert.deepEqual(readdirSync(stagingDir), []);
  });
});

test('the child ends with its parent, and takes the copy with it', onLinux, async () => {
  await withSandbox(async ({ at, stagingDir }) => {
    await using writer = await Writer.start({ path: at('x.db'), journalMode: 'MEMORY', work: 'half' });
    const program = fileURLToPath(new URL('./capture-once.ts', import.meta.url));
    const parent: ChildProcess = spawn(process.execPath, [program, stagingDir, at('x.db')]);
    await until(
      'the staging folder is used',
      () => existsSync(stagingDir) && readdirSync(stagingDir).length === 1,
    );
    await until('the child has opened the database', () =>
      capturingChildrenOf(parent.pid ?? 0).some((pid) => hasOpen(pid, at('x.db'))),
    );
    const [child] = capturingChildrenOf(parent.pid ?? 0);
    assert.ok(child !== undefined);
    const ended = once(parent, 'close');
    process.kill(child, 'SIGINT'); // an interrupt of the terminal reaches it too
    parent.kill('SIGKILL');
    await ended;
    await until('the child is gone', () => !existsSync(`/proc/${child}`));
    assert.deepEqual(readdirSync(stagingDir), []);
    await writer.kill();
  });
});

test('the child answers what has come at once line by line, and leaves', async () => {
  await withSandbox(async ({ at, stagingDir }) => {
    createLedger({ path: at('x.db'), journalMode: 'DELETE' });
    mkdirSync(stagingDir);
    const request = { path: Buffer.from(at('x.db')).toString('base64'), folder: stagingDir };
    const program = fileURLToPath(new URL('../../../src/sqlite/capture-child.ts', import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, [program], {
      input: `${JSON.stringify(request)}\n${JSON.stringify(leaveRequest)}\n`,
      encoding: 'utf8',
    });
    const kinds = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as CaptureResult).kind);
    assert.deepEqual([status, kinds], [0, ['copied', 'captured']]);
    assert.equal(readdirSync(stagingDir).length, 1, 'the copy stays');
  });
});

test('capture() tells of a copy before it is checked, and it can be read meanwhile', async () => {
  await withSandbox(async ({ at, captures, stagingDir }) => {
    createLedger({ path: at('x.db'), journalMode: 'WAL', fillerBytes: 3_000_000 });
    let whole: Buffer | undefined;
    let isAnswered = false;
    const result = await captures.capture(
      byteStringOf(at('x.db')),
      stagingDir,
      ({ copyPath, bytes, pageSize }) => {
        assert.equal(isAnswered, false);
        whole = readFileSync(copyPath);
        assert.deepEqual([whole.length, whole.readUInt16BE(16)], [bytes, pageSize]);
      },
    );
    isAnswered = true;
    assert.ok(result.kind === 'captured' && whole !== undefined);
    assert.equal(result.bytes, whole.length);
    assert.deepEqual(readFileSync(result.copyPath), whole);
  });
});

test('capture() tells of each copy that it makes, the damaged ones too', async () => {
  await withSandbox(async ({ at, captures, stagingDir }) => {
    createLedger({ path: at('x.db'), journalMode: 'DELETE', fillerBytes: 3_000_000 });
    const bytes = readFileSync(at('x.db'));
    bytes.fill(0xff, 4096, 3 * 4096);
    writeFileSync(at('x.db'), bytes);
    let copies = 0;
    const result = await captures.capture(byteStringOf(at('x.db')), stagingDir, () => copies++);
    assert.ok(result.kind === 'failed');
    assert.match(result.reason, /damaged|malformed/);
    assert.equal(copies, 2); // by each way
  });
});
