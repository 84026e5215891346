/**
 * JSON and JSON5, key by key.
 *
 * How changes are read: every position in a path is one of the newer version, but the last one of what was removed, which
 * is of the older. Applied to an older array: take out what was removed or moved, put in what was added or moved at its new
 * position, the others follow in their order.
 */
import { isDeepStrictEqual } from 'node:util';
import type { DiffNote, JsonChange, JsonDiff } from './content-diff.ts';
import { isObject, matchElements, ValueNumbers } from './json-elements.ts';
import { type JsonText, parseJsonText } from './json-text.ts';

const changesMax = 1000;

/** `undefined` for a version that is not there. A note when one of them cannot be read as JSON, or not exactly. */
export function diffJson(before: string | undefined, after: string | undefined): JsonDiff | DiffNote {
  if (before === after) return { kind: 'json', changes: [], moreChanges: 0, formOnly: undefined };
  const old = before === undefined ? undefined : parseJsonText(before);
  if (typeof old === 'string') return note('older', old);
  const now = after === undefined ? undefined : parseJsonText(after);
  if (typeof now === 'string') return note('newer', now);
  if (old !== undefined && now !== undefined) return compareTexts(old, now);
  const change: JsonChange =
    old === undefined
      ? { path: [], change: 'added', after: now?.value }
      : { path: [], change: 'removed', before: old.value };
  return { kind: 'json', changes: [change], moreChanges: 0, formOnly: undefined };
}

function note(version: string, reason: string): DiffNote {
  return { kind: 'note', message: `the ${version} version cannot be compared as JSON: ${reason}` };
}

function compareTexts(old: JsonText, now: JsonText): JsonDiff | DiffNote {
  if (!sameTexts(old.roundedNumbers, now.roundedNumbers)) {
    return note('newer', 'it has other numbers of more digits than can be compared');
  }
  const comparison = new JsonComparison();
  comparison.compare(old.value, now.value);
  const { changes, moreChanges } = comparison;
  return { kind: 'json', changes, moreChanges, formOnly: changes.length > 0 ? undefined : formOf(old, now) };
}

function sameTexts(before: readonly string[], after: readonly string[]): boolean {
  return before.length === after.length && before.every((text, at) => text === after[at]);
}

/** Of two texts that differ while their values are equal. */
function formOf(old: JsonText, now: JsonText): JsonDiff['formOnly'] {
  if (!sameTexts(old.comments, now.comments)) return 'comments';
  return sameOrder(old.value, now.value) ? 'spaces' : 'order';
}

function sameOrder(before: unknown, after: unknown): boolean {
  if (Array.isArray(before) && Array.isArray(after)) {
    return before.every((element, at) => sameOrder(element, after[at]));
  }
  if (!isObject(before) || !isObject(after)) return true;
  const keys = Object.keys(before);
  return sameTexts(keys, Object.keys(after)) && keys.every((key) => sameOrder(before[key], after[key]));
}

class JsonComparison {
  readonly changes: JsonChange[] = [];
  moreChanges = 0;
  readonly #path: (string | number)[] = [];
  readonly #numbers = new ValueNumbers();

  /** Recurses: as deep as the values, which `parseJsonText` bounds. */
  compare(before: unknown, after: unknown, from?: number): void {
    if (Array.isArray(before) && Array.isArray(after)) this.#compareArrays(before, after);
    else if (isObject(before) && isObject(after)) this.#compareObjects(before, after);
    else if (!Object.is(before, after)) {
      const moved = from === undefined || from === this.#path.at(-1) ? {} : { from };
      this.#add({ change: 'changed', before, after, ...moved });
    }
  }

  #compareObjects(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): void {
    for (const key of Object.keys(before)) {
      this.#at(key, () => {
        if (Object.hasOwn(after, key)) this.compare(before[key], after[key]);
        else this.#add({ change: 'removed', before: before[key] });
      });
    }
    for (const key of Object.keys(after)) {
      if (!Object.hasOwn(before, key)) this.#at(key, () => this.#add({ change: 'added', after: after[key] }));
    }
  }

  #compareArrays(before: readonly unknown[], after: readonly unknown[]): void {
    const match = matchElements(before, after, this.#numbers);
    if (match === undefined) {
      if (!isDeepStrictEqual(before, after)) this.#add({ change: 'changed', before, after });
      return;
    }
    const { pairs, removed, added } = match;
    for (const at of removed) this.#at(at, () => this.#add({ change: 'removed', before: before[at] }));
    for (const at of added) this.#at(at, () => this.#add({ change: 'added', after: after[at] }));
    for (const { from, to, moved, equal } of pairs) {
      this.#at(to, () => {
        if (moved) this.#add({ change: 'moved', from, before: before[from], after: after[to] });
        if (!equal) this.compare(before[from], after[to], from);
      });
    }
  }

  #at(key: string | number, compare: () => void): void {
    this.#path.push(key);
    compare();
    this.#path.pop();
  }

  #add(change: Omit<JsonChange, 'path'>): void {
    if (this.changes.length < changesMax) this.changes.push({ path: [...this.#path], ...change });
    else this.moreChanges++;
  }
}
