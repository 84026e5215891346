/**
 * Every hostile archive through everything that takes an archive: refused with one sentence, or taken because it is harmless;
 * nothing outside the target is touched, and neither time nor memory run away.
 */
import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  diffBackups,
  type Environment,
  ExuviaError,
  importArchive,
  importConfig,
  importSessions,
  readConfigInput,
  readSessionsInput,
  restoreBackup,
  verifyBackup,
} from '../../src/index.ts';
import { runCli } from '../helpers/cli.ts';
import { type HostileArchive, hostileArchives } from './corpus/all.ts';
import { bytesOf, childrenOf, Fence } from './fence.ts';

/** Far above what any takes on two slow cores: 1 s. */
const timeMs = 30_000;
/** Of the whole test process, which holds the corpus. */
const memoryBytes = 900 * 1024 * 1024;

const place = (fence: Fence): { repository: string } => ({ repository: fence.at('inner/repository') });

interface Way {
  readonly name: string;
  /** Into the home, where an archive may write to few places. */
  readonly isInPlace?: true;
  /** What may change. */
  readonly open: (fence: Fence) => readonly string[];
  readonly run: (environment: Environment, fence: Fence, path: string) => Promise<unknown>;
}

const repositoryOf = (fence: Fence): string => place(fence).repository;

const ways: readonly Way[] = [
  {
    name: 'import',
    open: (fence) => [repositoryOf(fence)],
    run: (environment, fence, path) => importArchive(environment, place(fence), path),
  },
  {
    name: 'restore --target',
    open: (fence) => [repositoryOf(fence), fence.target],
    run: (environment, fence, path) =>
      restoreBackup(environment, { ...place(fence), target: fence.target }, path),
  },
  {
    name: 'restore in place',
    isInPlace: true,
    open: (fence) => [repositoryOf(fence), fence.state, join(fence.home, '.local')],
    run: (environment, fence, path) => restoreBackup(environment, place(fence), path),
  },
  {
    name: 'restore --dry-run',
    isInPlace: true,
    open: () => [],
    run: (environment, fence, path) => restoreBackup(environment, { ...place(fence), dryRun: true }, path),
  },
  {
    name: 'verify',
    open: () => [],
    run: (environment, fence, path) => verifyBackup(environment, place(fence), path),
  },
  {
    name: 'diff',
    open: () => [],
    run: (environment, _fence, path) => diffBackups(environment, {}, path, './home/'),
  },
];

describe('the corpus', () => {
  test('has at least 150 archives of each family together, each named once', () => {
    assert.ok(hostileArchives.length >= 150, `${hostileArchives.length}`);
    assert.equal(new Set(hostileArchives.map(({ name }) => name)).size, hostileArchives.length);
  });
});

describe('everything that takes an archive', () => {
  for (const archive of hostileArchives) test(`is safe from a ${archive.name}`, () => attack(archive));
});

async function attack({ bytes, refusal, isRepacked }: HostileArchive): Promise<void> {
  using fence = new Fence();
  const path = fence.put('inner/x.archive.tar', bytes);
  for (const way of isRepacked ? ways.slice(0, 2) : ways) {
    const startedMs = performance.now();
    const said = await fence.guard([fence.scratch, ...way.open(fence)], () => sayingOf(way, fence, path));
    assert.deepEqual(readdirSync(fence.scratch), [], `${way.name} leaves no temporary files`);
    if (refusal !== undefined) assert.match(said ?? `${way.name} takes it`, refusal);
    else if (!way.isInPlace) assert.equal(said, undefined, way.name);
    else if (said !== undefined) assert.match(said, /no place of an OpenClaw home/, way.name);
    assertTame(fence);
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < timeMs, `${way.name} took ${Math.round(tookMs)} ms`);
  }
  assert.ok(process.memoryUsage().rss < memoryBytes, `${process.memoryUsage().rss} bytes of memory`);
}

/** The refusal, or undefined when it is taken. An error that is none of ours is a bug. */
async function sayingOf(way: Way, fence: Fence, path: string): Promise<string | undefined> {
  const { environment } = fence;
  try {
    const result = (await way.run(environment, fence, path)) as {
      ok?: boolean;
      findings?: { message: string }[];
      failures?: { reason: string }[];
    };
    if (result.ok === false) return result.findings?.map(({ message }) => message).join('\n');
    assert.deepEqual(result.failures ?? [], [], way.name);
    return undefined;
  } catch (error) {
    assert.ok(
      error instanceof ExuviaError,
      `${way.name}: ${error instanceof Error ? error.stack : String(error)}`,
    );
    assert.doesNotMatch(error.message, /\n/, 'one sentence');
    return error.message;
  }
}

/** What was restored has no rights that it must not have, and holds nothing but files, folders and links. */
function assertTame(fence: Fence): void {
  const look = (path: string): void => {
    const stat = lstatSync(bytesOf(path));
    assert.ok(stat.isFile() || stat.isDirectory() || stat.isSymbolicLink(), path);
    if (stat.isFile()) assert.equal(stat.mode & 0o7000, 0, `${path} has mode ${stat.mode.toString(8)}`);
    for (const one of childrenOf(path)) look(one);
  };
  if (existsSync(fence.target)) look(fence.target);
  look(fence.state);
}

/** Where a bundle and not an archive is wanted. */
describe('config import and sessions import', () => {
  test('refuse every archive of the corpus with one sentence', async () => {
    using fence = new Fence();
    for (const { name, bytes } of hostileArchives.filter((_, index) => index % 5 === 0)) {
      const path = fence.put('inner/x.archive', bytes);
      for (const run of [
        async () => importConfig(fence.environment, {}, readConfigInput(fence.environment, path)),
        async () => importSessions(fence.environment, {}, readSessionsInput(fence.environment, path)),
      ]) {
        await fence.guard([], async () => {
          await assert.rejects(run(), (error) => {
            assert.ok(error instanceof ExuviaError, `${name}: ${String(error)}`);
            return true;
          });
        });
      }
    }
  });
});

/** One of each kind through the built command line: exit codes, one sentence, no trace. */
describe('the command line', () => {
  const chosen = hostileArchives.filter(({ refusal }, index) => refusal !== undefined && index % 17 === 0);
  for (const { name, bytes, refusal } of chosen) {
    test(`refuses a ${name}`, async () => {
      using fence = new Fence();
      fence.put('inner/x.archive.tar', bytes);
      mkdirSync(join(fence.home, 'tmp'));
      const options = { home: fence.home, cwd: fence.at('inner'), env: { TMPDIR: fence.scratch } };
      const repository = ['--repository', repositoryOf(fence)];
      for (const words of [
        ['backup', 'import', './x.archive.tar', ...repository],
        ['backup', 'restore', './x.archive.tar', '--target', fence.target, ...repository],
        ['backup', 'restore', './x.archive.tar', ...repository],
        ['backup', 'verify', './x.archive.tar', ...repository],
        ['backup', 'diff', './x.archive.tar', '../home/', ...repository],
      ]) {
        const run = await fence.guard([repositoryOf(fence), fence.scratch], () => runCli(words, options));
        const said = run.stdout + run.stderr;
        assert.ok(run.status === 1 || run.status === 4, `${words.join(' ')}: ${run.status} ${said}`);
        assert.match(said, refusal as RegExp, words.join(' '));
        assert.doesNotMatch(said, /\n\s+at |Internal error/, words.join(' '));
        assert.equal(said.replaceAll('\n', '').match(/\p{Cc}/u), null, words.join(' '));
        assert.equal(existsSync(fence.target), false);
      }
    });
  }
});
