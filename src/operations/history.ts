/**
 * `backup log`, `find` and `grep`: what was when. Snapshots of a source are gone through in order, each compared with the one
 * before: the cost is that of what changed, and not of how many snapshots there are. Each content is searched once.
 */

import { decodeNode } from '../codec/node-codec.ts';
import { contentOf } from '../diff/tree-diff.ts';
import { UsageError } from '../model/errors.ts';
import type { BlobId } from '../model/ids.ts';
import { displayKey, type PathKey } from '../model/paths.ts';
import type { Snapshot, SnapshotSource } from '../model/snapshot.ts';
import type { BlobReader } from '../model/store.ts';
import type { FileNode, TreeNode } from '../model/tree.ts';
import type { Repository } from '../repository/repository.ts';
import { chunksOf, contentReader } from '../tree/content.ts';
import { diffMaps } from '../tree/map-diff.ts';
import { compileGlobs } from '../walker/globs.ts';
import type { Environment } from './environment.ts';
import type { PlaceOptions } from './places.ts';
import { locatePath, withRepositoryToRead } from './read-backups.ts';

/** A path that is one way from one snapshot on, until another event. */
interface HistoryEvent {
  readonly snapshot: Snapshot;
  readonly source: SnapshotSource;
  readonly key: PathKey;
  /** Undefined when it went. */
  readonly node: TreeNode | undefined;
}

export interface SnapshotName {
  readonly id: string;
  readonly time: string;
}

export interface PathVersion {
  readonly change: 'appeared' | 'changed' | 'attributes' | 'gone';
  /** The first snapshot that has it so, and the last one; of what went, the first that has it no more. */
  readonly first: SnapshotName;
  readonly last: SnapshotName;
  /** Snapshots that have it so. */
  readonly snapshots: number;
  readonly type: TreeNode['type'];
  readonly size: number;
  readonly mtime: string;
  readonly mode: number;
}

export interface PathLog {
  readonly path: string;
  readonly source: string;
  /** Oldest first. */
  readonly versions: readonly PathVersion[];
}

/** Each version of a file or link that any snapshot has. */
export async function logPath(
  environment: Environment,
  options: PlaceOptions,
  path: string,
): Promise<readonly PathLog[]> {
  return await withRepositoryToRead(environment, options, (repository) => {
    const newest = repository.listSnapshots().at(-1);
    if (newest === undefined)
      throw new UsageError('The repository has no snapshots yet', 'Run exuvia backup create.');
    const isAt = (source: SnapshotSource, key: PathKey): boolean => isPathOf(environment, source, path, key);
    const found = collectPaths(repository, isAt);
    const holding = holdingOf(repository);
    if (found.length > 0) return found.map((history) => logOf(holding(history.source), history));
    throw new UsageError(
      `No snapshot has ${path}`,
      `Run exuvia backup find "**/${path.split('/').at(-1)}" to look for it.`,
    );
  });
}

/** A relative path lies in any source; an absolute one in the source it is below. */
function isPathOf(environment: Environment, source: SnapshotSource, path: string, key: PathKey): boolean {
  if (!/^([/~]|[A-Za-z]:[\\/])/.test(path))
    return displayKey(key) === path.replace(/^\.\//, '').replace(/\/+$/, '');
  try {
    const place = locatePath(environment, { id: '', sources: [source] } as unknown as Snapshot, path);
    return place.key === key;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

interface PathHistory {
  readonly source: SnapshotSource;
  readonly key: PathKey;
  readonly events: readonly HistoryEvent[];
}

function collectPaths(
  repository: Repository,
  wants: (source: SnapshotSource, key: PathKey, node: TreeNode) => boolean,
): PathHistory[] {
  const histories = new Map<string, { source: SnapshotSource; key: PathKey; events: HistoryEvent[] }>();
  for (const event of eventsOf(repository, repository.listSnapshots())) {
    const { source, key, node } = event;
    const name = `${identityOf(source)}\0${key}`;
    const known = histories.get(name);
    if (known === undefined && (node === undefined || !wants(source, key, node))) continue;
    if (known === undefined) histories.set(name, { source, key, events: [event] });
    else known.events.push(event);
  }
  return [...histories.values()];
}

/** What a source is, wherever it lay at the time. */
function identityOf({ kind, label, path }: SnapshotSource): string {
  return kind === 'folder' ? `folder\0${path}` : `${kind}\0${label ?? ''}`;
}

function* eventsOf(blobs: BlobReader, snapshots: readonly Snapshot[]): Generator<HistoryEvent> {
  const roots = new Map<string, BlobId | null>();
  for (const snapshot of snapshots) {
    // A snapshot of a part says nothing of the rest; one taken before a restore is of another kind.
    if (snapshot.components !== null) continue;
    for (const source of snapshot.sources) {
      const identity = identityOf(source);
      const before = roots.get(identity) ?? null;
      roots.set(identity, source.root);
      for (const { key, after } of diffMaps(blobs, before, source.root)) {
        const node = after === undefined ? undefined : decodeNode(after, 'tree entry');
        yield { snapshot, source, key: key as PathKey, node };
      }
    }
  }
}

/** The snapshots that hold a source, in order, and the place of each among them. */
interface Holding {
  readonly snapshots: readonly Snapshot[];
  readonly placeOf: ReadonlyMap<Snapshot, number>;
}

function holdingOf(repository: Repository): (source: SnapshotSource) => Holding {
  const known = new Map<string, Holding>();
  return (source) => {
    const identity = identityOf(source);
    const holding = known.get(identity) ?? makeHolding(repository, identity);
    known.set(identity, holding);
    return holding;
  };
}

function makeHolding(repository: Repository, identity: string): Holding {
  const holds = ({ components, sources }: Snapshot): boolean =>
    components === null && sources.some((source) => identityOf(source) === identity);
  const snapshots = repository.listSnapshots().filter(holds);
  return { snapshots, placeOf: new Map(snapshots.map((snapshot, place) => [snapshot, place])) };
}

function logOf({ snapshots, placeOf }: Holding, { source, key, events }: PathHistory): PathLog {
  const versions = events.map((event, index): PathVersion => {
    const next = events[index + 1];
    const from = placeOf.get(event.snapshot) ?? 0;
    const to = (next === undefined ? snapshots.length : (placeOf.get(next.snapshot) ?? 0)) - 1;
    const before = events[index - 1]?.node;
    const shown = event.node ?? before;
    return {
      change: changeOf(before, event.node),
      first: nameOf(event.snapshot),
      last: nameOf(snapshots[to] ?? event.snapshot),
      snapshots: to - from + 1,
      type: shown?.type ?? 'file',
      size: event.node?.type === 'file' ? event.node.size : 0,
      mtime: new Date(Number((shown?.mtimeNs ?? 0n) / 1_000_000n)).toISOString(),
      mode: shown?.mode ?? 0,
    };
  });
  return { path: displayKey(key), source: source.path, versions };
}

function nameOf({ id, time }: Snapshot): SnapshotName {
  return { id, time };
}

function changeOf(before: TreeNode | undefined, after: TreeNode | undefined): PathVersion['change'] {
  if (after === undefined) return 'gone';
  if (before === undefined) return 'appeared';
  return before.type === after.type && contentOf(before) === contentOf(after) ? 'attributes' : 'changed';
}

export interface FoundPath {
  readonly path: string;
  readonly source: string;
  readonly type: TreeNode['type'];
  readonly first: SnapshotName;
  readonly last: SnapshotName;
  /** Contents that it has had. */
  readonly versions: number;
  /** Whether the newest snapshot of its source has it. */
  readonly isPresent: boolean;
}

/** Every path that matches in any snapshot. A pattern without a slash matches at any depth. */
export async function findPaths(
  environment: Environment,
  options: PlaceOptions,
  patterns: readonly string[],
): Promise<readonly FoundPath[]> {
  const globs = compileGlobs(patterns);
  return await withRepositoryToRead(environment, options, (repository) => {
    const found = collectPaths(
      repository,
      (_source, key, node) => key !== '' && globs.matches(displayKey(key), node.type === 'directory'),
    );
    const holding = holdingOf(repository);
    return found.map((history) => foundOf(logOf(holding(history.source), history), history));
  });
}

function foundOf(log: PathLog, { events }: PathHistory): FoundPath {
  const versions = log.versions.filter(({ change }) => change !== 'gone');
  const contents = versions.filter(({ change }) => change !== 'attributes').length;
  const last = versions.at(-1)?.last ?? { id: '', time: '' };
  const first = versions[0]?.first ?? last;
  const type = events.findLast(({ node }) => node !== undefined)?.node?.type ?? 'file';
  const isPresent = log.versions.at(-1)?.change !== 'gone';
  return { path: log.path, source: log.source, type, first, last, versions: contents, isPresent };
}

export interface GrepOptions extends PlaceOptions {
  readonly ignoreCase?: boolean;
  /** Only in files that match. */
  readonly include?: readonly string[];
}

export interface GrepMatch {
  readonly path: string;
  readonly source: string;
  /** Number of the line from 1, and the line; of a database or another binary file only that it is in it. */
  readonly line?: number;
  readonly text?: string;
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
      const name = hit.text ?? '';
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

interface Hit {
  readonly line?: number;
  readonly text?: string;
}

class Search {
  readonly #blobs: BlobReader;
  readonly #text: string;
  readonly #ignoreCase: boolean;
  readonly #known = new Map<string, readonly Hit[]>();
  readonly #pages = new Map<BlobId, boolean>();
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

  /** A text that reaches over the end of a page is not found. */
  #inPages(node: FileNode): Hit[] {
    let isFound = false;
    for (const { id } of chunksOf(this.#blobs, node.content, node.size)) {
      if (id !== undefined && this.#isInPage(id)) isFound = true;
    }
    return isFound ? [{}] : [];
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
