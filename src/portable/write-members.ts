/** The entries of an archive, in order: OpenClaw's manifest where the layout has one, every source's tree, our own file. */
import { createHash, type Hash, hash } from 'node:crypto';
import { batchesAhead } from '../model/batches.ts';
import { byteStringToBytes, isUtf8, textOf } from '../model/paths.ts';
import type { Progress } from '../model/progress.ts';
import type { ContentReader } from '../model/store.ts';
import type { FileNode, TreeNode } from '../model/tree.ts';
import { archiveRootName, exuviaFilePath } from './layouts.ts';
import { manifestName } from './manifest.ts';
import type { ArchivedLink } from './write-links.ts';
import { formatManifest, officialManifestBytesMax } from './write-manifest.ts';
import { type MemberRecord, OwnFile } from './write-own-file.ts';
import {
  type ArchivePlan,
  archivePathOf,
  type LeftOut,
  type PlannedMember,
  planMembers,
} from './write-plan.ts';
import type { TarWriter } from './write-tar.ts';

const permissionBits = 0o777;
const ownFileMode = 0o600;
const expectedMembers = 250;

export class MemberWriter {
  readonly #tar: TarWriter;
  readonly #content: ContentReader;
  readonly #progress: Progress;
  readonly #ownFile = new OwnFile();
  readonly #leftOut: LeftOut[] = [];
  #owner: { readonly uid: number; readonly gid: number } | undefined;

  constructor(tar: TarWriter, content: ContentReader, progress: Progress) {
    this.#tar = tar;
    this.#content = content;
    this.#progress = progress;
  }

  get entries(): number {
    return this.#ownFile.entries;
  }

  get leftOut(): readonly LeftOut[] {
    return this.#leftOut;
  }

  async writeAll(plan: ArchivePlan): Promise<void> {
    const { snapshot, layout } = plan;
    if (layout === 'openclaw') await this.#addManifest(plan);
    const members = planMembers(plan, (left) => this.#leftOut.push(left));
    for (const member of this.#expected(members)) await this.#addMember(member);
    const head = {
      layout,
      snapshot,
      places: placesInRecord(plan),
      owner: this.#ownerOf(),
      leftOut: this.#leftOut,
    };
    await this.#addText(exuviaFilePath(layout, snapshot.time), plan, this.#ownFile.finish(head));
  }

  /** The same members. What the next ones hold is told to the store, which reads it ahead. */
  *#expected(members: Iterable<PlannedMember>): Generator<PlannedMember> {
    const expect = (next: readonly PlannedMember[]): void => {
      const files = next.flatMap(({ node }) => (node.type === 'file' ? [node] : []));
      this.#content.expectContents?.(files);
    };
    for (const batch of batchesAhead(members, expectedMembers, expect)) yield* batch;
  }

  /** The manifest is first and lists links, so it costs a look at all names. */
  async #addManifest(plan: ArchivePlan): Promise<void> {
    const links: ArchivedLink[] = [];
    for (const { name, link } of planMembers(plan, () => {})) {
      if (link !== undefined) links.push({ entryPath: name.text, linkpath: link.text });
    }
    const bytes = Buffer.from(formatManifest(plan, links));
    if (bytes.length > officialManifestBytesMax) {
      this.#progress.warn(
        `OpenClaw will refuse this archive, Exuvia will not: its manifest has ${bytes.length} bytes, at most ${officialManifestBytesMax} are allowed, because many symbolic links lead out of the state folder`,
      );
    }
    await this.#addText(`${archiveRootName(plan.snapshot.time)}/${manifestName}`, plan, [bytes]);
  }

  async #addText(path: string, { snapshot }: ArchivePlan, pieces: readonly Buffer[]): Promise<void> {
    const mtimeNs = BigInt(Date.parse(snapshot.time)) * 1_000_000n;
    const header = { name: { text: path }, type: 'file', mode: ownFileMode, mtimeNs } as const;
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
    await this.#tar.add({ ...header, size }, pieces);
  }

  async #addMember(member: PlannedMember): Promise<void> {
    const { node, name, link } = member;
    const header = { name, type: node.type, mode: node.mode & permissionBits, mtimeNs: node.mtimeNs };
    const record = this.#recordOf(member);
    if (node.type === 'file') {
      const onBytes = (bytes: number): void => this.#progress.advance({ bytes });
      const content = new HashedContent(this.#content.readContent(node), node.size, onBytes);
      await this.#tar.add({ ...header, size: node.size }, content.pieces());
      this.#ownFile.add({
        ...record,
        size: node.size,
        sha256: content.sha256(),
        ...fileRecord(member, node),
      });
      this.#progress.advance({ files: 1 });
    } else if (link !== undefined) {
      await this.#tar.add({ ...header, size: 0, link });
      const linkBytes = link.trueBytes === undefined ? {} : { linkBytes: link.trueBytes };
      this.#ownFile.add({ ...record, link: link.text, ...linkBytes });
    } else {
      await this.#tar.add({ ...header, size: 0 });
      this.#ownFile.add(record);
    }
  }

  #recordOf({ name, node }: PlannedMember): MemberRecord {
    const owner = this.#ownerOf(node);
    return {
      path: name.text,
      ...(name.trueBytes === undefined ? {} : { pathBytes: name.trueBytes }),
      type: node.type,
      ...(node.mode > permissionBits ? { mode: node.mode } : {}),
      ...(node.uid === owner.uid ? {} : { uid: node.uid }),
      ...(node.gid === owner.gid ? {} : { gid: node.gid }),
    };
  }

  /** The first member's: nearly always everybody's. */
  #ownerOf(node?: TreeNode): { readonly uid: number; readonly gid: number } {
    this.#owner ??= { uid: node?.uid ?? 0, gid: node?.gid ?? 0 };
    return this.#owner;
  }
}

const toldBytesMin = 1024 * 1024;

/** Hashes pieces as they pass: one piece, which nearly every file is, in one call, in which setting up takes no time. */
class HashedContent {
  readonly #source: Iterable<Uint8Array>;
  readonly #size: number;
  readonly #onBytes: (bytes: number) => void;
  #whole: string | undefined;
  #hash: Hash | undefined;

  /** `onBytes` is told of bytes that have passed, about a mebibyte at once. */
  constructor(source: Iterable<Uint8Array>, size: number, onBytes: (bytes: number) => void) {
    this.#source = source;
    this.#size = size;
    this.#onBytes = onBytes;
  }

  *pieces(): Generator<Uint8Array> {
    let untold = 0;
    for (const piece of this.#source) {
      if (piece.length === this.#size) this.#whole = hash('sha256', piece);
      else {
        this.#hash ??= createHash('sha256');
        this.#hash.update(piece);
      }
      yield piece;
      untold += piece.length;
      if (untold < toldBytesMin) continue;
      this.#onBytes(untold);
      untold = 0;
    }
    this.#onBytes(untold);
  }

  sha256(): string {
    return this.#whole ?? (this.#hash ?? createHash('sha256')).digest('hex');
  }
}

function fileRecord({ placed }: PlannedMember, { state, hardLink }: FileNode): Partial<MemberRecord> {
  const stateRecord = state === 'stable' ? {} : { state };
  if (hardLink === undefined) return stateRecord;
  const path = archivePathOf(placed, hardLink);
  const bytes = isUtf8(path) ? {} : { hardLinkBytes: byteStringToBytes(path).toString('base64') };
  return { ...stateRecord, hardLink: textOf(path), ...bytes };
}

function placesInRecord({ snapshot, sources }: ArchivePlan): (string | null)[] {
  return snapshot.sources.map(({ kind, path, root }) => {
    const placed = sources.find(
      ({ source }) => source.path === path && source.kind === kind && source.root === root,
    );
    return placed === undefined || placed.empty ? null : textOf(placed.place);
  });
}
