/** Runs the same work with every contestant in turn, round after round, each time with the next one first. */
import { execFileSync } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, readdirSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../lib/run.ts';
import type { BytesAre, Measured } from './results.ts';
import type { Command } from './tools.ts';

export type Cache = 'warm' | 'cold';

export interface Contestant {
  readonly name: string;
  readonly kind: 'own' | 'peer' | 'program';
  readonly version: string;
  readonly settings: string;
  readonly env: NodeJS.ProcessEnv;
  /** Not measured: what has to be there, or gone. Returns the commands to be measured. */
  readonly prepare: (round: number) => Promise<readonly Command[]>;
  /** Not measured: whether it did its work, and how many bytes that made (`bytesAre` says of what). */
  readonly finish?: (round: number) => Promise<number | undefined>;
  readonly bytesAre?: BytesAre;
}

export interface Contest {
  readonly contestants: readonly Contestant[];
  /** Read before each warm run, so that none of the contestants has to fetch it from the disk: some systems drop what is not used for seconds. */
  readonly warm: readonly string[];
  readonly beforeRound?: (round: number) => Promise<void>;
}

export interface Took {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

/** One command after the other: their times added up, the highest of their memory. */
export async function runCommands(
  commands: readonly Command[],
  env: NodeJS.ProcessEnv,
  measureMemory = false,
): Promise<Took> {
  let wallMs = 0;
  let cpuMs = 0;
  let memoryBytes = 0;
  for (const { words, ...more } of commands) {
    const [program, ...rest] = words;
    const result = await run(program!, rest, { env, measureMemory, ...more });
    wallMs += result.wallMs;
    cpuMs += result.cpuMs ?? 0;
    memoryBytes = Math.max(memoryBytes, result.memoryBytesMax ?? 0);
  }
  return { wallMs, cpuMs, memoryBytes };
}

export async function measureContest(contest: Contest, cache: Cache, rounds: number): Promise<Measured[]> {
  const { contestants } = contest;
  const runs = contestants.map(() => ({
    wallMs: [] as number[],
    cpuMs: [] as number[],
    memoryBytes: [] as number[],
    bytes: [] as number[],
  }));
  for (let round = 0; round < rounds; round++) {
    await contest.beforeRound?.(round);
    for (let turn = 0; turn < contestants.length; turn++) {
      const index = (round + turn) % contestants.length;
      const contestant = contestants[index]!;
      const commands = await contestant.prepare(round);
      // What others left to be written must not be written at the expense of this one.
      execFileSync('sync');
      if (cache === 'cold') dropCaches();
      else for (const path of contest.warm) readThrough(path);
      const { wallMs, cpuMs, memoryBytes } = await runCommands(commands, contestant.env, true);
      const bytes = await contestant.finish?.(round);
      runs[index]!.wallMs.push(wallMs);
      runs[index]!.cpuMs.push(cpuMs);
      runs[index]!.memoryBytes.push(memoryBytes);
      if (bytes !== undefined) runs[index]!.bytes.push(bytes);
    }
  }
  return contestants.map(({ name, kind, version, settings, bytesAre }, index) => ({
    ...{ tool: name, kind, version, settings, cache, ...runs[index]! },
    ...(bytesAre === undefined ? {} : { bytesAre }),
  }));
}

const dropFile = '/proc/sys/vm/drop_caches';

/** Only the root of a machine of its own may. */
export function canDropCaches(): boolean {
  try {
    accessSync(dropFile, constants.W_OK);
    return true;
  } catch {
    // Another system, or not root: then there is no cold cache to measure with.
    return false;
  }
}

function dropCaches(): void {
  writeFileSync(dropFile, '3');
}

const piece = Buffer.alloc(1 << 20);

function readThrough(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) readThrough(path);
    else if (entry.isFile()) {
      const file = openSync(path, 'r');
      while (readSync(file, piece) > 0);
      closeSync(file);
    }
  }
}
