/** Everything the command line prints goes through here: the result to stdout, all else to stderr. */
import type { Progress } from '../index.ts';
import { isTerminal, writeError, writeOut } from './output.ts';
import { ProgressBar } from './progress-bar.ts';
import { jsonText, safeText } from './text.ts';

export interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly progress?: boolean;
}

export class Console {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly progress: Progress;
  readonly #bar: ProgressBar | undefined;

  constructor(options: OutputOptions) {
    this.json = options.json ?? false;
    this.quiet = options.quiet ?? false;
    const drawsBar = isTerminal(2) && !this.quiet && !this.json && options.progress !== false;
    this.#bar = drawsBar
      ? new ProgressBar({
          columns: () => process.stderr.columns ?? 80,
          write: (text) => writeError(text),
          nowMs: () => performance.now(),
        })
      : undefined;
    this.progress = this.#bar ?? {
      step() {},
      advance() {},
      warn: (message) => this.warn(message),
    };
  }

  /** The one object of `--json`, or text for people; `--quiet` prints no text. */
  result(value: unknown, text: () => string): void {
    this.#bar?.clear();
    if (this.json) writeOut(`${jsonText(value, 2)}\n`);
    else if (!this.quiet) writeOut(endLine(text()));
  }

  /** What the user asked for and nothing else: printed with `--quiet` too. */
  payload(value: unknown, text: () => string): void {
    this.#bar?.clear();
    writeOut(this.json ? `${jsonText(value, 2)}\n` : endLine(text()));
  }

  /** One line of a log: of text, or one JSON object. */
  line(value: unknown, text: string): void {
    this.#bar?.clear();
    writeOut(this.json ? `${jsonText(value)}\n` : endLine(text));
  }

  warn(message: string): void {
    this.#bar?.clear();
    if (!this.quiet) writeError(`Warning: ${safeText(message)}\n`);
  }

  /** What was left undone. The text of a result says it as well, and `--quiet` prints none. */
  incomplete(problems: readonly string[]): void {
    if (!this.quiet || this.json) return;
    for (const problem of problems) writeError(`exuvia: ${problem}\n`);
  }

  clear(): void {
    this.#bar?.clear();
  }
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

const isColored = !process.env['NO_COLOR'] && isTerminal(1);

export function bold(text: string): string {
  return isColored ? `\u001b[1m${text}\u001b[22m` : text;
}

export function red(text: string): string {
  return isColored ? `\u001b[31m${text}\u001b[39m` : text;
}

export function green(text: string): string {
  return isColored ? `\u001b[32m${text}\u001b[39m` : text;
}

export function dim(text: string): string {
  return isColored ? `\u001b[2m${text}\u001b[22m` : text;
}
