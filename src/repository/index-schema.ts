/**
 * The index: where each blob is, which snapshots there are, and what this machine knows of the files it has seen. All of
 * it can be rebuilt from packs and snapshots, and is whenever it is missing, damaged, of another version or from
 * another place.
 */

import { existsSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { hashBytes } from '../codec/hash.ts';
import { repositoryIdPattern } from '../codec/parameters.ts';
import { removeFile, removeStranger } from '../io/files.ts';
import { DamageError } from '../model/errors.ts';
import {
  type Database,
  isBrokenDatabase,
  namedError,
  openDatabase,
  openPrivateDatabase,
  type Statement,
  sqliteCodeOf,
} from './database.ts';

const schemaVersion = 15;
const applicationId = 0x45585556; // 'EXUV'

// Rows that are believed without a look at the packs carry a checksum: SQLite has none, and disks rot.
const schema = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE pack (no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, bytes INTEGER NOT NULL) STRICT;
  -- Dropping a pack drops its frames and blobs; the index on pack keeps that quick.
  CREATE TABLE frame (
    no INTEGER PRIMARY KEY, pack INTEGER NOT NULL, kind INTEGER NOT NULL,
    offset INTEGER NOT NULL, bytes INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX frame_pack ON frame (pack);
  -- Every copy that any pack holds: two backups at once may store the same blob. The newest frame is where it is read.
  CREATE TABLE blob (
    id BLOB NOT NULL, frame INTEGER NOT NULL, position INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (id, frame)
  ) STRICT, WITHOUT ROWID;
  -- Frames whose bytes are known to be wrong: their blobs are not in the index, so that they are stored again.
  CREATE TABLE bad_frame (
    pack BLOB NOT NULL, offset INTEGER NOT NULL, message TEXT NOT NULL, PRIMARY KEY (pack, offset)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE snapshot (
    id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, sequence INTEGER NOT NULL, paths TEXT NOT NULL, replaces BLOB,
    head TEXT NOT NULL, head_crc INTEGER NOT NULL, shared INTEGER NOT NULL, record TEXT NOT NULL, crc INTEGER NOT NULL
  ) STRICT;
  -- What many of them have in common; see snapshot-rows.ts.
  CREATE TABLE snapshot_shared (
    no INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX snapshot_paths ON snapshot (paths, sequence);
  -- Not of a part of the rows: SQLite checks the integrity of whole indexes only.
  CREATE INDEX snapshot_replaces ON snapshot (replaces);
  -- Files as they were seen last, in blocks; see file-cache.ts.
  CREATE TABLE known_block (
    no INTEGER PRIMARY KEY, source BLOB NOT NULL, head BLOB NOT NULL, rows BLOB NOT NULL
  ) STRICT;
  CREATE INDEX known_block_source ON known_block (source);
  -- Of the blocks of databases; see known-digests.ts.
  CREATE TABLE known_digests (no INTEGER PRIMARY KEY, content BLOB NOT NULL UNIQUE, digests BLOB NOT NULL) STRICT;
  -- Leaves of each source's tree as it was built last; see known-leaves.ts.
  CREATE TABLE known_leaves (source BLOB PRIMARY KEY, leaves BLOB NOT NULL) STRICT, WITHOUT ROWID;
`;

export interface IndexOptions {
  readonly repositoryId: string;
  readonly isSealed: boolean;
  readonly nowMs: number;
}

/** Opens the index of a repository, made anew where it cannot be trusted. @throws DamageError for one that was encrypted and is not */
export function openIndexDatabase(path: string, options: IndexOptions): Database {
  try {
    return openVerified(path, options);
  } catch (error) {
    if (!isBrokenDatabase(error) && !removeStranger(path)) throw namedError(path, error);
    removeIndex(path);
    return openTrusted(path, options);
  }
}

/** Disks rot: what SQLite can see of that is looked for, in a large index once a day. */
function openVerified(path: string, options: IndexOptions): Database {
  const database = openTrusted(path, options);
  try {
    checkIntegrity(database, path, options.nowMs);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function checkIntegrity(database: Database, path: string, nowMs: number): void {
  const isSmall = statSync(path).size <= quickToCheckBytes;
  const day = String(Math.floor(nowMs / 86_400_000));
  const checked = database.prepare("SELECT value FROM meta WHERE name = 'checked'").pluck();
  if (!isSmall && checked.get() === day) return;
  const found = database.pragma('integrity_check(1)', { simple: true });
  if (found !== 'ok') throw Object.assign(new Error(String(found)), { code: 'SQLITE_CORRUPT' });
  if (!isSmall) noteCheck(database, day);
}

/** 3 ms, measured on a repository of 15,000 files. */
const quickToCheckBytes = 3_000_000;

function noteCheck(database: Database, day: string): void {
  try {
    database.prepare("INSERT OR REPLACE INTO meta (name, value) VALUES ('checked', ?)").run(day);
  } catch (error) {
    if (sqliteCodeOf(error) === undefined || isBrokenDatabase(error)) throw error;
    // The disk is full, or another process is writing: it is checked once more next time.
  }
}

/** Reads what is another one each time that the index is made anew. */
export function prepareGeneration(database: Database): Statement {
  return database.prepare("SELECT value FROM meta WHERE name = 'generation'").pluck();
}

/** An index in memory, for a repository that cannot be written to. */
export function openMemoryIndex(options: Omit<IndexOptions, 'nowMs'>): Database {
  const database = openDatabase(':memory:');
  createSchema(database, options, 'memory');
  return database;
}

export function removeIndex(path: string): void {
  for (const name of [`${path}-wal`, `${path}-shm`, `${path}-journal`, path]) removeFile(name);
}

function openTrusted(path: string, options: IndexOptions): Database {
  const database = openPrivateDatabase(path, { timeout: 30_000 });
  try {
    // A rollback journal, not WAL: reading needs no file of its own, so that it works on a full disk. Transactions are
    // short, and readers wait for them.
    database.pragma('journal_mode = DELETE');
    // A row must never outlive, in a power cut, the order it was written in: it promises that a blob is there.
    database.pragma('synchronous = FULL');
    database.pragma('cache_size = -16000'); // 16 MB: look-ups of a large repository stay in memory, ours does not grow
    const place = placeOf(path);
    if (!isTrusted(database, options, place)) {
      database
        .transaction(() => {
          if (isTrusted(database, options, place)) return; // another process was quicker
          if (!options.isSealed) refuseDowngrade(database, place, path);
          dropAll(database);
          createSchema(database, options, place);
        })
        .immediate();
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The repository that an index of this place belongs to; undefined without one that can be read. */
export function idOfIndex(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const database = openDatabase(path, { readonly: true });
    try {
      const id = database.prepare("SELECT value FROM meta WHERE name = 'repository'").pluck().get();
      const isOurs = typeof id === 'string' && repositoryIdPattern.test(id);
      const options = { repositoryId: String(id), isSealed: false };
      return isOurs && isTrusted(database, options, placeOf(path)) ? id : undefined;
    } finally {
      database.close();
    }
  } catch (error) {
    if (sqliteCodeOf(error) === undefined) throw error;
    return undefined; // it is made anew when it is opened
  }
}

/**
 * What ties an index to where it is: a copy made by rclone or cp while we wrote may be torn in a way that SQLite cannot
 * see, and a row that promises a blob which is not there would lose data. A copy has another inode.
 */
function placeOf(path: string): string {
  const name = Buffer.from(`${hostname()}:${statSync(path).ino}`);
  return Buffer.from(hashBytes(name)).toString('hex', 0, 16);
}

/**
 * An index of this very place that was of an encrypted repository: somebody has put another, unencrypted repository where it
 * was, so that the next backup can be read.
 */
function refuseDowngrade(database: Database, place: string, path: string): void {
  if (!hasOurSchema(database)) return;
  const meta = readMeta(database);
  if (meta.get('sealed') !== 'yes' || meta.get('place') !== place) return;
  throw new DamageError(
    dirname(dirname(path)),
    'the repository was encrypted, and what is there now is not',
    undefined,
    `If you have replaced it yourself, delete ${dirname(path)}.`,
  );
}

function readMeta(database: Database): Map<string, string> {
  const rows = database.prepare('SELECT name, value FROM meta').all() as { name: string; value: string }[];
  return new Map(rows.map((row) => [row.name, row.value]));
}

function isTrusted(
  database: Database,
  { repositoryId, isSealed }: Pick<IndexOptions, 'repositoryId' | 'isSealed'>,
  place: string,
): boolean {
  if (database.pragma('application_id', { simple: true }) !== applicationId) return false;
  if (database.pragma('user_version', { simple: true }) !== schemaVersion) return false;
  if (!hasOurSchema(database)) return false;
  const meta = readMeta(database);
  const isOf = meta.get('repository') === repositoryId && meta.get('sealed') === sealedText(isSealed);
  return isOf && meta.get('place') === place;
}

/** SQLite keeps the statements as they were written: a name in which a bit has changed is another. */
function hasOurSchema(database: Database): boolean {
  const statements = database.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL').pluck().all();
  const isOurs = statements.every((sql) => schema.includes(`${sql};`));
  return isOurs && statements.length === schema.split('CREATE ').length - 1;
}

function dropAll(database: Database): void {
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all() as { name: string }[];
  for (const { name } of tables) database.exec(`DROP TABLE "${name.replaceAll('"', '""')}"`);
}

function sealedText(isSealed: boolean): string {
  return isSealed ? 'yes' : 'no';
}

function createSchema(
  database: Database,
  { repositoryId, isSealed }: Pick<IndexOptions, 'repositoryId' | 'isSealed'>,
  place: string,
): void {
  database.exec(schema);
  const insert = database.prepare('INSERT INTO meta (name, value) VALUES (?, ?)');
  insert.run('repository', repositoryId);
  insert.run('sealed', sealedText(isSealed));
  insert.run('place', place);
  database.pragma(`application_id = ${applicationId}`);
  database.pragma(`user_version = ${schemaVersion}`);
}
