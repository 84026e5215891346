/** Our own file in an archive: the snapshot's record, and for each member what tar cannot hold, with its SHA-256. */
import { countJsonValues } from '../codec/json-count.ts';
import { checkSnapshotRecord } from '../codec/snapshot-shape.ts';
import { ArchiveError } from '../model/errors.ts';
import { limits } from '../model/limits.ts';
import { type ByteString, textOf } from '../model/paths.ts';
import { arrayOf, type Check, isCount, isString, oneOf, orAbsent, orNull, shape } from '../model/shape.ts';
import type { FileState } from '../model/tree.ts';
import type { MemberRecord, OwnFileHead } from '../portable/write-own-file.ts';
import type { ArchiveContents } from './archive-contents.ts';

export interface ExuviaFile {
  readonly head: OwnFileHead;
  readonly members: ReadonlyMap<ByteString, MemberRecord>;
}

/** Whether a file of that name is really ours: the format is named near its beginning. */
export function isExuviaFile(bytes: Buffer): boolean {
  return bytes.subarray(0, 4096).includes('"format":"exuvia-archive"');
}

/** @throws ArchiveError when the archive does not hold exactly what the file says */
export function parseExuviaFile(bytes: Buffer, contents: ArchiveContents): ExuviaFile {
  const valuesMax = valuesFree + valuesOfMember * contents.members.length;
  if (countJsonValues(bytes, valuesMax) > valuesMax) {
    throw new ArchiveError('The archive is damaged: its list of members is longer than the archive');
  }
  const file = parse(bytes);
  const members = new Map(file.members.map((member) => [pathOf(member), member]));
  checkMembers(members, contents);
  return { head: file, members };
}

function parse(bytes: Buffer): OwnFileHead & { readonly members: readonly MemberRecord[] } {
  let value: OwnFileHead & { members: MemberRecord[] };
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new ArchiveError('The archive is damaged: its list of members is not JSON', { cause: error });
  }
  if (value?.format !== 'exuvia-archive' || !Array.isArray(value.members) || !Array.isArray(value.places)) {
    throw new ArchiveError('The archive is damaged: its list of members is not one of Exuvia');
  }
  if (value.version !== 1) {
    throw new ArchiveError(`The archive has version ${String(value.version)}, this program reads version 1`, {
      hint: 'Install a newer version of exuvia.',
    });
  }
  const snapshot = checkSnapshotRecord(value.snapshot, 'list of members in the archive');
  if (!isHead(value) || value.places.length > snapshot.sources.length) {
    throw new ArchiveError('The archive is damaged: its list of members has no valid head');
  }
  const wrong = value.members.findIndex((member) => !isMember(member));
  if (wrong >= 0)
    throw new ArchiveError(`The archive is damaged: member ${wrong + 1} of its list is not valid`);
  return value;
}

/** Of the head, and of each member: what a record of ours makes at most, with room to spare. */
const valuesFree = 100_000;
const valuesOfMember = 32;

const isOwner: Check = (value) => isCount(value) && (value as number) <= limits.ownerIdMax;
const modes = 0o7777;
const isMode: Check = (value) => isCount(value) && (value as number) <= modes;
const states: readonly FileState[] = ['stable', 'changed', 'captured', 'raw'];

const isHead = shape({
  places: arrayOf(orNull(isString)),
  owner: shape({ uid: isOwner, gid: isOwner }),
});

const isMember = shape({
  path: isString,
  pathBytes: orAbsent(isString),
  type: oneOf(['file', 'directory', 'symlink']),
  size: orAbsent(isCount),
  sha256: orAbsent(isString),
  mode: orAbsent(isMode),
  uid: orAbsent(isOwner),
  gid: orAbsent(isOwner),
  state: orAbsent(oneOf(states)),
  hardLink: orAbsent(isString),
  hardLinkBytes: orAbsent(isString),
});

function pathOf(member: MemberRecord): ByteString {
  if (member.pathBytes !== undefined)
    return Buffer.from(member.pathBytes, 'base64').toString('latin1') as ByteString;
  return Buffer.from(member.path, 'utf8').toString('latin1') as ByteString;
}

function checkMembers(members: ReadonlyMap<ByteString, MemberRecord>, contents: ArchiveContents): void {
  const found = new Set<ByteString>();
  for (const { path, node, sha256 } of contents.members) {
    if (contents.descriptions.has(path) && !members.has(path)) continue; // the list itself, and the manifest
    const listed = members.get(path);
    if (listed === undefined) throw damaged(path, 'it is not in the list of members');
    if (listed.type !== node.type || (node.type === 'file' && listed.sha256 !== sha256)) {
      throw damaged(path, 'its content is not what was archived');
    }
    found.add(path);
  }
  for (const [path, member] of members) {
    if (!found.has(path) && !isOwnFile(member)) throw damaged(path, 'it is missing');
  }
}

/** The manifest is listed too, and is not a member of any source. */
function isOwnFile(member: MemberRecord): boolean {
  return /^[^/]+\/manifest\.json$/.test(member.path);
}

function damaged(path: ByteString, detail: string): ArchiveError {
  return new ArchiveError(`The archive is damaged at ${textOf(path)}: ${detail}`);
}
