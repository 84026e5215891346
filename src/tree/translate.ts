/**
 * A tree and all it refers to, copied from one store to another in which blobs have other ids: from a plain repository to an
 * encrypted one, or back. Contents stay what they are; what holds ids is written anew. What many snapshots share is copied once.
 */

import { decodeListNode, encodeMapInner, encodeMapLeaf, isLeaf, isListLeaf } from '../codec/map-codec.ts';
import { decodeNode, encodeNode } from '../codec/node-codec.ts';
import { asBuffer, type BlobId, blobIdFromBytes, idBytes, idToBytes } from '../model/ids.ts';
import type { BlobReader, BlobStore } from '../model/store.ts';
import type { Chunk, FileContent } from '../model/tree.ts';
import { ChunkListBuilder } from './chunk-list.ts';
import { readMapNode } from './map-reader.ts';
import { encodeLayer, readLayer, segmentsOfBase } from './page-map.ts';

export class TreeTranslator {
  readonly #from: BlobReader;
  readonly #to: BlobStore;
  readonly #onBytes: (bytes: number) => void;
  readonly #known = new Map<BlobId, BlobId>();

  constructor(from: BlobReader, to: BlobStore, onBytes: (bytes: number) => void) {
    this.#from = from;
    this.#to = to;
    this.#onBytes = onBytes;
  }

  /** The root in the other store. @throws DamageError when something of the tree cannot be read */
  tree(root: BlobId | null): BlobId | null {
    return root === null ? null : this.#map(root);
  }

  #once(id: BlobId, copy: () => BlobId): BlobId {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const copied = copy();
    this.#known.set(id, copied);
    return copied;
  }

  #map(id: BlobId): BlobId {
    return this.#once(id, () => {
      const node = readMapNode(this.#from, id);
      const bytes = isLeaf(node)
        ? encodeMapLeaf(
            node.keys,
            node.values.map((value) => this.#value(value)),
          )
        : encodeMapInner({ ...node, children: node.children.map((child) => this.#map(child)) });
      return this.#to.writeBlob('tree', bytes);
    });
  }

  #value(value: Uint8Array): Uint8Array {
    const node = decodeNode(value, 'entry');
    return node.type === 'file' ? encodeNode({ ...node, content: this.#content(node.content) }) : value;
  }

  #content(content: FileContent): FileContent {
    switch (content.kind) {
      case 'inline':
        return content;
      case 'blob':
        return { ...content, id: this.#data(content.id) };
      case 'chunks':
        return { ...content, chunks: content.chunks.map((chunk) => this.#chunk(chunk)) };
      case 'list':
        return { ...content, root: this.#list(content.root) };
      case 'pages':
        return {
          ...content,
          base: this.#base(content.base),
          layers: content.layers.map((layer) => this.#layer(layer)),
        };
    }
  }

  #chunk(chunk: Chunk): Chunk {
    return chunk.id === undefined ? chunk : { ...chunk, id: this.#data(chunk.id) };
  }

  /** Lists are cut by the ids in them: this one is built anew. */
  #list(root: BlobId): BlobId {
    return this.#once(root, () => {
      const list = new ChunkListBuilder(this.#to);
      for (const chunk of this.#chunks(root)) list.add(this.#chunk(chunk));
      return list.finish();
    });
  }

  *#chunks(id: BlobId): Generator<Chunk> {
    const node = decodeListNode(this.#from.readBlob(id), `chunk list ${id.slice(0, 12)}`);
    if (isListLeaf(node)) yield* node.chunks;
    else for (const child of node.children) yield* this.#chunks(child.id);
  }

  #base(id: BlobId): BlobId {
    return this.#once(id, () => {
      const segments = segmentsOfBase(this.#from, id).map((segment) => idToBytes(this.#segment(segment)));
      return this.#to.writeBlob('tree', Buffer.concat(segments));
    });
  }

  #segment(id: BlobId): BlobId {
    return this.#once(id, () => {
      const ids = asBuffer(this.#from.readBlob(id));
      const copied: Buffer[] = [];
      for (let at = 0; at + idBytes <= ids.length; at += idBytes)
        copied.push(idToBytes(this.#data(blobIdFromBytes(ids, at))));
      return this.#to.writeBlob('tree', Buffer.concat(copied));
    });
  }

  #layer(id: BlobId): BlobId {
    return this.#once(id, () => {
      const changes = readLayer(this.#from, id).map((change): [number, Buffer] => [
        change.unit,
        idToBytes(this.#data(blobIdFromBytes(change.id))),
      ]);
      return this.#to.writeBlob('tree', encodeLayer(new Map(changes)));
    });
  }

  #data(id: BlobId): BlobId {
    return this.#once(id, () => {
      const bytes = this.#from.readBlob(id);
      this.#onBytes(bytes.length);
      return this.#to.writeBlob('data', bytes);
    });
  }
}
