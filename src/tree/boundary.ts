/**
 * Where nodes of maps and lists end: decided by a hash of the entry alone (its key, or its chunk's id), so equal content
 * gives equal nodes whatever the history (a prolly tree), and changing a value never moves a boundary.
 */
import { limits } from '../model/limits.ts';

/** An entry whose hash has these bits zero ends its node: 32 entries a node on average in maps, 64 in lists. */
const mapMask = 0x1f;
const listMask = 0x3f;

/** FNV-1a over the level and the key's bytes, then the finisher of MurmurHash3 so that every bit counts. */
export function keyHash(level: number, key: string): number {
  let hash = Math.imul(0x811c9dc5 ^ level, 0x01000193);
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Whether a map node of `level` ends after this entry. `entries` and `bytes` count the node with it. */
export function endsMapNode(level: number, key: string, entries: number, bytes: number): boolean {
  return (keyHash(level, key) & mapMask) === 0 || isFull(entries, bytes);
}

/** The same for a list; a hole has the empty id. */
export function endsListNode(level: number, id: string, entries: number): boolean {
  return (keyHash(level, id) & listMask) === 0 || isFull(entries, 0);
}

function isFull(entries: number, bytes: number): boolean {
  return entries >= limits.mapNodeEntriesMax || bytes >= limits.mapNodeBytesMax;
}
