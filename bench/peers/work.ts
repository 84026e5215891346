/** What a piece of work is, and what it is given. */
import type { SetName } from './data.ts';
import type { PreparedSet } from './prepared.ts';
import type { Contest, Contestant } from './rounds.ts';
import type { Tool } from './tools.ts';

export interface WorkContext {
  readonly set: PreparedSet;
  /** Those that take part in this work. */
  readonly tools: readonly Tool[];
  /** Where everything is kept, and a folder in memory, if there is one. */
  readonly dir: string;
  readonly memoryDir: string;
  /** Folder with node_modules/openclaw. */
  readonly openclaw: string | undefined;
}

export interface Work {
  readonly name: string;
  readonly title: string;
  readonly sets: readonly SetName[];
  /** Takes well under a second, so that more rounds are cheap and needed. */
  readonly isQuick?: boolean;
  /** Undefined when what it compares with is not here. */
  readonly contest: (context: WorkContext) => Promise<Contest | undefined>;
}

export function contestantOf(
  { name, kind, version, settings }: Tool,
  env: NodeJS.ProcessEnv,
  steps: Pick<Contestant, 'prepare' | 'finish' | 'bytesAre'>,
): Contestant {
  return { name, kind, version, settings, env, ...steps };
}
