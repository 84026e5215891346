/** `backup grep`: a text in all snapshots. Each content is searched once, and of databases each page. */
import { UsageError } from '../model/errors.ts';
import { displayKey, type PathKey } from '../model/paths.ts';
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
import { type FoundText, TextSearch } from './search-contents.ts';
import { ShownText } from './shown-text.ts';

export interface GrepOptions extends PlaceOptions {
  readonly ignoreCase?: boolean;
  /** Only in files that match. */
  readonly include?: readonly string[];
  /** Secrets are shown as they are; else a fingerprint stands for each. */
  readonly showSecrets?: boolean;
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
  /** Matches beyond the limits, at least. */
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
    const search = new TextSearch(repository, text, options.ignoreCase ?? false);
    environment.progress.step('Searching', { files: histories.length });
    const holding = holdingOf(repository);
    const shown = new ShownText(repository, text, options);
    const matches: GrepMatch[] = [];
    let more = 0;
    for (const history of histories) {
      const found = matchesIn(search, logOf(holding(history.source), history), history);
      const fitting = found.matches.slice(0, matchesMax - matches.length);
      more += found.more + found.matches.length - fitting.length;
      matches.push(...fitting.map((match) => shown.match(history, match)));
      environment.progress.advance({ files: 1 });
      await new Promise(setImmediate);
    }
    const { searchedContents, searchedBytes } = search;
    return { matches, more, searchedContents, searchedBytes };
  });
}

/** A match with what is around it; what of it is shown is decided when it is one of those that are. */
export type RawMatch = GrepMatch & Pick<FoundText, 'node'>;

/** One match for each line, from the first version that has it to the last. */
function matchesIn(
  search: TextSearch,
  log: PathLog,
  { events }: PathHistory,
): { readonly matches: readonly RawMatch[]; readonly more: number } {
  const found = new Map<string, RawMatch>();
  let more = 0;
  for (const [index, { node }] of events.entries()) {
    if (node?.type !== 'file') continue;
    const version = log.versions[index];
    if (version === undefined) continue;
    const result = search.find(node);
    more = Math.max(more, result.more);
    for (const hit of result.hits) {
      const name = JSON.stringify([hit.table, hit.row, hit.column, hit.text]);
      const first = found.get(name)?.first ?? version.first;
      const { path, source } = log;
      found.set(name, { path, source, ...hit, node, first, last: version.last });
    }
  }
  return { matches: [...found.values()], more };
}
