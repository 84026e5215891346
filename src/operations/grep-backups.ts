/** `backup grep`: a text in all snapshots. Each content is searched once, and of databases each page. */
import { searchRows } from '../diff/sqlite/search-rows.ts';
import { contentOf } from '../diff/tree-diff.ts';
import { UsageError } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { displayKey, type PathKey } from '../model/paths.ts';
import type { BlobReader } from '../model/store.ts';
import type { FileNode } from '../model/tree.ts';
import { chunksOf, contentReader } from '../tree/content.ts';
import { compileGlobs } from '../walker/globs.ts';
import type { Environment } from './environment.ts';
import {
  collectPaths,
  holdingOf,
  logOf,
  type PathHistory,
  type PathLog,
  type SnapshotName,
} from './path-history.ts';
import type { PlaceOptions } from './places.ts';
import { withRepositoryToRead } from './read-backups.ts';
import { withFile } from './stored-file.ts';

export interface GrepOptions extends PlaceOptions {
  readonly ignoreCase?: boolean;
  /** Only in files that match. */
  readonly include?: readonly string[];
}

export interface GrepMatch {
  readonly path: string;
  readonly source: string;
  /** Number of the line from 1, and the line; of a row the value. Nothing for a binary file: only that it is in it. */
  readonly line?: number;
  readonly text?: string;
  /** Of a row of a database: its table, its key, and the column. */
  readonly table?: string;
  readonly row?: string;
  readonly column?: string;
  /** The first and the last snapshot that have a version of the file with it. */
  readonly first: SnapshotName;
  readonly last: SnapshotName;
}

export interface GrepResult {
  readonly matches: readonly GrepMatch[];
  /** Matches beyond the limit. */
  readonly more: number;
  readonly searchedContents: number;
  readonly searchedBytes: number;
}

const matchesMax = 1000;

/** Looks for a text in every content that any snapshot has; each is read once, and of databases each page. */
export async function grepBackups(
  environment: Environment,
  options: GrepOptions,
  text: string,
): Promise<GrepResult> {
  if (text === '') throw new UsageError('What should be looked for? The text is empty');
  const globs = compileGlobs(options.include ?? []);
  return await withRepositoryToRead(environment, options, async (repository) => {
    const wants = (key: PathKey): boolean => globs.matches(displayKey(key), false);
    const histories = collectPaths(
      repository,
      (_source, key, node) => node.type === 'file' && (options.include === undefined || wants(key)),
    );
    const search = new Search(repository, text, options.ignoreCase ?? false);
    environment.progress.step('Searching', { files: histories.length });
    const holding = holdingOf(repository);
    const matches: GrepMatch[] = [];
    for (const history of histories) {
      matches.push(...matchesIn(search, logOf(holding(history.source), history), history));
      environment.progress.advance({ files: 1 });
      await new Promise(setImmediate);
    }
    const { searchedContents, searchedBytes } = search;
    return {
      matches: matches.slice(0, matchesMax),
      more: Math.max(0, matches.length - matchesMax),
      searchedContents,
      searchedBytes,
    };
  });
}

/** One match for each line, from the first version that has it to the last. */
function matchesIn(search: Search, log: PathLog, { events }: PathHistory): GrepMatch[] {
  const found = new Map<string, GrepMatch>();
  for (const [index, { node }] of events.entries()) {
    if (node?.type !== 'file') continue;
    const version = log.versions[index];
    if (version === undefined) continue;
    for (const hit of search.find(node)) {
      const name = JSON.stringify([hit.table, hit.row, hit.column, hit.text]);
      const known = found.get(name);
      const { path, source } = log;
      const match: GrepMatch = {
        path,
        source,
        ...hit,
        first: known?.first ?? version.first,
        last: version.last,
      };
      found.set(name, match);
    }
  }
  return [...found.values()];
}

type Hit = Pick<GrepMatch, 'line' | 'text' | 'table' | 'row' | 'column'>;

class Search {
  readonly #blobs: BlobReader;
  readonly #text: string;
  readonly #ignoreCase: boolean;
  readonly #known = new Map<string, readonly Hit[]>();
  readonly #pages = new Map<BlobId, boolean>();
  readonly #rows = new Map<string, readonly Hit[]>();
  searchedContents = 0;
  searchedBytes = 0;

  constructor(blobs: BlobReader, text: string, ignoreCase: boolean) {
    this.#blobs = blobs;
    this.#ignoreCase = ignoreCase;
    this.#text = ignoreCase ? text.toLowerCase() : text;
  }

  find(node: FileNode): readonly Hit[] {
    const content = contentOf(node);
    const known = this.#known.get(content);
    if (known !== undefined) return known;
    this.searchedContents++;
    const hits = node.content.kind === 'pages' ? this.#inPages(node) : this.#inText(node);
    this.#known.set(content, hits);
    return hits;
  }

  /**
   * A text that reaches over the end of a page is not found. Versions that have it in the same pages have it in the same
   * rows, so that only one of them is opened.
   */
  #inPages(node: FileNode): readonly Hit[] {
    const pages: string[] = [];
    for (const { id } of chunksOf(this.#blobs, node.content, node.size))
      if (id !== undefined && this.#isInPage(id)) pages.push(id);
    if (pages.length === 0) return [];
    const name = pages.join();
    const hits = this.#rows.get(name) ?? this.#inRows(node);
    this.#rows.set(name, hits);
    return hits;
  }

  #inRows(node: FileNode): readonly Hit[] {
    const search = { text: this.#text, ignoreCase: this.#ignoreCase, rowsMax: hitsPerFileMax };
    const rows = withFile(this.#blobs, node, (path) => searchRows(path, search));
    // Pages that are not in use any more, and tables that are made from others, have it too.
    if (rows === undefined || rows.length === 0) return [{}];
    return rows.map(({ value, ...row }) => ({ ...row, text: shortened(value, this.#where(value)) }));
  }

  #isInPage(id: BlobId): boolean {
    const known = this.#pages.get(id);
    if (known !== undefined) return known;
    const page = this.#blobs.readBlob(id);
    this.searchedBytes += page.length;
    const isFound = this.#isIn(Buffer.from(page).toString('utf8'));
    this.#pages.set(id, isFound);
    return isFound;
  }

  /** Line by line; of a binary file, or a line beyond the limit, only that it is in it. */
  #inText(node: FileNode): Hit[] {
    const hits: Hit[] = [];
    let rest = Buffer.alloc(0);
    let line = 0;
    for (const piece of contentReader(this.#blobs).readContent(node)) {
      this.searchedBytes += piece.length;
      const bytes = Buffer.concat([rest, piece]);
      const end = bytes.lastIndexOf(0x0a);
      if (end < 0 && bytes.length < lineBytesMax) {
        rest = bytes;
        continue;
      }
      const cut = end < 0 ? bytes.length : end + 1;
      line = this.#collect(bytes.toString('utf8', 0, cut), line, hits);
      rest = bytes.subarray(cut);
    }
    this.#collect(rest.toString('utf8'), line, hits);
    return hits.length > hitsPerFileMax ? hits.slice(0, hitsPerFileMax) : hits;
  }

  #collect(text: string, before: number, hits: Hit[]): number {
    const lines = text.split('\n');
    if (this.#isIn(text)) {
      for (const [index, one] of lines.entries()) {
        if (!this.#isIn(one)) continue;
        if (one.includes('\0')) hits.push({});
        else hits.push({ line: before + index + 1, text: shortened(one, this.#where(one)) });
      }
    }
    return before + lines.length - 1;
  }

  #isIn(text: string): boolean {
    return this.#where(text) >= 0;
  }

  #where(text: string): number {
    return (this.#ignoreCase ? text.toLowerCase() : text).indexOf(this.#text);
  }
}

const lineBytesMax = 16 * 1024 * 1024;
const hitsPerFileMax = 200;
const shownCharacters = 400;

/** The part of a long line around the match. */
function shortened(line: string, at: number): string {
  if (line.length <= shownCharacters) return line;
  const from = Math.max(0, at - shownCharacters / 4);
  return `${from > 0 ? '…' : ''}${line.slice(from, from + shownCharacters)}…`;
}
