/**
 * Everything that a tree refers to, followed once: what `prune` marks as used and what `check` proves to be there.
 *
 * Each blob is marked, in the role it is used in, as whole (it and all below it can be read) or broken. A subtree that
 * many snapshots share is followed once, so the cost is that of what differs between them. A list of pages counts all it
 * names, also pages that a later layer replaces: those are kept as long as the list.
 */
import { decodeListNode, isLeaf, isListLeaf, type MapInner } from '../codec/map-codec.ts';
import { decodeNode } from '../codec/node-codec.ts';
import { DamageError } from '../model/errors.ts';
import { type BlobId, blobIdFromBytes, idBytes } from '../model/ids.ts';
import type { BlobMarks, BlobRole } from '../model/marks.ts';
import { displayKey, type PathKey } from '../model/paths.ts';
import type { BlobReader } from '../model/store.ts';
import type { FileContent, FileNode } from '../model/tree.ts';
import { chunksOf } from './content.ts';
import { checkPlace, type KeyBounds, type KeySpan, readMapNode, spanOf } from './map-reader.ts';
import { readLayer, segmentsOfBase } from './page-map.ts';

export interface ClosureOptions {
  readonly blobs: BlobReader;
  readonly marks: BlobMarks;
  /** Called for each blob that is missing or not what it should be, once for each role. */
  readonly onBroken?: (id: BlobId, role: BlobRole, error: DamageError) => void;
}

/** Marks what the tree at `root` refers to. False when something of it is missing or damaged. */
export function markTree(options: ClosureOptions, root: BlobId | null): boolean {
  return root === null || new ClosureWalk(options).map(root, undefined);
}

/**
 * Why the child does not belong where the inner node has it, though it and all below it can be read: a node in several places of
 * one tree is in the wrong one at all but one of them.
 */
export function findMisplacement(
  options: ClosureOptions,
  parent: MapInner,
  index: number,
): DamageError | undefined {
  return new ClosureWalk(options).misplacement(parent, index);
}

/** The same for the content of one file. */
export function markFile(options: ClosureOptions, node: FileNode): boolean {
  return new ClosureWalk(options).content(node.content, node.size);
}

/** Where each map node was found right: what most trees share stands in the same place in each of them. */
const rightPlaces = new WeakMap<BlobMarks, Map<BlobId, KeyBounds & { readonly level: number }>>();

class ClosureWalk {
  readonly #options: ClosureOptions;
  readonly #rightPlaces: Map<BlobId, KeyBounds & { readonly level: number }>;
  /** All keys of the node that was followed last and of those below it, so that its parent need not read it again. */
  #followed: (KeySpan & { readonly id: BlobId }) | undefined;

  constructor(options: ClosureOptions) {
    this.#options = options;
    this.#rightPlaces = rightPlaces.get(options.marks) ?? new Map();
    rightPlaces.set(options.marks, this.#rightPlaces);
  }

  map(id: BlobId, level: number | undefined): boolean {
    return this.#once(id, 'map', () => {
      const node = readMapNode(this.#options.blobs, id, level);
      if (!isLeaf(node)) return this.#children(id, node);
      const isWhole = all(node.keys.keys(), (index) =>
        this.#entry(node.keys[index] ?? '', node.values[index]),
      );
      this.#followed = { id, ...spanOf(node) };
      return isWhole;
    });
  }

  #children(id: BlobId, node: MapInner): boolean {
    let first: string | undefined;
    const isWhole = all(node.children.entries(), ([index, child]) => {
      const isThere = this.map(child, node.level - 1);
      if (index === 0 && this.#followed?.id === child) first = this.#followed.first;
      return isThere && !this.#isMisplaced(node, index);
    });
    this.#followed = first === undefined ? undefined : { id, first, last: node.lastKeys.at(-1) ?? '' };
    return isWhole;
  }

  #isMisplaced(parent: MapInner, index: number): boolean {
    const error = this.misplacement(parent, index);
    if (error !== undefined) this.#report(parent.children[index] as BlobId, 'map', error);
    return error !== undefined;
  }

  misplacement(parent: MapInner, index: number): DamageError | undefined {
    const id = parent.children[index] as BlobId;
    const level = parent.level - 1;
    // What the first child comes after is what its parent comes after: it is looked at there, by the first key of all below.
    const after = index === 0 ? undefined : parent.lastKeys[index - 1];
    const last = parent.lastKeys[index];
    const right = this.#rightPlaces.get(id);
    if (right?.level === level && right.after === after && right.last === last) return undefined;
    try {
      const span = this.#followed?.id === id ? this.#followed : this.#spanBelow(id, level);
      checkPlace(id, span, { after, last });
    } catch (error) {
      if (error instanceof DamageError) return error;
      throw error;
    }
    this.#rightPlaces.set(id, { after, last, level });
    return undefined;
  }

  /** The first and the last of all keys below a node. */
  #spanBelow(id: BlobId, level: number): KeySpan {
    const { blobs } = this.#options;
    const top = readMapNode(blobs, id, level);
    let node = top;
    while (!isLeaf(node)) node = readMapNode(blobs, node.children[0] as BlobId, node.level - 1);
    return { first: spanOf(node).first, last: spanOf(top).last };
  }

  #entry(key: string, value: Uint8Array | undefined): boolean {
    const node = decodeNode(value ?? new Uint8Array(0), () => `entry ${displayKey(key as PathKey)}`);
    return node.type !== 'file' || this.content(node.content, node.size);
  }

  content(content: FileContent, size: number): boolean {
    switch (content.kind) {
      case 'inline':
        return true;
      case 'blob':
        return this.#data(content.id, size);
      case 'chunks':
        return all(content.chunks, ({ id, bytes }) => id === undefined || this.#data(id, bytes));
      case 'list':
        return this.#list(content.root, size, undefined);
      case 'pages':
        return this.#pages(content, size);
    }
  }

  #list(id: BlobId, bytes: number, level: number | undefined): boolean {
    return this.#once(id, 'list', () => {
      const place = `chunk list ${id.slice(0, 12)}`;
      const node = decodeListNode(this.#options.blobs.readBlob(id), place);
      if (level !== undefined && node.level !== level)
        throw new DamageError(place, `is of level ${node.level}`);
      const parts: readonly { readonly bytes: number }[] = isListLeaf(node) ? node.chunks : node.children;
      const sum = parts.reduce((total, part) => total + part.bytes, 0);
      if (sum !== bytes) throw new DamageError(place, `describes ${sum} bytes, want ${bytes}`);
      if (isListLeaf(node))
        return all(node.chunks, (chunk) => chunk.id === undefined || this.#data(chunk.id, chunk.bytes));
      return all(node.children, (child) => this.#list(child.id, child.bytes, node.level - 1));
    });
  }

  #pages(content: FileContent & { kind: 'pages' }, size: number): boolean {
    const isAllThere = all(
      [this.#base(content.base), ...content.layers.map((id) => this.#layer(id))],
      (is) => is,
    );
    // A page that only an older version of the database had may be lost without harm to this one.
    return isAllThere || this.#isReadable(content, size);
  }

  #base(id: BlobId): boolean {
    return this.#once(id, 'base', () =>
      all(segmentsOfBase(this.#options.blobs, id), (segment) => this.#segment(segment)),
    );
  }

  #segment(id: BlobId): boolean {
    return this.#once(id, 'segment', () => {
      const ids = this.#options.blobs.readBlob(id);
      if (ids.length % idBytes !== 0)
        throw new DamageError(`page segment ${id.slice(0, 12)}`, `is ${ids.length} bytes long`);
      return all(range(ids.length / idBytes), (index) => this.#data(blobIdFromBytes(ids, index * idBytes)));
    });
  }

  #layer(id: BlobId): boolean {
    return this.#once(id, 'layer', () =>
      all(readLayer(this.#options.blobs, id), (change) => this.#data(blobIdFromBytes(change.id, 0))),
    );
  }

  #isReadable(content: FileContent, size: number): boolean {
    const { blobs, marks } = this.#options;
    try {
      for (const chunk of chunksOf(blobs, content, size)) {
        if (chunk.id !== undefined && marks.bytesOf(chunk.id) !== chunk.bytes) return false;
      }
      return true;
    } catch (error) {
      if (error instanceof DamageError) return false;
      throw error;
    }
  }

  /** @param bytes undefined where the length follows from the file alone: any will do */
  #data(id: BlobId, bytes?: number): boolean {
    const { marks } = this.#options;
    const known = marks.getMark(id, 'data');
    const found = known === 'broken' ? undefined : marks.bytesOf(id);
    const isWhole = found !== undefined && (bytes === undefined || found === bytes);
    if (isWhole) {
      if (known === 'unseen') marks.setMark(id, 'data', 'whole');
      return true;
    }
    if (known !== 'broken') {
      marks.setMark(id, 'data', 'broken');
      this.#report(id, 'data', missing(id, found, bytes));
    }
    return false;
  }

  /**
   * The lengths that another parent asks of a list seen before are not compared again: they can differ only in a repository
   * that was crafted, and restoring compares them.
   */
  #once(id: BlobId, role: BlobRole, follow: () => boolean): boolean {
    const { marks } = this.#options;
    const known = marks.getMark(id, role);
    if (known !== 'unseen') return known === 'whole';
    const isWhole = this.#try(id, role, follow);
    marks.setMark(id, role, isWhole ? 'whole' : 'broken');
    return isWhole;
  }

  #try(id: BlobId, role: BlobRole, follow: () => boolean): boolean {
    try {
      return follow();
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      this.#report(id, role, error);
      return false;
    }
  }

  #report(id: BlobId, role: BlobRole, error: DamageError): void {
    this.#options.onBroken?.(id, role, error);
  }
}

function missing(id: BlobId, found: number | undefined, wanted: number | undefined): DamageError {
  const detail = found === undefined ? 'no readable pack holds it' : `is ${found} bytes, want ${wanted}`;
  return new DamageError(`blob ${id.slice(0, 12)}`, detail);
}

function range(count: number): Iterable<number> {
  return Array.from({ length: count }).keys();
}

/** Like `every`, but goes on after the first that fails: all is to be marked. */
function all<T>(items: Iterable<T>, test: (item: T) => boolean): boolean {
  let isAll = true;
  for (const item of items) if (!test(item)) isAll = false;
  return isAll;
}
