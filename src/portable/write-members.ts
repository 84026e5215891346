/** The members of an archive, in order: OpenClaw's manifest where the layout has one, every source's tree, our own file. */
import { createHash } from 'node:crypto';
import {
  type ByteString,
  baseName,
  byteStringOf,
  childKey,
  displayKey,
  keyComponents,
  keyOfPath,
  type PathKey,
  parentKey,
  pathOfKey,
  rootKey,
  textOf,
} from '../model/paths.ts';
import type { Progress } from '../model/progress.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { databaseOfSidecar, isDatabaseName } from '../model/sqlite-names.ts';
import type { ContentReader, TreeReader } from '../model/store.ts';
import type { FileNode, SymlinkNode, TreeEntry, TreeNode } from '../model/tree.ts';
import {
  type ArchiveLayout,
  archiveRootName,
  exuviaFilePath,
  homeExuviaFile,
  joinPath,
  overlap,
} from './layouts.ts';
import {
  formatManifest,
  type LeftOut,
  MemberList,
  type MemberRecord,
  type PlacedSource,
} from './write-manifest.ts';
import { tarNameOf } from './write-names.ts';
import type { TarWriter } from './write-tar.ts';

export interface ArchiveTarget {
  readonly snapshot: Snapshot;
  readonly layout: ArchiveLayout;
  readonly sources: readonly PlacedSource[];
}

const permissionBits = 0o777;
const ownFileMode = 0o600;

export class MemberWriter {
  readonly #tar: TarWriter;
  readonly #content: ContentReader;
  readonly #progress: Progress;
  readonly #members = new MemberList();
  readonly #leftOut: LeftOut[] = [];
  #owner: { readonly uid: number; readonly gid: number } | undefined;

  constructor(tar: TarWriter, content: ContentReader, progress: Progress) {
    this.#tar = tar;
    this.#content = content;
    this.#progress = progress;
  }

  get entries(): number {
    return this.#members.entries;
  }

  get leftOut(): readonly LeftOut[] {
    return this.#leftOut;
  }

  async writeAll(target: ArchiveTarget): Promise<void> {
    const { snapshot, layout, sources } = target;
    if (layout === 'openclaw') {
      const path = `${archiveRootName(snapshot.time)}/manifest.json`;
      await this.#addOwnFile(path, snapshot, Buffer.from(formatManifest(snapshot, sources)));
    }
    for (const [index, source] of sources.entries()) {
      await this.#addSource(source, sources.slice(0, index), layout);
    }
    const head = {
      layout,
      snapshot,
      places: placesInRecord(target),
      owner: this.#ownerOf(),
      leftOut: this.#leftOut,
    };
    await this.#addOwnFile(exuviaFilePath(layout, snapshot.time), snapshot, this.#members.finish(head));
  }

  async #addSource(
    placed: PlacedSource,
    earlier: readonly PlacedSource[],
    layout: ArchiveLayout,
  ): Promise<void> {
    const rivals = earlier.filter((other) => overlap(other.place, placed.place));
    for (const entry of placed.tree.entries()) {
      const path = memberPath(placed, entry.key);
      const reason = reasonToLeaveOut(placed, entry, path, layout) ?? coveredReason(path, rivals);
      if (reason === undefined) await this.#addMember(placed, entry, path);
      else this.#leftOut.push({ path: sourcePath(placed, entry.key), reason });
    }
  }

  async #addMember(placed: PlacedSource, { key, node }: TreeEntry, path: ByteString): Promise<void> {
    const { type, mode, mtimeNs } = node;
    const header = { path, type, mode: mode & permissionBits, mtimeNs };
    const record = this.#recordOf(path, node);
    if (node.type === 'file') {
      const content = new HashedContent(this.#content.readContent(node));
      await this.#tar.add({ ...header, size: node.size }, content.pieces());
      const more = { size: node.size, sha256: content.sha256(), ...fileExtras(placed, node) };
      this.#members.add({ ...record, ...more });
      this.#progress.advance({ files: 1, bytes: node.size, path: displayKey(key) });
    } else if (node.type === 'symlink') {
      await this.#tar.add({ ...header, size: 0, linkTarget: node.linkTarget });
      this.#members.add({ ...record, ...linkRecord(node) });
    } else {
      await this.#tar.add({ ...header, size: 0 });
      this.#members.add(record);
    }
  }

  #recordOf(path: ByteString, node: TreeNode): MemberRecord {
    const owner = this.#ownerOf(node);
    const { text, trueBytes } = tarNameOf(path);
    return {
      path: text,
      ...(trueBytes === undefined ? {} : { pathBytes: trueBytes }),
      type: node.type,
      ...(node.mode > permissionBits ? { mode: node.mode } : {}),
      ...(node.uid === owner.uid ? {} : { uid: node.uid }),
      ...(node.gid === owner.gid ? {} : { gid: node.gid }),
    };
  }

  /** The first member's owner: nearly always everybody's. */
  #ownerOf(node?: TreeNode): { readonly uid: number; readonly gid: number } {
    this.#owner ??= { uid: node?.uid ?? 0, gid: node?.gid ?? 0 };
    return this.#owner;
  }

  async #addOwnFile(path: string, snapshot: Snapshot, bytes: Buffer): Promise<void> {
    const mtimeNs = BigInt(Date.parse(snapshot.time)) * 1_000_000n;
    const header = { path: byteStringOf(path), type: 'file', mode: ownFileMode, mtimeNs } as const;
    await this.#tar.add({ ...header, size: bytes.length }, [bytes]);
  }
}

/** Passes pieces on and hashes them on the way. */
class HashedContent {
  readonly #source: Iterable<Uint8Array>;
  readonly #hash = createHash('sha256');

  constructor(source: Iterable<Uint8Array>) {
    this.#source = source;
  }

  *pieces(): Generator<Uint8Array> {
    for (const piece of this.#source) {
      this.#hash.update(piece);
      yield piece;
    }
  }

  sha256(): string {
    return this.#hash.digest('hex');
  }
}

/** `stable` is not said, it is what nearly every file is. */
function fileExtras(placed: PlacedSource, { state, hardLink }: FileNode): Partial<MemberRecord> {
  return {
    ...(state === 'stable' ? {} : { state }),
    ...(hardLink === undefined ? {} : { hardLink: tarNameOf(memberPath(placed, hardLink)).text }),
  };
}

function linkRecord({ linkTarget }: SymlinkNode): Partial<MemberRecord> {
  const { text, trueBytes } = tarNameOf(linkTarget);
  return { link: text, ...(trueBytes === undefined ? {} : { linkBytes: trueBytes }) };
}

function placesInRecord({ snapshot, sources }: ArchiveTarget): (string | null)[] {
  return snapshot.sources.map(({ kind, path, root }) => {
    const placed = sources.find(
      ({ source }) => source.path === path && source.kind === kind && source.root === root,
    );
    return placed === undefined || placed.empty ? null : tarNameOf(placed.place).text;
  });
}

function memberPath({ place }: PlacedSource, key: PathKey): ByteString {
  return joinPath(place, pathOfKey(key));
}

/** The path on the machine it came from, for people. */
function sourcePath({ source }: PlacedSource, key: PathKey): string {
  const separator = /^[A-Za-z]:\\|^\\\\/.test(source.path) ? '\\' : '/';
  return [source.path, ...keyComponents(key).map(textOf)].join(separator);
}

function reasonToLeaveOut(
  placed: PlacedSource,
  entry: TreeEntry,
  path: ByteString,
  layout: ArchiveLayout,
): string | undefined {
  if (layout === 'home') {
    return path === homeExuviaFile ? 'the archive has a file of its own under this name' : undefined;
  }
  return isSidecar(placed.tree, entry)
    ? 'OpenClaw refuses archives with -wal, -shm or -journal files'
    : undefined;
}

function isSidecar(tree: TreeReader, { key, node }: TreeEntry): boolean {
  const database = databaseOfSidecar(baseName(key));
  if (node.type !== 'file' || database === undefined) return false;
  if (isDatabaseName(database)) return true;
  const beside = tree.getEntry(childKey(parentKey(key) ?? rootKey, database as ByteString))?.node;
  return beside?.type === 'file' && (beside.state === 'captured' || beside.state === 'raw');
}

/** Sources may lie inside one another: what both hold is in the archive once, from the first. */
function coveredReason(path: ByteString, earlier: readonly PlacedSource[]): string | undefined {
  for (const { place, tree, source } of earlier) {
    const below = place === '' ? path : path === place ? '' : path.slice(place.length + 1);
    if (
      overlap(place, path) &&
      path.length >= place.length &&
      tree.getEntry(keyOfPath(below as ByteString))
    ) {
      return `it is in the archive as part of ${source.path}`;
    }
  }
  return undefined;
}
