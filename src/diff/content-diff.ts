/**
 * What differs between two versions of one file, by kind of content. Data only: who prints it decides how much to show, and
 * masks what is secret (each value that may be one carries where it was found).
 */

import type { RecordDescription } from './describe-record.ts';

/** A version of a file. Read on demand: most comparisons look at neither whole. */
export interface FileVersion {
  /** Path relative to its source, with slashes. */
  readonly path: string;
  readonly bytes: number;
  /** In order, in pieces that are valid until the next one is asked for. @throws DamageError */
  read(): Iterable<Uint8Array>;
  /** A database's pages, in units of so many bytes, where it is stored so. */
  readonly units?: {
    readonly unitBytes: number;
    /** 32 bytes for each unit, alike for units of the same content. */
    readonly ids: Buffer;
    /** @throws DamageError */
    read(unit: number): Uint8Array;
  };
}

export type ContentDiff = TextDiff | JsonDiff | RecordsDiff | SqliteDiff | BinaryDiff | DiffNote;

/** Unified hunks, with the words that differ marked where a line has its counterpart. */
export interface TextDiff {
  readonly kind: 'text';
  readonly addedLines: number;
  readonly removedLines: number;
  readonly hunks: readonly TextHunk[];
  /** Hunks left out because there are too many. */
  readonly moreHunks: number;
}

export interface TextHunk {
  /** From 1; 0 where a side has no lines. */
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  readonly lines: readonly TextLine[];
}

export interface TextLine {
  readonly op: 'same' | 'removed' | 'added';
  /** Without its end. */
  readonly text: string;
  /** Offsets in `text`, from and to, of what differs from the counterpart. */
  readonly marks?: readonly (readonly [from: number, to: number])[];
  /** The last line of a file that does not end it. */
  readonly noEnd?: true;
}

/** JSON and JSON5, key by key. */
export interface JsonDiff {
  readonly kind: 'json';
  readonly changes: readonly JsonChange[];
  readonly moreChanges: number;
  /** The values are the same: only comments, spaces or the order of keys differ. */
  readonly formOnly: 'comments' | 'spaces' | 'order' | undefined;
}

export interface JsonChange {
  /** Keys and positions from the root: `['agents', 'list', 0, 'id']`. */
  readonly path: readonly (string | number)[];
  readonly change: 'added' | 'removed' | 'changed' | 'moved';
  readonly before?: unknown;
  readonly after?: unknown;
  /** Position in the older array, of what moved or was taken for the same element. */
  readonly from?: number;
}

/** JSONL and transcripts, record by record. */
export interface RecordsDiff {
  readonly kind: 'records';
  readonly appended: number;
  readonly removed: number;
  readonly changed: number;
  /** `appended`: the old records are all there, in front. `rewritten`: others changed too. `compacted`: a summary took the place of old ones. */
  readonly how: 'appended' | 'rewritten' | 'compacted' | 'same';
  /** ISO 8601, of the records that are new, where they have times. */
  readonly firstTime?: string;
  readonly lastTime?: string;
  readonly records: readonly RecordChange[];
  readonly moreRecords: number;
}

export interface RecordChange {
  readonly op: 'added' | 'removed' | 'changed';
  /** Line number from 1, in the newer version (in the older one for what was removed). */
  readonly line: number;
  readonly time?: string;
  /** Who: `user`, `assistant`, a tool's name, or the record's type. */
  readonly who?: string;
  /** One line of it. */
  readonly text: string;
}

/** Databases, table by table and row by row. */
export interface SqliteDiff {
  readonly kind: 'sqlite';
  readonly schema: readonly { readonly name: string; readonly change: 'added' | 'removed' | 'changed' }[];
  readonly tables: readonly TableDiff[];
}

export interface TableDiff {
  readonly name: string;
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** Full-text, vector or other tables made from others: only counted. */
  readonly derived: boolean;
  /** What the program keeps to find its own way: true, and of little interest. */
  readonly isBookkeeping?: true;
  readonly rows: readonly RowDiff[];
  readonly moreRows: number;
  /** Why its rows were not compared; then nothing is counted. */
  readonly note?: string;
}

export interface RowDiff {
  readonly op: 'added' | 'removed' | 'changed';
  /** Columns of the primary key (or `rowid`) and their values. */
  readonly key: readonly { readonly column: string; readonly value: CellValue }[];
  /** Of a changed row, the columns that differ; of an added or removed one all that are not in the key. */
  readonly cells: readonly {
    readonly column: string;
    readonly before?: CellValue;
    readonly after?: CellValue;
  }[];
  /** What the row says, where that is known: who said what. */
  readonly said?: RecordDescription;
}

/** Blobs are summed up: their bytes are not for people. */
export type CellValue = string | number | bigint | null | { readonly bytes: number; readonly hash: string };

export interface BinaryDiff {
  readonly kind: 'binary';
  /** What the first bytes say: `image/png`, `application/gzip` …, or undefined. */
  readonly beforeType: string | undefined;
  readonly afterType: string | undefined;
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

/** Why the contents were not compared. */
export interface DiffNote {
  readonly kind: 'note';
  readonly message: string;
}
