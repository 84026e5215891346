/** Which names SQLite databases and their companions have. */
const databaseName = /\.(sqlite3?|db3?)$/i;
const sidecarSuffixes = ['-wal', '-shm', '-journal'] as const;
const sidecarName = /^([\s\S]+)(?:-wal|-shm|-journal)$/;

/** Whether the name alone makes a file a candidate. What it is, its header tells. */
export function isDatabaseName(name: string): boolean {
  return databaseName.test(name);
}

const anyDatabaseName = /\.(?:sqlite3?|db3?)(?:\/|$)/i;
const anySidecarName = /-(?:wal|shm|journal)(?:\/|$)/;

/** Of all names in a folder, with slashes between them: whether one of them may be that of a database. */
export function mayNameDatabase(names: string): boolean {
  return anyDatabaseName.test(names);
}

/** The same of a companion. */
export function mayNameSidecar(names: string): boolean {
  return anySidecarName.test(names);
}

export function sidecarsOf(name: string): readonly string[] {
  return sidecarSuffixes.map((suffix) => name + suffix);
}

/** `x.sqlite-wal` -> `x.sqlite`; undefined for a name that is not one of a sidecar. */
export function databaseOfSidecar(name: string): string | undefined {
  return sidecarName.exec(name)?.[1];
}

/** The first 16 bytes of every database. */
const header = Buffer.from('SQLite format 3\0', 'latin1');

export function isSqliteHeader(bytes: Uint8Array): boolean {
  if (bytes[0] !== header[0]) return false; // of most files that is all
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .subarray(0, header.length)
    .equals(header);
}

const superJournalMagic = Buffer.from('d9d505f920a163d7', 'hex');
/** The last bytes of a journal, which tell. */
export const journalEndBytes = superJournalMagic.length;

/**
 * Whether a rollback journal ends with the name of a super-journal, which ties transactions over several databases together:
 * many releases of SQLite delete the file of that name, whatever it is, when they recover the database.
 */
export function endsWithSuperJournal(end: Uint8Array): boolean {
  return superJournalMagic.equals(end.subarray(-journalEndBytes));
}
