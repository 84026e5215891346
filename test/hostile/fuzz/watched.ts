/**
 * Fuzzes a decoder in a process of its own, and watches it from outside: an input that never comes to its end, that takes the
 * memory, or that ends the process, is named like any other.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FuzzLimits, FuzzReport } from './engine.ts';

const program = fileURLToPath(new URL('child.ts', import.meta.url));
const lookEveryMs = 250;

export interface WatchedLimits extends FuzzLimits {
  /** Of one run on the clock: a wait for what never comes takes no processor time. Far above `runMs`, for machines with other work. */
  readonly hangMs: number;
}

/** @throws Error that names the decoder and has the input in base64 */
export async function fuzzWatched(
  name: string,
  seed: number,
  limits: WatchedLimits,
  onReport?: (report: FuzzReport) => void,
): Promise<FuzzReport> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'exuvia-fuzz-'));
  try {
    return await new Watched(name, folder, limits).run(seed, onReport);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class Watched {
  readonly #name: string;
  /** Holds the input that is being run. */
  readonly #record: string;
  readonly #folder: string;
  readonly #limits: WatchedLimits;
  #last: FuzzReport | undefined;

  constructor(name: string, folder: string, limits: WatchedLimits) {
    this.#name = name;
    this.#folder = folder;
    this.#record = join(folder, 'input');
    this.#limits = limits;
  }

  async run(seed: number, onReport: ((report: FuzzReport) => void) | undefined): Promise<FuzzReport> {
    const { ms, runMs, memoryBytes } = this.#limits;
    const numbers = [seed, ms, runMs, memoryBytes].map(String);
    const heap = `--max-old-space-size=${memoryBytes >> 20}`;
    const child = spawn(process.execPath, [heap, program, this.#name, ...numbers, this.#record], {
      env: { ...process.env, EXUVIA_FUZZ_FOLDER: this.#folder },
    });
    const startedMs = Date.now();
    let errors = '';
    child.stderr.on('data', (piece: Buffer) => (errors += piece.toString()));
    let line = '';
    child.stdout.on('data', (piece: Buffer) => {
      const lines = (line + piece.toString()).split('\n');
      line = lines.pop() ?? '';
      for (const text of lines) {
        this.#last = JSON.parse(text) as FuzzReport;
        onReport?.(this.#last);
      }
    });
    let killedFor: string | undefined;
    const watch = setInterval(() => {
      killedFor ??= this.#complaint(child.pid, startedMs);
      if (killedFor !== undefined) child.kill('SIGKILL');
    }, lookEveryMs);
    const [code, signal] = await once(child, 'close');
    clearInterval(watch);
    if (killedFor !== undefined) throw this.#failure(killedFor);
    // What is a failure of a run names its input itself.
    if (errors.includes('input (base64)')) throw new Error(errors);
    if (code !== 0 || this.#last === undefined)
      throw this.#failure(`ended with ${signal ?? code}\n${errors.slice(0, 2000)}`);
    return this.#last;
  }

  #complaint(pid: number | undefined, startedMs: number): string | undefined {
    const { hangMs, memoryBytes } = this.#limits;
    const since = existsSync(this.#record) ? statSync(this.#record).mtimeMs : startedMs;
    const tookMs = Date.now() - since;
    if (tookMs > hangMs) return `no end after ${Math.round(tookMs)} ms`;
    const bytes = residentBytes(pid);
    return bytes > memoryBytes ? `memory grew to ${bytes} bytes` : undefined;
  }

  #failure(what: string): Error {
    const input = existsSync(this.#record) ? readFileSync(this.#record).toString('base64') : '';
    const runs = this.#last === undefined ? 'its first' : `more than ${this.#last.runs}`;
    return new Error(`${this.#name}: ${what}\nafter ${runs} runs\ninput (base64): ${input}`);
  }
}

/** 0 where the system does not say, or the process has gone. */
function residentBytes(pid: number | undefined): number {
  const path = `/proc/${pid}/statm`;
  if (!existsSync(path)) return 0;
  try {
    return Number(readFileSync(path, 'utf8').split(' ')[1]) * 4096;
  } catch {
    return 0; // gone between the two looks
  }
}
