/** Programs that keep no repository: what the same bytes, or the same files, cost without one. */
import { rmSync, statSync } from 'node:fs';
import { cleanEnvironment } from '../lib/environment.ts';
import { versionOf } from '../lib/report.ts';
import type { Contestant } from './rounds.ts';
import type { Command } from './tools.ts';

export interface ProgramOptions {
  readonly command: Command;
  /** File or folder that is removed before each run and after it; its length is what the run made. */
  readonly makes?: string;
  readonly prepare?: () => void;
  readonly finish?: () => Promise<void>;
}

export function program(dir: string, name: string, options: ProgramOptions): Contestant {
  const { command, makes } = options;
  const words = command.words;
  return {
    name,
    kind: 'program',
    version: versionOf(words[0]!, '--version') ?? 'unknown',
    settings: '',
    env: cleanEnvironment(dir),
    ...(makes === undefined ? {} : { bytesAre: 'archive' as const }),
    prepare: async () => {
      if (makes !== undefined) rmSync(makes, { recursive: true, force: true });
      options.prepare?.();
      return [command];
    },
    finish: async () => {
      await options.finish?.();
      if (makes === undefined) return undefined;
      const { size } = statSync(makes);
      const isFile = statSync(makes).isFile();
      rmSync(makes, { recursive: true, force: true });
      return isFile ? size : undefined;
    },
  };
}

export function hasProgram(name: string): boolean {
  return versionOf(name, '--version') !== undefined;
}
