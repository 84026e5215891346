/**
 * The least a store of whole pages can grow by: the pages of the database that the hour changed, compressed together. And
 * what more could be had if a page were stored as its difference from the page it replaces.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { grouped, markdownTable } from '../lib/report.ts';
import { buildAgentHome, databasePath, type HomeSize, liveOneHour } from './data.ts';

export interface PagesOfTable {
  readonly table: string;
  readonly pages: number;
  readonly zstd3Bytes: number;
}

export interface ChangedPages {
  readonly databaseBytes: number;
  readonly changed: number;
  /** Of these, the pages that were not there before. */
  readonly added: number;
  /** All changed pages in page order as one frame, by zstd level. */
  readonly togetherBytes: Readonly<Record<'3' | '9' | '19', number>>;
  /** Each page by itself, level 3. */
  readonly apartBytes: number;
  /** Changed pages each with the page it replaces as dictionary, and the added ones together, level 3. */
  readonly asDifferenceBytes: number;
  readonly tables: readonly PagesOfTable[];
}

const pageBytes = 4096;

export function measureChangedPages(options: {
  readonly dir: string;
  readonly seed: number;
  readonly size: HomeSize;
}): ChangedPages {
  const { dir, seed, size } = options;
  const file = join(dir, databasePath);
  const onlyDatabase = { ...size, logBytes: [], markdownFiles: 0 };
  buildAgentHome(dir, seed, onlyDatabase);
  const before = readFileSync(file);
  liveOneHour(dir, seed, onlyDatabase);
  return comparePages(before, readFileSync(file), tableOfPage(file));
}

interface ChangedPage {
  readonly table: string;
  readonly bytes: Buffer;
  readonly previous: Buffer | undefined;
}

function comparePages(before: Buffer, after: Buffer, tables: ReadonlyMap<number, string>): ChangedPages {
  const changed: ChangedPage[] = [];
  for (let offset = 0; offset < after.length; offset += pageBytes) {
    const bytes = after.subarray(offset, offset + pageBytes);
    const previous = offset < before.length ? before.subarray(offset, offset + pageBytes) : undefined;
    if (previous !== undefined && bytes.equals(previous)) continue;
    changed.push({ table: tables.get(offset / pageBytes + 1) ?? 'free and pointer pages', bytes, previous });
  }
  const together = Buffer.concat(changed.map((page) => page.bytes));
  const added = changed.filter((page) => page.previous === undefined);
  const differences = changed.reduce(
    (sum, { bytes, previous }) => sum + (previous === undefined ? 0 : zstdBytes(bytes, 3, previous)),
    0,
  );
  return {
    databaseBytes: after.length,
    changed: changed.length,
    added: added.length,
    togetherBytes: { 3: zstdBytes(together, 3), 9: zstdBytes(together, 9), 19: zstdBytes(together, 19) },
    apartBytes: changed.reduce((sum, page) => sum + zstdBytes(page.bytes, 3), 0),
    asDifferenceBytes: differences + zstdBytes(Buffer.concat(added.map((page) => page.bytes)), 3),
    tables: byTable(changed),
  };
}

function byTable(changed: readonly ChangedPage[]): PagesOfTable[] {
  const groups = Map.groupBy(changed, (page) => page.table);
  return [...groups].map(([table, pages]) => ({
    table,
    pages: pages.length,
    zstd3Bytes: zstdBytes(Buffer.concat(pages.map((page) => page.bytes)), 3),
  }));
}

function tableOfPage(file: string): Map<number, string> {
  const db = new Database(file, { readonly: true });
  try {
    const rows = db.prepare('SELECT pageno, name FROM dbstat').all() as { pageno: number; name: string }[];
    return new Map(rows.map(({ pageno, name }) => [pageno, name]));
  } finally {
    db.close();
  }
}

function zstdBytes(bytes: Buffer, level: number, dictionary?: Buffer): number {
  const params = { [constants.ZSTD_c_compressionLevel]: level };
  return zstdCompressSync(bytes, { params, ...(dictionary === undefined ? {} : { dictionary }) }).length;
}

export function pagesTable(pages: ChangedPages): string {
  const { togetherBytes } = pages;
  const rows = pages.tables
    .toSorted((a, b) => b.zstd3Bytes - a.zstd3Bytes)
    .map(({ table, pages: count, zstd3Bytes }) => ({
      'table or index': table,
      pages: String(count),
      'zstd 3, bytes': grouped(zstd3Bytes),
    }));
  return `${markdownTable(rows)}

Database: ${grouped(pages.databaseBytes)} bytes; changed pages: ${pages.changed}, of these new: ${pages.added}
Together, zstd 3 / 9 / 19: ${grouped(togetherBytes[3])} / ${grouped(togetherBytes[9])} / ${grouped(togetherBytes[19])} bytes
Each by itself, zstd 3: ${grouped(pages.apartBytes)} bytes
As differences from the pages they replace, zstd 3: ${grouped(pages.asDifferenceBytes)} bytes`;
}
