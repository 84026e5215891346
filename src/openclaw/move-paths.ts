/**
 * Absolute paths of one home made those of another, in texts of JSON and JSON5: only whole values that are paths below what
 * moved, and nothing else of the text changes. Pure.
 */
import { asRecord, parseJson5 } from './json5.ts';
import { locateJson5 } from './json5-positions.ts';

/** What lay below `from` lies below `to`. */
export interface PathMove {
  readonly from: string;
  readonly to: string;
}

export interface MovedValue {
  /** Where: keys from the root of the document, joined by dots. */
  readonly where: string;
  readonly from: string;
  readonly to: string;
}

/** The moves that change something, the longest first, so that the nearest one counts. */
export function pathMoves(pairs: readonly PathMove[]): PathMove[] {
  const wanted = pairs
    .map(({ from, to }) => ({ from: from.replace(/[/\\]+$/, ''), to: to.replace(/[/\\]+$/, '') }))
    .filter(({ from, to }) => from !== '' && to !== '' && from !== to);
  const byFrom = new Map(wanted.map((move) => [move.from, move]));
  return [...byFrom.values()].sort((a, b) => b.from.length - a.from.length);
}

/** The path at its new place, or undefined when it did not move. */
export function movedPath(path: string, moves: readonly PathMove[]): string | undefined {
  const move = moves.find(
    ({ from }) => path === from || path.startsWith(`${from}/`) || path.startsWith(`${from}\\`),
  );
  if (move === undefined) return undefined;
  const rest = path.slice(move.from.length);
  const isFromWindows = /^[A-Za-z]:/.test(move.from);
  const isToWindows = /^[A-Za-z]:/.test(move.to);
  if (isFromWindows === isToWindows) return move.to + rest;
  return move.to + (isToWindows ? rest.replaceAll('/', '\\') : rest.replaceAll('\\', '/'));
}

/** Moves the values in a text of JSON5; `isPathKey` says which keys hold paths (of an array, the key above it). */
export function movePathsInJson5(
  text: string,
  moves: readonly PathMove[],
  isPathKey: (key: string) => boolean = () => true,
): { readonly text: string; readonly changes: readonly MovedValue[] } {
  const changes: MovedValue[] = [];
  let moved = text;
  for (const { path, start, end } of locateJson5(text).reverse()) {
    const literal = text.slice(start, end);
    if (!/^["']/.test(literal) || !isPathKey(keyOf(path))) continue;
    const from = String(parseJson5(literal));
    const to = movedPath(from, moves);
    if (to === undefined) continue;
    moved = moved.slice(0, start) + JSON.stringify(to) + moved.slice(end);
    changes.unshift({ where: path.join('.'), from, to });
  }
  return { text: moved, changes };
}

/** Texts that have such a path inside them, and so do not move. */
export function mentionsOf(
  text: string,
  moves: readonly PathMove[],
): { readonly where: string; readonly from: string }[] {
  return locateJson5(text).flatMap(({ path, start, end }) => {
    const literal = text.slice(start, end);
    if (!/^["']/.test(literal)) return [];
    const value = String(parseJson5(literal));
    const move = moves.find(({ from }) => namesPath(value, from));
    if (move === undefined || movedPath(value, moves) !== undefined) return [];
    return [{ where: path.join('.'), from: move.from }];
  });
}

/** Not the beginning of a longer name. */
function namesPath(text: string, path: string): boolean {
  for (let at = text.indexOf(path); at >= 0; at = text.indexOf(path, at + 1)) {
    if (!/^[\w.-]/.test(text.slice(at + path.length))) return true;
  }
  return false;
}

/** The nearest key that is a name. */
function keyOf(path: readonly string[]): string {
  return path.findLast((key) => !/^\d+$/.test(key)) ?? '';
}

/** Keys of session stores and of entries that hold paths of files, and not what somebody said. */
export function isSessionPathKey(key: string): boolean {
  return /^(sessionFile|cwd|workspace|workspaceDir|agentDir|stateDir|transcriptPath|path|dir|file|root)$/.test(
    key,
  );
}

/** The same for a parsed value; gives a new value, or undefined when nothing moved. */
export function movePathsInValue(
  value: unknown,
  moves: readonly PathMove[],
  isPathKey: (key: string) => boolean,
): { readonly value: unknown; readonly changes: readonly MovedValue[] } | undefined {
  const changes: MovedValue[] = [];
  const visit = (at: unknown, path: readonly string[]): unknown => {
    if (typeof at === 'string') {
      const to = isPathKey(keyOf(path)) ? movedPath(at, moves) : undefined;
      if (to !== undefined) changes.push({ where: path.join('.'), from: at, to });
      return to ?? at;
    }
    if (Array.isArray(at)) return at.map((item, index) => visit(item, [...path, String(index)]));
    const record = asRecord(at);
    if (record === undefined) return at;
    return Object.fromEntries(
      Object.entries(record).map(([key, item]) => [key, visit(item, [...path, key])]),
    );
  };
  const moved = visit(value, []);
  return changes.length === 0 ? undefined : { value: moved, changes };
}
