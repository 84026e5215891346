/**
 * What differs between two versions of a file, each kind of content in its own way. Time and memory are bounded for any
 * content, damaged or hostile; what cannot be compared gives a note that says why. What the versions hold is passed on as it
 * is, escape sequences too: who prints it makes them harmless.
 */
import { DamageError } from '../model/errors.ts';
import type { ContentDiff, DiffNote, FileVersion, SqliteDiff } from './content-diff.ts';
import { type ContentKind, kindOf } from './content-kind.ts';
import { diffBinary, headOf } from './diff-binary.ts';
import { diffJson } from './diff-json.ts';
import { diffRecords } from './diff-records.ts';
import { diffText, type TextDiffOptions } from './diff-text.ts';

export interface ContentDiffOptions extends TextDiffOptions {
  readonly diffSqlite: (
    before: FileVersion | undefined,
    after: FileVersion | undefined,
  ) => SqliteDiff | DiffNote;
}

/** Of one version; a text takes up to twice as much in memory, and its lines as much again. */
const textBytesMax = 16 * 1024 * 1024;

/** `undefined` for a version that is not there; then all of the other is what differs. */
export function diffContent(
  before: FileVersion | undefined,
  after: FileVersion | undefined,
  options: ContentDiffOptions,
): ContentDiff {
  try {
    const kind = commonKind(before, after);
    if (kind === 'sqlite') return options.diffSqlite(before, after);
    if (kind === 'records') return diffRecords(before, after);
    return kind === 'binary' ? diffBinary(before, after) : diffAsText(kind, before, after, options);
  } catch (error) {
    if (error instanceof DamageError) return { kind: 'note', message: error.message };
    throw error;
  }
}

/** A version without content is of the other's kind. */
function commonKind(before: FileVersion | undefined, after: FileVersion | undefined): ContentKind {
  const kinds = [before, after]
    .filter((version) => version !== undefined && version.bytes > 0)
    .map((version) => kindOf(version?.path ?? '', version === undefined ? noBytes : headOf(version)));
  const [one = 'text', other = one] = kinds;
  if (one === other) return one;
  return isReadable(one) && isReadable(other) ? 'text' : 'binary';
}

const noBytes = new Uint8Array();

function isReadable(kind: ContentKind): boolean {
  return kind === 'text' || kind === 'json' || kind === 'records';
}

function diffAsText(
  kind: 'json' | 'text',
  before: FileVersion | undefined,
  after: FileVersion | undefined,
  options: TextDiffOptions,
): ContentDiff {
  const most = Math.max(before?.bytes ?? 0, after?.bytes ?? 0);
  if (most > textBytesMax) {
    const sizes = `${before?.bytes ?? 0} and ${after?.bytes ?? 0} bytes`;
    return { kind: 'note', message: `too long to be compared (${sizes}, at most ${textBytesMax})` };
  }
  const old = before === undefined ? undefined : readText(before);
  const now = after === undefined ? undefined : readText(after);
  if (old === notText || now === notText) return diffBinary(before, after);
  const diff = kind === 'json' ? diffJson(old, now) : undefined;
  return diff?.kind === 'json' ? diff : diffText(old ?? '', now ?? '', options);
}

const notText = Symbol('not a text');

/** All of it must be UTF-8: the first bytes may have been so by chance. @throws DamageError */
function readText(version: FileVersion): string | typeof notText {
  const bytes = Buffer.alloc(version.bytes);
  let filled = 0;
  for (const piece of version.read()) {
    bytes.set(piece.subarray(0, bytes.length - filled), filled);
    filled = Math.min(bytes.length, filled + piece.length);
  }
  if (bytes.includes(0)) return notText;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, filled));
  } catch {
    return notText;
  }
}
