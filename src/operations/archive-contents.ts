/** One pass over an archive: contents into the store, names and what describes the archive into memory. */
import { importContent } from '../archiver/import-content.ts';
import { nodeCrypto } from '../codec/node-crypto.ts';
import { ArchiveError, InterruptedError } from '../model/errors.ts';
import { type ByteString, textOf } from '../model/paths.ts';
import { endsWithSuperJournal, journalEndBytes } from '../model/sqlite-names.ts';
import type { BlobStore } from '../model/store.ts';
import type { FileNode, TreeNode } from '../model/tree.ts';
import { type ArchiveEntry, openArchive } from '../portable/archive-reader.ts';
import { displayName } from '../portable/entry-rules.ts';
import type { Environment } from './environment.ts';
import { archiveKeys } from './key-source.ts';

export interface ArchiveMember {
  readonly path: ByteString;
  readonly node: TreeNode;
  /** Files only, hex. */
  readonly sha256?: string;
  /** For a hard link: the member it is a link to. */
  readonly linkOf?: ByteString;
}

export interface ArchiveContents {
  readonly members: readonly ArchiveMember[];
  /** Bytes of the files that may describe the archive, by path. */
  readonly descriptions: ReadonlyMap<string, Buffer>;
  readonly bytes: number;
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

const descriptionName = /^([^/]+\/(manifest|exuvia)\.json|\.exuvia-archive\.json)$/;
/** Of all of them: any folder at the top may have a file of that name. */
const descriptionBytesMax = 256 * 1024 * 1024;

export async function readArchive(
  path: string,
  blobs: BlobStore,
  environment: Environment,
): Promise<ArchiveContents> {
  await using reader = await openArchive(path, {}, (place) => archiveKeys(environment, place));
  const members: ArchiveMember[] = [];
  const files = new Map<ByteString, ArchiveMember>();
  const descriptions = new Map<string, Buffer>();
  let bytes = 0;
  let describedBytes = 0;
  let toldBytes = 0;
  const tell = (files: number): void => {
    const { packedBytes } = reader;
    environment.progress.advance({ files, bytes: packedBytes - toldBytes });
    toldBytes = packedBytes;
  };
  const onPiece = (): void => {
    mustGoOn(environment);
    tell(0);
  };
  for await (const { entry, content } of reader.entries()) {
    mustGoOn(environment);
    bytes += entry.size;
    // What may describe the archive is a member like any other: in a plain archive it is a file of the user's.
    const description =
      mayDescribe(entry) && describedBytes + entry.size <= descriptionBytesMax
        ? await readDescription(content)
        : undefined;
    if (description !== undefined) {
      descriptions.set(entry.path, description);
      describedBytes += description.length;
    }
    const bytesOf = description === undefined ? content : once(description);
    const member = await readMember(entry, bytesOf, { blobs, files, onPiece });
    if (member.node.type === 'file') files.set(member.path, member);
    members.push(member);
    tell(1);
  }
  return { members, descriptions, bytes, skipped: reader.skipped };
}

function mayDescribe(entry: ArchiveEntry): boolean {
  return entry.type === 'file' && descriptionName.test(entry.path);
}

async function readDescription(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

interface MemberContext {
  readonly blobs: BlobStore;
  readonly files: ReadonlyMap<ByteString, ArchiveMember>;
  /** Called for each piece of a member. */
  readonly onPiece: () => void;
}

async function readMember(
  entry: ArchiveEntry,
  content: AsyncIterable<Uint8Array>,
  { blobs, files, onPiece }: MemberContext,
): Promise<ArchiveMember> {
  const common = { mode: entry.mode, uid: entry.uid ?? 0, gid: entry.gid ?? 0, mtimeNs: entry.mtimeNs };
  switch (entry.type) {
    case 'directory':
      return { path: entry.path, node: { type: 'directory', ...common } };
    case 'symlink':
      return { path: entry.path, node: { type: 'symlink', ...common, linkTarget: mustGetLink(entry) } };
    case 'hardlink':
      return hardLinkMember(entry, files);
    case 'file': {
      const hash = nodeCrypto().createHash('sha256');
      const end = new LastBytes();
      const watching = watched(content, hash, end, { update: onPiece });
      const stored = await importContent(blobs, watching, entry.size);
      if (entry.path.endsWith('-journal') && endsWithSuperJournal(end.bytes)) {
        throw new ArchiveError(
          `Cannot read the archive: entry ${displayName(entry.path)} is refused: whoever opens its database would delete the file that this journal names`,
        );
      }
      const state = stored.isDatabase ? 'captured' : 'stable';
      const node: FileNode = { type: 'file', ...common, size: stored.size, content: stored.content, state };
      return { path: entry.path, node, sha256: hash.digest('hex') };
    }
  }
}

function mustGoOn({ signal }: Environment): void {
  if (signal?.aborted) throw new InterruptedError();
}

interface Watcher {
  update(bytes: Uint8Array): unknown;
}

async function* watched(
  content: AsyncIterable<Uint8Array>,
  ...watchers: readonly Watcher[]
): AsyncGenerator<Uint8Array> {
  for await (const piece of content) {
    for (const watcher of watchers) watcher.update(piece);
    yield piece;
  }
}

class LastBytes implements Watcher {
  bytes: Uint8Array = new Uint8Array(0);

  update(piece: Uint8Array): void {
    const end = piece.subarray(-journalEndBytes);
    this.bytes =
      end.length === journalEndBytes
        ? Uint8Array.from(end)
        : Buffer.concat([this.bytes, end]).subarray(-journalEndBytes);
  }
}

function hardLinkMember(entry: ArchiveEntry, files: ReadonlyMap<ByteString, ArchiveMember>): ArchiveMember {
  const target = mustGetLink(entry);
  const first = files.get(target);
  if (first === undefined) {
    throw new ArchiveError(
      `${textOf(entry.path)} is a hard link to ${textOf(target)}, which is not in the archive`,
    );
  }
  return { ...first, path: entry.path, linkOf: target };
}

function mustGetLink(entry: ArchiveEntry): ByteString {
  if (entry.linkTarget === undefined) throw new ArchiveError(`${textOf(entry.path)} is a link to nothing`);
  return entry.linkTarget;
}
