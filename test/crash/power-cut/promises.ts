/** What the runs so far have promised their user. */
import type { Mark, Operation } from './operations.ts';

export interface Promises {
  /** Changes with every promise: states that are alike are judged anew when what is promised has changed. */
  readonly epoch: number;
  readonly acknowledged: ReadonlySet<string>;
  readonly forgotten: ReadonlySet<string>;
  /** Others stand for them: they must not count again. */
  readonly replaced: ReadonlySet<string>;
  /** Snapshots and paths that damage has reached, until they are repaired. */
  readonly damaged: ReadonlySet<string>;
  /** Files a restore writes: what was there, and what is to be; null is none. */
  readonly restoring: ReadonlyMap<string, readonly [Uint8Array | null, Uint8Array | null]>;
  readonly isRestored: boolean;
}

export const noPromises: Promises = {
  epoch: 0,
  acknowledged: new Set(),
  forgotten: new Set(),
  replaced: new Set(),
  damaged: new Set(),
  restoring: new Map(),
  isRestored: false,
};

const markKinds: ReadonlySet<string> = new Set<Mark['kind']>([
  'acknowledged',
  'forgotten',
  'damaged',
  'repaired',
  'restoring',
  'restored',
  'settled',
]);

export function isMark(operation: Operation): operation is Mark {
  return markKinds.has(operation.kind);
}

export function promisesAfter(before: Promises, mark: Mark): Promises {
  const next = { ...before, epoch: before.epoch + 1 };
  switch (mark.kind) {
    case 'acknowledged': {
      const acknowledged = new Set([...before.acknowledged, mark.snapshot]);
      if (mark.replaces === undefined) return { ...next, acknowledged };
      acknowledged.delete(mark.replaces);
      return { ...next, acknowledged, replaced: new Set([...before.replaced, mark.replaces]) };
    }
    case 'forgotten': {
      const acknowledged = new Set(before.acknowledged);
      acknowledged.delete(mark.snapshot);
      const forgotten = mark.final ? new Set([...before.forgotten, mark.snapshot]) : before.forgotten;
      return { ...next, acknowledged, forgotten };
    }
    case 'damaged': {
      const acknowledged = [...before.acknowledged].filter((id) => !mark.subjects.has(id));
      // Where the replacement is damaged, the snapshot it stood for had better count again.
      return { ...next, acknowledged: new Set(acknowledged), damaged: mark.subjects, replaced: new Set() };
    }
    case 'repaired':
      return { ...next, damaged: new Set() };
    case 'restoring':
      return { ...next, restoring: mark.files, isRestored: false };
    case 'restored':
      return { ...next, isRestored: true };
    case 'settled':
      return { ...next, restoring: new Map() };
  }
}
