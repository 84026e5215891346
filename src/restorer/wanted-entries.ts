/** The entries of a tree that are wanted. What is in a folder that can hold none of them is passed over, unread where it is much. */
import type { PathKey } from '../model/paths.ts';
import type { EntryType } from '../model/selection.ts';
import type { TreeReader } from '../model/store.ts';
import type { TreeEntry } from '../model/tree.ts';

export interface WantedEntries {
  readonly wanted: (key: PathKey, type: EntryType) => boolean;
  /** Whether something in this folder may be wanted. */
  readonly mayHold: (folder: PathKey) => boolean;
}

/** Going on at another key takes as long as about so many entries. */
const passedMax = 64;

export function* wantedEntries(
  tree: Pick<TreeReader, 'entries'>,
  { wanted, mayHold }: WantedEntries,
): Generator<TreeEntry> {
  let from: PathKey | undefined;
  do {
    const start = from;
    from = undefined;
    /** What comes before it is in a folder that holds nothing that is wanted. */
    let end = '';
    let passed = 0;
    for (const entry of tree.entries(start)) {
      const { key, node } = entry;
      if (key < end) {
        if (++passed < passedMax) continue;
        from = end as PathKey;
        break;
      }
      if (wanted(key, node.type)) yield entry;
      else if (node.type === 'directory' && key !== '' && !mayHold(key)) {
        end = `${key}\u0001`; // behind all that begin with it and a zero byte
        passed = 0;
      }
    }
  } while (from !== undefined);
}
