/** The time, passed in so that tests can set it. */
export interface Clock {
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

/** Counts on whatever is done to the clock. `performance.now()` loads modules that take 2 ms, which most runs need for nothing else. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Random bytes, passed in so that tests can repeat them. */
export type RandomBytes = (count: number) => Uint8Array;
