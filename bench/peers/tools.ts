/** What a tool that is compared can do: it says which commands do a piece of work; `rounds.ts` runs and measures them. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnvironment } from '../lib/environment.ts';
import { run } from '../lib/run.ts';
import { folderSize } from '../lib/sizes.ts';

export interface Command {
  readonly words: readonly string[];
  readonly cwd?: string;
  /** Codes that are no failures; 0 by default. */
  readonly exitCodes?: readonly number[];
}

export interface Tool {
  readonly name: string;
  readonly kind: 'own' | 'peer';
  readonly version: string;
  readonly settings: string;
  /** Not used for everything: only where something like it is compared. */
  readonly only?: readonly string[];
  readonly repositoryAt: (dir: string) => Repository;
}

/** `dir` holds the repository, in the folder of that name, and the caches of the tool. */
export interface Repository {
  readonly env: NodeJS.ProcessEnv;
  /** Folders outside it in which the tool keeps what it knows of it. */
  readonly caches?: readonly string[];
  readonly init: () => Command[];
  readonly backup: (source: string) => Command[];
  /** How `snapshots` names them, oldest first. */
  readonly list: () => Command[];
  readonly snapshots: () => Promise<string[]>;
  readonly restore: (snapshot: string, source: string, target: string) => Command[];
  /** Where `restore` has put what was in `source`. */
  readonly restored: (source: string, target: string) => string;
  /** `file` is relative to `source`. Writes into `target`, an empty folder. */
  readonly restoreOne: (snapshot: string, source: string, file: string, target: string) => Command[];
  readonly check: () => Command[];
  readonly forgetAndPrune: (snapshots: readonly string[]) => Command[];
  readonly diff?: (older: string, newer: string) => Command[];
  readonly exportGzip?: (snapshot: string, archive: string) => Command[];
  readonly exportZstd?: (snapshot: string, archive: string) => Command[];
  readonly importGzip?: (archive: string) => Command[];
}

export function repositoryIn(dir: string): string {
  return join(dir, 'repository');
}

/** All that a tool leaves on the disk for a repository. Some keep in it what they know of files on this machine, others beside it. */
export function storedBytes({ caches = [] }: Repository, dir: string): number {
  const folders = [repositoryIn(dir), ...caches].filter((folder) => existsSync(folder));
  return folders.reduce((sum, folder) => sum + folderSize(folder).bytes, 0);
}

export function environmentIn(dir: string, more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  mkdirSync(dir, { recursive: true });
  return cleanEnvironment(dir, more);
}

/** A command of shell, with its parameters as $1, $2, … */
export function shell(line: string, ...parameters: readonly string[]): Command {
  return { words: ['sh', '-c', line, 'sh', ...parameters] };
}

/** The lines that a command prints. */
export async function linesOf(command: Command, env: NodeJS.ProcessEnv): Promise<string[]> {
  const [program, ...words] = command.words;
  const { stdout } = await run(program!, words, { env });
  return stdout.split('\n').filter((line) => line !== '');
}
