/**
 * A text in stored contents: line by line in files, row by row in databases. Each content is read once, and of databases each
 * page. Memory is bounded whatever the content: a line is looked at in windows, and of the hits in a file a number is kept.
 */
import { searchRows } from '../diff/sqlite/search-rows.ts';
import { contentOf } from '../diff/tree-diff.ts';
import type { BlobId } from '../model/ids.ts';
import type { BlobReader } from '../model/store.ts';
import type { FileNode } from '../model/tree.ts';
import { chunksOf, contentReader } from '../tree/content.ts';
import { withFile } from './stored-file.ts';

/** Where it is, and what is around it there. Nothing for a binary file: only that it is in it. */
export interface Hit {
  readonly line?: number;
  readonly text?: string;
  readonly table?: string;
  readonly row?: string;
  readonly column?: string;
}

export type FoundText = Hit & { readonly node: FileNode };

export interface Hits {
  readonly hits: readonly Hit[];
  /** Beyond the limit, at least. */
  readonly more: number;
}

/** Of a line without an end so much is looked at in one piece. */
const windowBytes = 1024 * 1024;
const hitsPerFileMax = 200;
/** Hits that are remembered, in case the same content is in another place. */
const hitsKnownMax = 10_000;
/** Around the text; long enough to tell secrets from others. */
const aroundCharacters = 2000;

export class TextSearch {
  readonly #blobs: BlobReader;
  readonly #text: string;
  readonly #ignoreCase: boolean;
  readonly #known = new Map<string, Hits>();
  readonly #pages = new Map<BlobId, boolean>();
  readonly #rows = new Map<string, Hits>();
  #hitsKnown = 0;
  searchedContents = 0;
  searchedBytes = 0;

  constructor(blobs: BlobReader, text: string, ignoreCase: boolean) {
    this.#blobs = blobs;
    this.#ignoreCase = ignoreCase;
    this.#text = ignoreCase ? text.toLowerCase() : text;
  }

  find(node: FileNode): Hits {
    const content = contentOf(node);
    const known = this.#known.get(content);
    if (known !== undefined) return known;
    this.searchedContents++;
    const found = node.content.kind === 'pages' ? this.#inPages(node) : this.#inText(node);
    this.#hitsKnown += found.hits.length;
    if (this.#hitsKnown <= hitsKnownMax) this.#known.set(content, found);
    return found;
  }

  /**
   * A text that reaches over the end of a page is not found. Versions that have it in the same pages have it in the same
   * rows, so that only one of them is opened.
   */
  #inPages(node: FileNode): Hits {
    const pages: string[] = [];
    for (const { id } of chunksOf(this.#blobs, node.content, node.size))
      if (id !== undefined && this.#isInPage(id)) pages.push(id);
    if (pages.length === 0) return { hits: [], more: 0 };
    const name = pages.join();
    const found = this.#rows.get(name) ?? this.#inRows(node);
    if (this.#hitsKnown <= hitsKnownMax) this.#rows.set(name, found);
    return found;
  }

  #inRows(node: FileNode): Hits {
    const search = { text: this.#text, ignoreCase: this.#ignoreCase, rowsMax: hitsPerFileMax + 1 };
    const rows = withFile(this.#blobs, node, (path) => searchRows(path, search));
    // Pages that are not in use any more, and tables that are made from others, have it too.
    if (rows === undefined || rows.length === 0) return { hits: [{}], more: 0 };
    const hits = rows.slice(0, hitsPerFileMax).map(({ value, ...row }) => ({ ...row, text: value }));
    return { hits, more: rows.length - hits.length };
  }

  #isInPage(id: BlobId): boolean {
    const known = this.#pages.get(id);
    if (known !== undefined) return known;
    const page = this.#blobs.readBlob(id);
    this.searchedBytes += page.length;
    const isFound = this.#where(Buffer.from(page).toString('utf8')) >= 0;
    this.#pages.set(id, isFound);
    return isFound;
  }

  #inText(node: FileNode): Hits {
    const lines = new LineHits((text) => this.#where(text));
    const overlap = 4 * this.#text.length; // what is found over the end of a window, in any encoding of a character
    let held: Buffer[] = [];
    let heldBytes = 0;
    for (const piece of contentReader(this.#blobs).readContent(node)) {
      this.searchedBytes += piece.length;
      held.push(Buffer.from(piece)); // a copy: it is valid until the next one only
      heldBytes += piece.length;
      const end = piece.lastIndexOf(0x0a);
      if (end < 0 && heldBytes < windowBytes) continue;
      const bytes = Buffer.concat(held);
      const cut = end < 0 ? characterStart(bytes, bytes.length) : bytes.length - piece.length + end + 1;
      lines.add(bytes.toString('utf8', 0, cut));
      const rest = bytes.subarray(end < 0 ? characterStart(bytes, Math.max(0, cut - overlap)) : cut);
      [held, heldBytes] = [[rest], rest.length];
    }
    lines.add(Buffer.concat(held).toString('utf8'));
    return lines.finish();
  }

  #where(text: string): number {
    return (this.#ignoreCase ? text.toLowerCase() : text).indexOf(this.#text);
  }
}

/** The nearest place at or before `at` where a character of UTF-8 begins; `at` itself in what is none. */
function characterStart(bytes: Buffer, at: number): number {
  for (let start = at; start > at - 4 && start > 0; start--) {
    const byte = bytes[start - 1] ?? 0;
    if (byte < 0x80) return start;
    if (byte >= 0xc0) return start - 1;
  }
  return at;
}

class LineHits {
  readonly #where: (text: string) => number;
  readonly #hits: Hit[] = [];
  #more = 0;
  /** Lines that have ended. */
  #lines = 0;
  #lastHit = 0;
  #isInBinary = false;

  constructor(where: (text: string) => number) {
    this.#where = where;
  }

  /** Windows of one line may overlap: a line is one hit, however often it has the text. */
  add(text: string): void {
    if (this.#where(text) < 0) {
      this.#lines += countOf(text, '\n');
      return;
    }
    const lines = text.split('\n');
    for (const [index, line] of lines.entries()) {
      const at = this.#where(line);
      const number = this.#lines + index + 1;
      if (at >= 0 && number !== this.#lastHit) this.#hit(number, line, at);
    }
    this.#lines += lines.length - 1;
  }

  #hit(number: number, line: string, at: number): void {
    this.#lastHit = number;
    const isBinary = line.includes('\0');
    if (isBinary && this.#isInBinary) return;
    if (isBinary) this.#isInBinary = true;
    if (this.#hits.length >= hitsPerFileMax) this.#more++;
    else this.#hits.push(isBinary ? {} : { line: number, text: around(line, at) });
  }

  finish(): Hits {
    return { hits: this.#hits, more: this.#more };
  }
}

function countOf(text: string, character: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count++;
  return count;
}

/** A copy: a part of a text would keep all of it in memory. */
function around(line: string, at: number): string {
  if (line.length <= 2 * aroundCharacters) return Buffer.from(line).toString();
  return Buffer.from(line.slice(Math.max(0, at - aroundCharacters), at + aroundCharacters)).toString();
}
