import { errnoOf, messageOf } from '../model/errors.ts';

/**
 * Why one attempt did not give a copy.
 * - `busy`: another process holds the locks, or kept writing.
 * - `unopenable`: SQLite cannot read it where it is, without writing to it.
 * - `broken`: what was read is not a sound database.
 * - `no-database`: begins like one, and is not: encrypted.
 * - `final`: no other way would do better (no space, no permission, gone).
 */
export type RefusalKind = 'busy' | 'unopenable' | 'broken' | 'no-database' | 'final';

export class Refusal extends Error {
  readonly kind: RefusalKind;

  constructor(kind: RefusalKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

const kindOfSqlite: readonly (readonly [prefix: string, kind: RefusalKind])[] = [
  ['SQLITE_BUSY', 'busy'],
  ['SQLITE_LOCKED', 'busy'],
  ['SQLITE_PROTOCOL', 'busy'],
  ['SQLITE_READONLY', 'unopenable'], // a hot journal, or a log that needs recovery in a folder we may not write to
  ['SQLITE_CANTOPEN', 'unopenable'],
  ['SQLITE_NOTADB', 'no-database'],
  ['SQLITE_FULL', 'final'],
];

/** What an error of SQLite or of the operating system means for the capture. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const code = codeOf(error);
  if (code.startsWith('SQLITE_')) {
    const kind = kindOfSqlite.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 'broken';
    return new Refusal(kind, code === 'SQLITE_FULL' ? noSpace : `${messageOf(error)} (${code})`, error);
  }
  const errno = errnoOf(error);
  if (errno === 'EBUSY') return new Refusal('busy', messageOf(error), error); // Windows, of bytes that another process has locked
  const message = errno === 'ENOSPC' || errno === 'EDQUOT' ? noSpace : messageOf(error);
  return new Refusal('final', message, error);
}

const noSpace = 'no space left for a copy of it in the staging folder (ENOSPC)';

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : '';
}
