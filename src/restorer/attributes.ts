/** What a restored entry is given beside its content. */
import type { FileAttributes } from '../model/store.ts';
import type { TreeNode } from '../model/tree.ts';

export interface AttributeLimits {
  /** Bits that an existing entry did not have are not given to the new one. */
  readonly modeLimit: number;
  readonly setOwner: boolean;
}

export function attributesOf(node: TreeNode, { modeLimit, setOwner }: AttributeLimits): FileAttributes {
  return {
    // Set-user-id and its like only where owners are restored too.
    mode: node.mode & (setOwner ? 0o7777 : 0o777) & (0o7000 | modeLimit),
    mtime: secondsOf(node),
    ...(setOwner ? { owner: { uid: node.uid, gid: node.gid } } : {}),
  };
}

/** As precise as Node can set it: about a microsecond. */
export function secondsOf(node: TreeNode): number {
  return Number(node.mtimeNs) / 1e9;
}
