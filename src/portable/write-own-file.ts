/**
 * Our own file in an archive: the snapshot's record, which makes an import lossless, and for each member its SHA-256 and what tar
 * cannot hold. It is the last entry, so an archive that has it is whole.
 */
import type { Snapshot } from '../model/snapshot.ts';
import type { FileState } from '../model/tree.ts';
import type { ArchiveLayout } from './layouts.ts';
import type { LeftOut } from './write-plan.ts';

export interface MemberRecord {
  /** As in the tar header, without a slash at its end; '' is the top of the archive. */
  readonly path: string;
  /** Base64 of the true bytes of the path, only where they are not those of `path`. */
  readonly pathBytes?: string;
  readonly type: 'file' | 'directory' | 'symlink';
  /** Files: bytes of content, and their SHA-256 in hex. */
  readonly size?: number;
  readonly sha256?: string;
  /** Symbolic links: the target; `linkBytes` as `pathBytes`. */
  readonly link?: string;
  readonly linkBytes?: string;
  /** All permission bits, only where some are above 0o777. */
  readonly mode?: number;
  /** Only where they are not those of `owner`. */
  readonly uid?: number;
  readonly gid?: number;
  /** Only where it is not `stable`. */
  readonly state?: FileState;
  /** Files that were hard links: the true path of the first of them, its own for the first. Each is in the archive in full. */
  readonly hardLink?: string;
  readonly hardLinkBytes?: string;
}

/** Everything in the file but the members. */
export interface OwnFileHead {
  readonly format: 'exuvia-archive';
  readonly version: 1;
  readonly layout: ArchiveLayout;
  readonly snapshot: Snapshot;
  /** Where each of the snapshot's sources is in the archive, in order; null where nothing of it is. */
  readonly places: readonly (string | null)[];
  /** User and group of the members that name none. */
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly leftOut: readonly LeftOut[];
  /** How many members follow. */
  readonly entries: number;
}

const chunkChars = 256 * 1024;

/**
 * Collects the members and gives the file's text. It is one JSON object, laid out to be read a line at a time: the first line
 * is the head, ending with `"members":[`; then one member a line, with a comma after all but the last; the last line is `]}`.
 */
export class OwnFile {
  readonly #chunks: Buffer[] = [];
  #lines: string[] = [];
  #lineChars = 0;
  #entries = 0;

  get entries(): number {
    return this.#entries;
  }

  add(member: MemberRecord): void {
    const line = `${this.#entries === 0 ? '' : ',\n'}${JSON.stringify(member)}`;
    this.#entries++;
    this.#lines.push(line);
    this.#lineChars += line.length;
    if (this.#lineChars > chunkChars) this.#pack();
  }

  /** The text, in pieces: with hundreds of thousands of members it is tens of megabytes. */
  finish(head: Omit<OwnFileHead, 'format' | 'version' | 'entries'>): readonly Buffer[] {
    this.#pack();
    const full: OwnFileHead = { format: 'exuvia-archive', version: 1, ...head, entries: this.#entries };
    const first = `${JSON.stringify(inKeyOrder(full)).slice(0, -1)},"members":[\n`;
    return [Buffer.from(first), ...this.#chunks, Buffer.from('\n]}\n')];
  }

  /** Bytes take less than half the memory of lines in an array, and hundreds of thousands of members are normal. */
  #pack(): void {
    this.#chunks.push(Buffer.from(this.#lines.join('')));
    this.#lines = [];
    this.#lineChars = 0;
  }
}

/** The value with the keys of all objects in order: how a record came into memory must not show in the archive. */
function inKeyOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inKeyOrder);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, inKeyOrder(inner)]));
}
