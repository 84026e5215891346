/**
 * A small coverage-guided fuzzer: inputs that reach a block of ours which none before reached are kept and changed further.
 * Which blocks ran is V8's own precise coverage, looked at after each batch, and input by input only where a batch found
 * something new. The same seed changes the same inputs in the same way.
 */
import { Session } from 'node:inspector/promises';
import type { Seeded } from '../../helpers/seeded.ts';

export interface FuzzTarget {
  readonly name: string;
  readonly seeds: () => readonly Buffer[];
  /** Makes checksums right again, so that what is behind them is reached; every second input is left as it is. */
  readonly mend?: (bytes: Buffer) => Buffer;
  /** Throws what is a bug and nothing else. */
  readonly run: (bytes: Buffer) => void | Promise<void>;
}

export interface FuzzReport {
  readonly name: string;
  readonly runs: number;
  readonly corpus: number;
  readonly blocks: number;
  readonly slowestMs: number;
}

export interface FuzzLimits {
  readonly ms: number;
  /** Of one run: processor time, which does not count what else the machine does. */
  readonly runMs: number;
  /** Of the process. */
  readonly memoryBytes: number;
}

export interface FuzzWatcher {
  /** Called before each run, so that an input that ends the process or never returns is known. */
  readonly onInput?: (input: Buffer) => void;
  readonly onBatch?: (report: FuzzReport) => void;
}

const batchRuns = 40;
const inputBytesMax = 64 * 1024;

/** One for a process: V8 counts for all sessions together. */
class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Blocks of src/ that ran since it was asked last. */
  async ran(): Promise<Set<string>> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    const blocks = new Set<string>();
    for (const { url, functions } of result) {
      if (!url.includes('/src/')) continue;
      for (const { ranges } of functions)
        for (const { startOffset, count } of ranges) if (count > 0) blocks.add(`${url} ${startOffset}`);
    }
    return blocks;
  }

  /** Those that never ran before. */
  async news(): Promise<Set<string>> {
    const fresh = new Set([...(await this.ran())].filter((block) => !this.#seen.has(block)));
    for (const block of fresh) this.#seen.add(block);
    return fresh;
  }
}

let started: Coverage | undefined;

async function startedCoverage(): Promise<Coverage> {
  if (started !== undefined) return started;
  started = new Coverage();
  await started.start();
  return started;
}

/** @throws Error that names the target and has the input in base64 */
export async function fuzz(
  target: FuzzTarget,
  random: Seeded,
  limits: FuzzLimits,
  { onInput, onBatch }: FuzzWatcher = {},
): Promise<FuzzReport> {
  const coverage = await startedCoverage();
  let blocks = 0;
  const corpus: Buffer[] = [];
  let runs = 0;
  let slowestMs = 0;
  const run = async (input: Buffer): Promise<void> => {
    onInput?.(input);
    const started = process.cpuUsage();
    await runOnce(target, input);
    const { user, system } = process.cpuUsage(started);
    const tookMs = (user + system) / 1000;
    runs++;
    slowestMs = Math.max(slowestMs, tookMs);
    if (tookMs > limits.runMs) throw failure(target, input, `took ${Math.round(tookMs)} ms`);
  };
  for (const seed of target.seeds()) {
    await run(seed);
    corpus.push(seed);
  }
  blocks += (await coverage.news()).size;
  const report = (): FuzzReport => ({
    name: target.name,
    runs,
    corpus: corpus.length,
    blocks,
    slowestMs: Math.round(slowestMs),
  });
  const endMs = performance.now() + limits.ms;
  while (performance.now() < endMs) {
    const batch = Array.from({ length: batchRuns }, () => mutated(target, corpus, random));
    for (const input of batch) await run(input);
    const fresh = await coverage.news();
    blocks += fresh.size;
    if (fresh.size > 0) await keepNew(target, { batch, corpus, fresh, coverage });
    const { rss } = process.memoryUsage();
    if (rss > limits.memoryBytes)
      throw failure(target, batch[0] ?? Buffer.alloc(0), `memory grew to ${rss} bytes`);
    onBatch?.(report());
  }
  return report();
}

interface Finds {
  readonly batch: readonly Buffer[];
  readonly corpus: Buffer[];
  readonly fresh: Set<string>;
  readonly coverage: Coverage;
}

/** The first of a batch, one by one, to reach each of the blocks that the batch reached first. */
async function keepNew(target: FuzzTarget, { batch, corpus, fresh, coverage }: Finds): Promise<void> {
  for (const input of batch) {
    if (fresh.size === 0) return;
    await runOnce(target, input);
    const reached = [...(await coverage.ran())].filter((block) => fresh.has(block));
    if (reached.length === 0) continue;
    corpus.push(input);
    for (const block of reached) fresh.delete(block);
  }
}

async function runOnce(target: FuzzTarget, input: Buffer): Promise<void> {
  try {
    await target.run(input);
  } catch (error) {
    throw failure(target, input, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

function failure(target: FuzzTarget, input: Buffer, what: string): Error {
  return new Error(`${target.name}: ${what}\ninput (base64): ${input.toString('base64')}`);
}

const interesting = [0, 1, 0x7f, 0x80, 0xff, 0x2e, 0x2f, 0x5c, 0x22, 0x7b, 0x5b, 0x0a, 0x27, 0x24];

function mutated(target: FuzzTarget, corpus: readonly Buffer[], random: Seeded): Buffer {
  let bytes: Buffer = Buffer.from(corpus[random.below(corpus.length)] ?? Buffer.alloc(0));
  for (let times = 1 + random.below(5); times > 0; times--) bytes = mutateOnce(bytes, corpus, random);
  bytes = bytes.subarray(0, inputBytesMax);
  return target.mend !== undefined && random.below(2) === 0 ? target.mend(bytes) : bytes;
}

function mutateOnce(bytes: Buffer, corpus: readonly Buffer[], random: Seeded): Buffer {
  const at = random.below(bytes.length + 1);
  const rest = random.below(Math.min(bytes.length - at, 64) + 1);
  const cut = (middle: Buffer): Buffer =>
    Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(at + rest)]);
  switch (random.below(8)) {
    case 0: // one bit
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = interesting[random.below(interesting.length)] ?? 0;
      return bytes;
    case 2: // a number added
      if (at < bytes.length) bytes[at] = ((bytes[at] ?? 0) + random.below(70) - 35) & 0xff;
      return bytes;
    case 3:
      return cut(Buffer.alloc(0));
    case 4:
      return cut(random.bytes(random.below(9)));
    case 5: // a part of another input
      return cut(partOf(corpus[random.below(corpus.length)] ?? bytes, random));
    case 6: // a part of its own, many times
      return cut(
        Buffer.concat(Array.from({ length: 1 + random.below(20) }, () => bytes.subarray(at, at + rest))),
      );
    default: // a great number
      return cut(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f].slice(random.below(8))));
  }
}

function partOf(bytes: Buffer, random: Seeded): Buffer {
  const start = random.below(bytes.length + 1);
  return bytes.subarray(start, start + random.below(200));
}
