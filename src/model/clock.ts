/** The time, passed in so that tests can set it. */
export interface Clock {
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

/** Random bytes, passed in so that tests can repeat them. */
export type RandomBytes = (count: number) => Uint8Array;
