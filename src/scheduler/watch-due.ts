/** When a watched home gets its next snapshot. Pure. */
export interface WatchTimes {
  /** First and last change that no snapshot has seen yet. */
  readonly firstChangeMs: number | undefined;
  readonly lastChangeMs: number | undefined;
  readonly lastSnapshotMs: number | undefined;
}

export interface WatchPace {
  /** How long nothing may have changed. */
  readonly quietMs: number;
  /** Least distance of two snapshots; and a home that is never quiet gets one after so long a time. */
  readonly atMostEveryMs: number;
}

/** Undefined when nothing has changed. */
export function dueAtMs(times: WatchTimes, { quietMs, atMostEveryMs }: WatchPace): number | undefined {
  const { firstChangeMs, lastChangeMs, lastSnapshotMs = Number.NEGATIVE_INFINITY } = times;
  if (firstChangeMs === undefined || lastChangeMs === undefined) return undefined;
  const quietAtMs = Math.min(lastChangeMs + quietMs, firstChangeMs + Math.max(atMostEveryMs, quietMs));
  return Math.max(quietAtMs, lastSnapshotMs + atMostEveryMs);
}
