/** What an import changes, value by value, with secrets masked. Pure. */
import { locateEnv } from './env-text.ts';
import { asRecord, parseJson5 } from './json5.ts';
import { keyPathText } from './key-path.ts';
import { isSecretAt } from './secrets.ts';

export interface ValueChange {
  /** Key path, such as `channels.telegram.enabled`. */
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Absent for a secret. */
  readonly from?: unknown;
  readonly to?: unknown;
  readonly secret: boolean;
}

interface Leaf {
  readonly value: unknown;
  readonly secret: boolean;
}

/** @throws SyntaxError when the new text is not JSON5; a present one that is not counts as empty */
export function changesInJson5(present: string | undefined, next: string): ValueChange[] {
  return changesBetween(leavesOf(parseOrUndefined(present)), leavesOf(parseJson5(next)));
}

/** Every value of a `.env` is a secret. */
export function changesInEnv(present: string | undefined, next: string): ValueChange[] {
  return changesBetween(envLeaves(present ?? ''), envLeaves(next));
}

function parseOrUndefined(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return parseJson5(text);
  } catch {
    return undefined; // What was there did not parse: everything is new.
  }
}

function envLeaves(text: string): Map<string, Leaf> {
  const { places } = locateEnv(text);
  return new Map(
    places.map(({ name, start, end }) => [name, { value: text.slice(start, end), secret: true }]),
  );
}

/** Scalars, and objects and arrays with nothing in them, by key path. */
function leavesOf(root: unknown): Map<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  const visit = (value: unknown, path: readonly string[], parent: unknown): void => {
    const entries = Object.entries(Array.isArray(value) ? value : (asRecord(value) ?? {}));
    for (const [key, item] of entries) visit(item, [...path, key], value);
    if (entries.length > 0 || path.length === 0) return;
    leaves.set(keyPathText(root, path), { value, secret: isSecretAt(path, value, parent) });
  };
  visit(root, [], undefined);
  return leaves;
}

function changesBetween(before: ReadonlyMap<string, Leaf>, after: ReadonlyMap<string, Leaf>): ValueChange[] {
  const changes: ValueChange[] = [];
  for (const [path, to] of after) {
    const from = before.get(path);
    if (from === undefined) changes.push(changeOf(path, 'added', undefined, to));
    else if (!Object.is(from.value, to.value) && JSON.stringify(from.value) !== JSON.stringify(to.value))
      changes.push(changeOf(path, 'changed', from, to));
  }
  for (const [path, from] of before) {
    if (!after.has(path)) changes.push(changeOf(path, 'removed', from, undefined));
  }
  return changes;
}

function changeOf(
  path: string,
  change: ValueChange['change'],
  from: Leaf | undefined,
  to: Leaf | undefined,
): ValueChange {
  if (from?.secret || to?.secret) return { path, change, secret: true };
  return {
    ...{ path, change, secret: false },
    ...(from === undefined ? {} : { from: from.value }),
    ...(to === undefined ? {} : { to: to.value }),
  };
}
