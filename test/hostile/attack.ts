/** One hostile archive through the ways that take one, with a fence around all that they may reach. */
import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  diffBackups,
  type Environment,
  ExuviaError,
  importArchive,
  restoreBackup,
  verifyBackup,
} from '../../src/index.ts';
import type { HostileArchive } from './corpus/all.ts';
import { bytesOf, childrenOf, Fence } from './fence.ts';

/** Far above what any takes on two slow cores: 1 s. */
const timeMs = 30_000;
/** Of the whole test process, which holds the corpus. */
const memoryBytes = 900 * 1024 * 1024;

export const place = (fence: Fence): { repository: string } => ({ repository: fence.at('inner/repository') });

export interface Way {
  readonly name: string;
  /** Into the home, where an archive may write to few places. */
  readonly isInPlace?: true;
  /** What may change. */
  readonly open: (fence: Fence) => readonly string[];
  readonly run: (environment: Environment, fence: Fence, path: string) => Promise<unknown>;
}

/** Where the program notes that settings came with an archive, and are not to be believed. */
const ownNotes = (fence: Fence): string => join(fence.home, '.local');

export const repositoryOf = (fence: Fence): string => place(fence).repository;

export const ways: readonly Way[] = [
  {
    name: 'import',
    open: (fence) => [repositoryOf(fence)],
    run: (environment, fence, path) => importArchive(environment, place(fence), path),
  },
  {
    name: 'restore --target',
    open: (fence) => [repositoryOf(fence), fence.target, ownNotes(fence)],
    run: (environment, fence, path) =>
      restoreBackup(environment, { ...place(fence), target: fence.target }, path),
  },
  {
    name: 'restore in place',
    isInPlace: true,
    open: (fence) => [repositoryOf(fence), fence.state, ownNotes(fence)],
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

export async function attack({ bytes, refusal }: HostileArchive, chosen: readonly Way[]): Promise<void> {
  using fence = new Fence();
  const path = fence.put('inner/x.archive.tar', bytes);
  for (const way of chosen) {
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
