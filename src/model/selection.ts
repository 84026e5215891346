import type { PathKey } from './paths.ts';
import type { SkippedPath } from './snapshot.ts';

export type EntryType = 'file' | 'directory' | 'symlink' | 'special';
export type SkipReason = SkippedPath['reason'];

/**
 * What becomes of one path of a source.
 * - `take`: it is wanted (for a folder: and what is inside is asked about).
 * - `descend`: only for folders: it is not itself wanted, but something inside may be; it is kept when something is.
 * - `skip`: it, and for a folder everything inside, is left out.
 */
export type Decision =
  | 'take'
  | 'descend'
  | {
      readonly skip: SkipReason;
      readonly detail?: string /** Not worth a line in the list of skipped paths. */;
      readonly quiet?: true;
    };

/** Decides what of a source is wanted. Parents are asked before what is inside them. Pure and cheap: it is called for every path. */
export interface PathFilter {
  decide(key: PathKey, type: EntryType): Decision;
}

export const takeAll: PathFilter = { decide: () => 'take' };
