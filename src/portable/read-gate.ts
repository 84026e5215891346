/** The gate that every entry of every kind of archive goes through before anyone sees it. */
import { limits } from '../model/limits.ts';
import { type ByteString, textOf } from '../model/paths.ts';
import type { ArchiveLimits } from './archive-limits.ts';
import { EntryRegister, linkTargetProblem, normalizeEntryPath, pathProblem } from './entry-rules.ts';
import { overLimit, refusedEntry } from './read-errors.ts';
import type { ArchiveEntry, SkippedEntry } from './read-types.ts';

export interface RawEntry {
  /** As the archive has it. */
  readonly path: ByteString;
  readonly type: ArchiveEntry['type'] | 'special';
  /** For `special`: what it is, for people. */
  readonly special?: string;
  /** Undefined where the archive does not say. */
  readonly mode: number | undefined;
  readonly mtimeNs: bigint;
  readonly size: number;
  readonly linkTarget?: ByteString;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

const privateFileMode = 0o600;
const privateFolderMode = 0o700;
const permissionBits = 0o777;

const timeNsMax = 2n ** 63n - 1n;

export class EntryGate {
  readonly skipped: SkippedEntry[] = [];
  readonly #archive: string;
  readonly #limits: ArchiveLimits;
  readonly #register = new EntryRegister();
  #entries = 0;
  #namesBytes = 0;

  constructor(archive: string, limits: ArchiveLimits) {
    this.#archive = archive;
    this.#limits = limits;
  }

  /** Entries of any kind so far, the top folder itself included. */
  get entriesCount(): number {
    return this.#entries;
  }

  /**
   * The checked entry; undefined for one that is passed over: what has no content to keep (listed in `skipped`) and the
   * top folder itself.
   * @throws ArchiveError for an entry that is refused
   */
  admit(raw: RawEntry): ArchiveEntry | undefined {
    this.#entries++;
    const path = normalizeEntryPath(raw.path);
    const isTop = path === '' && raw.path !== '' && raw.type === 'directory';
    this.#refuseIf(raw, (isTop ? undefined : pathProblem(path, this.#limits)) ?? contentProblem(raw));
    if (isTop) return undefined;
    if (raw.type === 'special') return this.#skip(raw, path);
    const target = this.#registered(raw, path, raw.type);
    this.#refuseTooMuch(path, target);
    return {
      path,
      type: raw.type,
      mode: raw.mode === undefined ? privateMode(raw.type) : raw.mode & permissionBits,
      mtimeNs: raw.mtimeNs,
      size: raw.size,
      ...(target === undefined ? {} : { linkTarget: target }),
      ...(isOwner(raw.uid) ? { uid: raw.uid } : {}),
      ...(isOwner(raw.gid) ? { gid: raw.gid } : {}),
    };
  }

  #refuseTooMuch(path: ByteString, target: ByteString | undefined): void {
    const { entriesMax, namesBytesMax } = this.#limits;
    this.#namesBytes += path.length + (target?.length ?? 0);
    if (this.#register.size > entriesMax) {
      throw overLimit(this.#archive, 'it holds too many entries and folders', 'entriesMax', entriesMax);
    }
    if (this.#namesBytes > namesBytesMax) {
      throw overLimit(this.#archive, 'its names are too long in all', 'namesBytesMax', namesBytesMax);
    }
  }

  /** Takes the path; the answer is the link's target. */
  #registered(raw: RawEntry, path: ByteString, type: ArchiveEntry['type']): ByteString | undefined {
    const target = raw.linkTarget ?? ('' as ByteString);
    if (type === 'hardlink') return this.#registeredHardLink(raw, path, target);
    this.#refuseIf(raw, this.#register.add(path, type));
    if (type !== 'symlink') return undefined;
    this.#refuseIf(raw, linkTargetProblem(target, this.#limits));
    return target;
  }

  #registeredHardLink(raw: RawEntry, path: ByteString, rawTarget: ByteString): ByteString {
    const target = normalizeEntryPath(rawTarget);
    const problem = pathProblem(target, this.#limits);
    if (problem !== undefined) this.#refuse(raw, `it is a hard link to a path outside: ${problem}`);
    const link = this.#register.addHardLink(path, target);
    if ('problem' in link) return this.#refuse(raw, link.problem);
    return link.original;
  }

  #skip(raw: RawEntry, path: ByteString): undefined {
    this.#refuseIf(raw, this.#register.add(path, 'special'));
    this.#refuseTooMuch(path, undefined);
    this.skipped.push({ path: textOf(path), reason: raw.special ?? 'not a file' });
  }

  #refuseIf(raw: RawEntry, problem: string | undefined): void {
    if (problem !== undefined) this.#refuse(raw, problem);
  }

  #refuse(raw: RawEntry, problem: string): never {
    throw refusedEntry(this.#archive, raw.path, problem);
  }
}

function contentProblem(raw: RawEntry): string | undefined {
  if (raw.type !== 'file' && raw.size !== 0) return 'it has content, which only a file can have';
  if (raw.mtimeNs > timeNsMax || raw.mtimeNs < -timeNsMax) return 'its modification time is out of range';
  return undefined;
}

/** What no system can have is left out, as in an archive that says nothing of owners. */
function isOwner(id: number | undefined): id is number {
  return id !== undefined && id <= limits.ownerIdMax;
}

function privateMode(type: ArchiveEntry['type']): number {
  return type === 'directory' ? privateFolderMode : privateFileMode;
}
