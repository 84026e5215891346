/** How a command runs: its environment, its errors as one sentence, its exit code. */
import type { Command } from 'commander';
import {
  type Environment,
  type ExuviaError,
  type KeySource,
  type KeyWords,
  knownErrorOf,
  type PlaceOptions,
  systemEnvironment,
} from '../index.ts';
import { secretAsker } from './ask-secret.ts';
import { Console } from './console.ts';
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.ts';
import { writeError, writeOut } from './output.ts';
import { jsonText, safeText } from './text.ts';
import { boundYoungMemory } from './young-memory.ts';

/** Options that every command has. */
export interface GlobalOptions extends PlaceOptions, KeyWords {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly progress?: boolean;
  readonly lockWait?: number;
  readonly identity?: string;
  readonly archivePassphraseFile?: string;
}

export interface CommandContext {
  readonly environment: Environment;
  readonly console: Console;
}

type Action<Options> = (context: CommandContext, options: Options, ...names: string[]) => Promise<ExitCode>;

/** Makes a commander action of a command's function, which is loaded when it is wanted. */
export function action<Options extends GlobalOptions>(
  load: () => Promise<Action<Options>>,
): (...words: unknown[]) => Promise<void> {
  return async (...words) => {
    const command = words.at(-1) as Command;
    const names = words.slice(0, -2) as string[];
    const options = command.optsWithGlobals() as Options;
    const console = new Console(options);
    boundYoungMemory();
    process.exitCode = await runSafely(console, async () => {
      const signal = interruptSignal(console);
      const environment = systemEnvironment({
        progress: console.progress,
        signal,
        keySource: keySourceOf(options, signal),
        ...(options.lockWait === undefined ? {} : { lockWaitMs: options.lockWait * 1000 }),
      });
      const run = await load();
      return await run({ environment, console }, options, ...names);
    });
  };
}

function keySourceOf(options: GlobalOptions, signal: AbortSignal): KeySource {
  const { stateDir, profile, keyFile, passphraseFile, passphraseCommand } = options;
  const { identity, archivePassphraseFile } = options;
  const ask = secretAsker(signal);
  const places = { stateDir, profile };
  const words = { keyFile, passphraseFile, passphraseCommand, identity, archivePassphraseFile };
  return { ...words, places, ...(ask === undefined ? {} : { ask }) };
}

async function runSafely(console: Console, work: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await work();
  } catch (error) {
    console.clear();
    return reportError(console, error);
  }
}

/** A user's mistake or a machine's refusal is one sentence; a bug shows where it is. */
export function reportError(console: Pick<Console, 'json'>, error: unknown): ExitCode {
  const known = asOwnError(error) ?? knownErrorOf(error);
  const message = safeText(known?.message ?? (error instanceof Error ? error.message : String(error)));
  const code = known === undefined ? exitCodes.failed : exitCodeOf(known.kind);
  if (console.json) {
    const { code: name = 'ERR_INTERNAL', hint } = known ?? {};
    writeOut(`${jsonText({ error: { code: name, message, ...(hint ? { hint } : {}) } }, 2)}\n`);
  }
  writeError(`exuvia: ${message}\n`);
  if (known?.hint !== undefined) writeError(`${safeText(known.hint)}\n`);
  if (known === undefined && process.env['EXUVIA_DEBUG']) printTrace(error);
  return code;
}

function printTrace(error: unknown): void {
  writeError(`${error instanceof Error ? error.stack : String(error)}\n`);
}

type OwnError = Pick<ExuviaError, 'message' | 'kind' | 'code' | 'hint'>;

/** By its members: each command is bundled with a class ExuviaError of its own. */
function asOwnError(error: unknown): OwnError | undefined {
  return error instanceof Error && 'kind' in error && 'code' in error ? (error as ExuviaError) : undefined;
}

/** The first Ctrl-C asks the work to end at a safe place, the second ends the process. */
function interruptSignal(console: Console): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.clear();
      if (!console.quiet) writeError('Stopping; what is stored so far is kept …\n');
      controller.abort();
      process.once(signal, () => process.exit(exitCodes.interrupted));
    });
  }
  return controller.signal;
}
