/** A source's tree: an ordered map from path key to node. */
import { decodeNode, encodeNode } from '../codec/node-codec.ts';
import type { BlobId } from '../model/ids.ts';
import { displayKey, type PathKey, rootKey } from '../model/paths.ts';
import type { BlobReader, BlobWriter, TreeReader } from '../model/store.ts';
import type { TreeEntry, TreeNode } from '../model/tree.ts';
import { type EndedLeaf, MapBuilder } from './map-builder.ts';
import { getMapEntry, mapEntries } from './map-reader.ts';

export function openTree(blobs: BlobReader, root: BlobId | null): TreeReader {
  return {
    *entries(from = rootKey): Generator<TreeEntry> {
      for (const entry of mapEntries(blobs, root, from)) yield decodeEntry(entry.key as PathKey, entry.value);
    },
    getEntry(key) {
      const entry = getMapEntry(blobs, root, key);
      return entry && decodeEntry(key, entry.value);
    },
  };
}

function decodeEntry(key: PathKey, value: Uint8Array): TreeEntry {
  return { key, node: decodeNode(value, () => `entry ${displayKey(key)}`) };
}

/** Collects entries in key order; the same entries give the same root on any machine. */
export class TreeBuilder {
  readonly #map: MapBuilder;

  /** `onLeaf` is called for each leaf of the map that is built. */
  constructor(blobs: BlobWriter, onLeaf?: (leaf: EndedLeaf) => void) {
    this.#map = new MapBuilder(blobs, onLeaf);
  }

  get entries(): number {
    return this.#map.entries;
  }

  add(key: PathKey, node: TreeNode): void {
    this.#map.add(key, encodeNode(node));
  }

  /** For a node that is already encoded. */
  addEncoded(key: PathKey, node: Uint8Array): void {
    this.#map.add(key, node);
  }

  get isBetweenLeaves(): boolean {
    return this.#map.isBetweenLeaves;
  }

  /** For a leaf that is stored already. */
  addLeaf(leaf: EndedLeaf): void {
    this.#map.addLeaf(leaf);
  }

  finish(): BlobId | null {
    return this.#map.finish() ?? null;
  }
}
