import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CaptureResult } from '../../../src/sqlite/capture.ts';
import { createLedger, databaseProblems, ledgerEntries, Writer } from '../../helpers/sqlite-writer.ts';
import { type Captured, type Sandbox, stateOf, withSandbox } from './sandbox.ts';

/** Captures `x.sqlite`, whose copy must be whole and whose folder must be as it was. */
async function captureWhole(sandbox: Sandbox, options: { except?: string } = {}): Promise<Captured> {
  const before = stateOf(sandbox.folder, options);
  const names = readdirSync(sandbox.folder);
  const result = await sandbox.mustCapture('x.sqlite');
  assert.deepEqual(readdirSync(sandbox.folder), names);
  assert.deepEqual(stateOf(sandbox.folder, options), before);
  assert.deepEqual(databaseProblems(result.copyPath), []);
  return result;
}

describe('databases that nobody has open', () => {
  test('capture() makes no -wal and -shm beside an idle database in WAL mode', async () => {
    await withSandbox(async (sandbox) => {
      createLedger({ path: sandbox.at('x.sqlite'), journalMode: 'WAL' });
      const { method, copyPath } = await captureWhole(sandbox);
      assert.equal(method, 'staged');
      assert.equal(readFileSync(copyPath)[18], 2, 'the copy is in WAL mode too');
    });
  });

  test('capture() rolls back what a killed writer left in a hot journal', async () => {
    await withSandbox(async (sandbox) => {
      await using writer = await Writer.start({
        path: sandbox.at('x.sqlite'),
        journalMode: 'DELETE',
        work: 'half',
      });
      await writer.kill();
      assert.ok(readdirSync(sandbox.folder).includes('x.sqlite-journal'));
      const { method, note, copyPath } = await captureWhole(sandbox);
      assert.equal(method, 'staged');
      assert.match(note ?? '', /rolled back/);
      assert.equal(ledgerEntries(copyPath), 1);
    });
  });

  test('capture() reads what a killed writer left in its log', async () => {
    await withSandbox(async (sandbox) => {
      await using writer = await Writer.start({
        path: sandbox.at('x.sqlite'),
        journalMode: 'WAL',
        work: 'half',
      });
      await writer.kill();
      // The first to open a database after a crash rebuilds the -shm, which holds nothing but an index of the log.
      const { method, copyPath } = await captureWhole(sandbox, { except: 'x.sqlite-shm' });
      assert.equal(method, 'live');
      assert.equal(ledgerEntries(copyPath), 1);
    });
  });

  test('capture() reads a log without its -shm, and makes none', async () => {
    await withSandbox(async (sandbox) => {
      await using writer = await Writer.start({
        path: sandbox.at('x.sqlite'),
        journalMode: 'WAL',
        work: 'half',
      });
      await writer.kill();
      rmSync(sandbox.at('x.sqlite-shm'));
      const { method, copyPath } = await captureWhole(sandbox);
      assert.equal(method, 'staged');
      assert.equal(ledgerEntries(copyPath), 1);
    });
  });
});

describe('databases that somebody has locked', () => {
  for (const journalMode of ['DELETE', 'WAL'] as const) {
    test(`capture() takes a stable copy under an exclusive lock (${journalMode})`, async () => {
      await withSandbox(async (sandbox) => {
        const options = { journalMode, lockingMode: 'EXCLUSIVE', work: 'idle' } as const;
        await using writer = await Writer.start({ path: sandbox.at('x.sqlite'), ...options });
        const { method, copyPath } = await captureWhole(sandbox);
        assert.equal(method, 'staged');
        assert.equal(ledgerEntries(copyPath), 1);
        await writer.stop();
      });
    });
  }

  test('capture() rolls back, in the copy, the transaction that is under way', async () => {
    await withSandbox(async (sandbox) => {
      await using writer = await Writer.start({
        path: sandbox.at('x.sqlite'),
        journalMode: 'DELETE',
        work: 'half',
      });
      const { method, note, copyPath } = await captureWhole(sandbox);
      assert.equal(method, 'staged');
      assert.match(note ?? '', /held its locks/);
      assert.equal(ledgerEntries(copyPath), 1);
      await writer.kill();
    });
  });

  test('capture() fails, to be tried again, when a half transaction could not be told', async () => {
    await withSandbox(async ({ at, capture, stagingDir }) => {
      await using writer = await Writer.start({ path: at('x.sqlite'), journalMode: 'MEMORY', work: 'half' });
      const result = await capture('x.sqlite');
      assert.ok(result.kind === 'failed' && result.retryable, JSON.stringify(result));
      assert.match(result.reason, /locked/);
      assert.deepEqual(
        readdirSync(stagingDir).flatMap((name) => readdirSync(join(stagingDir, name))),
        [],
      );
      await writer.kill();
    });
  });

  test('capture() fails, to be tried again, when a writer holds an exclusive lock and never rests', async () => {
    await withSandbox(async ({ at, capture }) => {
      const options = { journalMode: 'DELETE', lockingMode: 'EXCLUSIVE', work: 'endless' } as const;
      await using writer = await Writer.start({ path: at('x.sqlite'), fillerBytes: 40_000_000, ...options });
      const result = await capture('x.sqlite');
      assert.ok(result.kind === 'failed' && result.retryable, JSON.stringify(result));
      assert.match(result.reason, /locked|written to/);
      await writer.kill();
    });
  });
});

describe('file systems that refuse', () => {
  const namespaces = spawnSync('unshare', [...unshareFlags(), 'true']).status === 0;
  const skip = namespaces ? false : 'needs mount namespaces (unshare), which are not allowed here';

  for (const [what, files] of Object.entries({
    'an idle database in WAL mode': ['x.sqlite'],
    'a log without -shm': ['x.sqlite', 'x.sqlite-wal'],
    'a log and its -shm': ['x.sqlite', 'x.sqlite-wal', 'x.sqlite-shm'],
  })) {
    test(`capture() reads ${what} on a read-only file system`, { skip }, async () => {
      await withSandbox(async ({ at, folder, stagingDir }) => {
        await using writer = await Writer.start({ path: at('x.sqlite'), journalMode: 'WAL', work: 'idle' });
        await (files.length > 1 ? writer.kill() : writer.stop());
        for (const name of readdirSync(folder)) if (!files.includes(name)) rmSync(at(name));
        const before = stateOf(folder);
        const { result, problems } = captureMounted(
          'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"',
          folder,
          {
            stagingDir,
            path: at('x.sqlite'),
          },
        );
        assert.equal(result.kind, 'captured', JSON.stringify(result));
        assert.deepEqual(problems, []);
        assert.deepEqual(stateOf(folder), before);
      });
    });
  }

  test('capture() rolls back a hot journal on a read-only file system', { skip }, async () => {
    await withSandbox(async ({ at, folder, stagingDir }) => {
      await using writer = await Writer.start({ path: at('x.sqlite'), journalMode: 'DELETE', work: 'half' });
      await writer.kill();
      const mount = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"';
      const { result, problems } = captureMounted(mount, folder, { stagingDir, path: at('x.sqlite') });
      assert.equal(result.kind, 'captured', JSON.stringify(result));
      assert.deepEqual(problems, []);
    });
  });

  for (const [size, reason] of [
    ['1m', /no space.*needs/],
    ['6m', /no space/],
  ] as const) {
    test(`capture() says that ${size} of staging space are not enough`, { skip }, async () => {
      await withSandbox(async ({ at, stagingDir }) => {
        createLedger({ path: at('x.sqlite'), journalMode: 'DELETE', fillerBytes: 6_500_000 });
        mkdirSync(stagingDir);
        const mount = `mount -t tmpfs -o size=${size} none "$1"`;
        const { result, left } = captureMounted(mount, stagingDir, { stagingDir, path: at('x.sqlite') });
        assert.ok(result.kind === 'failed' && !result.retryable, JSON.stringify(result));
        assert.match(result.reason, reason);
        assert.match(result.reason, /ENOSPC/);
        assert.equal(left, '');
      });
    });
  }

  test('capture() says that it may not read', {
    skip: process.getuid?.() === 0 ? 'root may read everything' : false,
  }, async () => {
    await withSandbox(async ({ at, capture }) => {
      createLedger({ path: at('x.sqlite'), journalMode: 'DELETE' });
      chmodSync(at('x.sqlite'), 0);
      const result = await capture('x.sqlite');
      assert.ok(result.kind === 'failed' && !result.retryable);
      assert.match(result.reason, /EACCES/);
    });
  });
});

function unshareFlags(): string[] {
  return process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user'];
}

/** Captures in a mount namespace of its own, in which `mount` was run with `folder` as $1; `left` lists the staging folder afterwards. */
function captureMounted(
  mount: string,
  folder: string,
  { stagingDir, path }: { stagingDir: string; path: string },
): { result: CaptureResult; problems: string[]; left: string } {
  const program = fileURLToPath(new URL('./capture-once.ts', import.meta.url));
  const script = `${mount} && "$2" "$3" "$4" "$5" && ls -A "$4"`;
  const args = [
    ...unshareFlags(),
    'sh',
    '-c',
    script,
    'sh',
    folder,
    process.execPath,
    program,
    stagingDir,
    path,
  ];
  const run = spawnSync('unshare', args, { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  const [line = '', ...left] = run.stdout.split('\n');
  return { ...JSON.parse(line), left: left.join('') };
}
