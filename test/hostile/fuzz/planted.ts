/** Decoders with a bug, to see that the watch finds it. */
import type { FuzzTarget } from './engine.ts';

const seeds = (): readonly Buffer[] => [Buffer.from('harmless'), Buffer.from('!')];

function planted(name: string, bug: () => void | Promise<void>): FuzzTarget {
  return {
    name,
    seeds,
    run: (bytes) => (bytes.toString() === '!' ? bug() : undefined),
  };
}

/** Nothing is freed, and nothing is known of it before the end. */
function eat(): void {
  const kept: Buffer[] = [];
  for (;;) kept.push(Buffer.alloc(16 * 1024 * 1024, 1));
}

export const plantedTargets: readonly FuzzTarget[] = [
  planted('a loop', () => {
    for (;;);
  }),
  // The interval keeps the process alive, as an open file would.
  planted('a wait', () => new Promise(() => setInterval(() => undefined, 1000))),
  planted('a glutton', eat),
  planted('an end', () => process.exit(3)),
  planted('a fault', () => process.kill(process.pid, 'SIGSEGV') as never),
  planted('an error', () => {
    throw new TypeError('not ours');
  }),
];
