/**
 * Secrets out of a text and back into it, by the places where they stand: comments, order, spaces and quotes of everything
 * else stay as they are. A secret that is not here when it should come back takes its key with it: a mark left in its place
 * would be a password that everybody knows. Pure.
 */
import { type EnvPlace, locateEnv } from './env-text.ts';
import { parseJson5 } from './json5.ts';
import { type Json5Place, locateJson5 } from './json5-positions.ts';
import { keyPathText, valueAt } from './key-path.ts';
import {
  isRedactedMark,
  isSecretAt,
  isSecretName,
  isSecretText,
  looksSecret,
  redactedMark,
} from './secrets.ts';

export interface RedactedText {
  readonly text: string;
  /** Key paths of what was replaced, in the order of the text. */
  readonly redacted: readonly string[];
  /** Lines of comments that look as if they held a secret; comments are kept. */
  readonly suspiciousLines: readonly number[];
}

export interface RestoredText {
  readonly text: string;
  /** Key paths whose secret was put back. */
  readonly kept: readonly string[];
  /** Key paths for which there is no secret here; they are gone from the text. */
  readonly missing: readonly string[];
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Edits are in the order of the text and do not overlap. */
function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = '';
  let at = 0;
  for (const edit of edits) {
    result += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return result + text.slice(at);
}

/**
 * @param everything every text in it is secret, as in a file of secrets
 * @throws SyntaxError when the text is not JSON5
 */
export function redactJson5(text: string, everything = false): RedactedText {
  const root = parseJson5(text);
  const leaves = leavesOf(text);
  const edits: Edit[] = [];
  const redacted: string[] = [];
  for (const { path, start, end } of leaves) {
    // The literal and not the value at the path: where a key is there twice, both are to go.
    const value = parseJson5(text.slice(start, end));
    const parent = valueAt(root, path.slice(0, -1));
    const isAny = everything && typeof value === 'string' && isSecretText(value);
    if (!isAny && !isSecretAt(path, value, parent)) continue;
    edits.push({ start, end, text: JSON.stringify(redactedMark) });
    redacted.push(keyPathText(root, path));
  }
  return { text: applyEdits(text, edits), redacted, suspiciousLines: suspiciousComments(text, leaves) };
}

function leavesOf(text: string): Json5Place[] {
  return locateJson5(text).filter(({ start }) => !/[{[]/.test(text[start] ?? ''));
}

/** Comments are what is left when the values are blanked out. */
function suspiciousComments(text: string, leaves: readonly Json5Place[]): number[] {
  const blanked = applyEdits(
    text,
    leaves.map(({ start, end }) => ({ start, end, text: text.slice(start, end).replace(/[^\n]/g, ' ') })),
  );
  const lines: number[] = [];
  for (const { index } of blanked.matchAll(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g)) {
    const length = /^(\/\/[^\n]*|\/\*[\s\S]*?\*\/)/.exec(text.slice(index))?.[0].length ?? 0;
    const comment = text.slice(index, index + length);
    for (const [number, line] of comment.split('\n').entries()) {
      if (isSuspicious(line)) lines.push(text.slice(0, index).split('\n').length + number);
    }
  }
  return lines;
}

/** A commented-out `botToken: "…"`, or something with the looks of a key. */
function isSuspicious(comment: string): boolean {
  const named = /([A-Za-z_][\w-]*)["']?\s*[:=]\s*["']?([^\s"',]{6,})/g;
  return (
    looksSecret(comment) ||
    [...comment.matchAll(named)].some(
      ([, name = '', value = '']) => isSecretName(name) && isSecretText(value),
    )
  );
}

/**
 * @param present the text that is there now, if there is one and it is JSON5
 * @throws SyntaxError when one of the texts is not JSON5
 */
export function restoreJson5(text: string, present: string | undefined): RestoredText {
  const root = parseJson5(text);
  if (!text.includes('REDACTED__')) return { text, kept: [], missing: [] };
  const places = locateJson5(text);
  const marked = places.filter(({ start, end }) => isMarkLiteral(text.slice(start, end)));
  if (marked.length === 0) return { text, kept: [], missing: [] };
  const secrets = present === undefined ? new Map<string, string>() : literalsOf(present);
  const edits: Edit[] = [];
  const kept: string[] = [];
  const missing: string[] = [];
  for (const place of marked) {
    const literal = secrets.get(JSON.stringify(place.path));
    (literal === undefined ? missing : kept).push(keyPathText(root, place.path));
    edits.push(
      literal === undefined
        ? removalOf(text, place, places)
        : { start: place.start, end: place.end, text: literal },
    );
  }
  const restored = applyEdits(text, edits);
  return { text: isJson(text) && !isJson(restored) ? asJson(restored) : restored, kept, missing };
}

/** Whose last member was taken away has a comma too many for readers that know JSON only. */
function asJson(text: string): string {
  return `${JSON.stringify(parseJson5(text), undefined, 2)}\n`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // JSON5, which may have such commas
  }
}

function isMarkLiteral(literal: string): boolean {
  return /^["']/.test(literal) && isRedactedMark(parseJson5(literal));
}

/** Scalars by their path, as they are written; of a key that is there twice, the last, which is the one in force. */
function literalsOf(text: string): Map<string, string> {
  parseJson5(text); // places are those of a text that parses
  const literals = leavesOf(text).map(
    ({ path, start, end }) => [JSON.stringify(path), text.slice(start, end)] as const,
  );
  return new Map(literals.filter(([, literal]) => !isMarkLiteral(literal)));
}

/** From the key (of an element: from itself) to the comma behind it; comments before it stay. */
function removalOf(text: string, place: Json5Place, places: readonly Json5Place[]): Edit {
  const parent = places.findLast(
    ({ path, start, end }) =>
      path.length === place.path.length - 1 && start < place.start && place.end <= end,
  );
  if (parent === undefined) return { start: place.start, end: place.end, text: 'null' }; // it is all there is
  const before = places.findLast(
    ({ path, start, end }) =>
      path.length === place.path.length && start > parent.start && end <= place.start && end <= parent.end,
  );
  const start = skipBlank(text, before === undefined ? parent.start + 1 : before.end, ',');
  const comma = skipBlank(text, place.end);
  return wholeLines(text, start, text[comma] === ',' ? comma + 1 : place.end);
}

/** With the line itself where nothing else stands on it. */
function wholeLines(text: string, start: number, end: number): Edit {
  const before = /[ \t]*$/.exec(text.slice(text.lastIndexOf('\n', start - 1) + 1, start))?.[0] ?? '';
  const after = /^[ \t]*\r?\n/.exec(text.slice(end, end + 100))?.[0] ?? '';
  const isAlone = after !== '' && text[start - before.length - 1] === '\n';
  return {
    start: isAlone ? start - before.length : start,
    end: isAlone ? end + after.length : end,
    text: '',
  };
}

/** The next character that is neither white space nor comment, nor `passed` once. */
function skipBlank(text: string, from: number, passed = ''): number {
  const blank = /(?:[\s\ufeff]|\/\/[^\n\r\u2028\u2029]*|\/\*[\s\S]*?\*\/)*/y;
  blank.lastIndex = from;
  const at = from + (blank.exec(text)?.[0].length ?? 0);
  return passed !== '' && text[at] === passed ? skipBlank(text, at + 1) : at;
}

/** Every value of a `.env` is secret. Undefined when there are lines whose meaning is unknown: the whole text is secret then. */
export function redactEnv(text: string): RedactedText | undefined {
  const { places, comments, strangeLines } = locateEnv(text);
  if (strangeLines.length > 0) return undefined;
  const secret = places.filter(({ start, end }) => isSecretText(unquoted(text.slice(start, end))));
  return {
    text: applyEdits(
      text,
      secret.map(({ start, end }) => ({ start, end, text: redactedMark })),
    ),
    redacted: secret.map(({ name }) => name),
    suspiciousLines: comments.filter((comment) => isSuspicious(comment.text)).map(({ line }) => line),
  };
}

export function restoreEnv(text: string, present: string | undefined): RestoredText {
  const marked = locateEnv(text).places.filter((place) => isRedactedMark(envValue(text, place)));
  const secrets = new Map(
    locateEnv(present ?? '').places.map((place) => [
      place.name,
      (present ?? '').slice(place.start, place.end),
    ]),
  );
  const edits = marked.map((place): Edit => {
    const secret = secrets.get(place.name);
    return secret === undefined
      ? { start: place.lineStart, end: place.lineEnd, text: '' }
      : { start: place.start, end: place.end, text: secret };
  });
  const names = marked.map(({ name }) => name);
  return {
    text: applyEdits(text, edits),
    kept: names.filter((name) => secrets.has(name)),
    missing: names.filter((name) => !secrets.has(name)),
  };
}

function envValue(text: string, { start, end }: EnvPlace): string {
  return unquoted(text.slice(start, end));
}

function unquoted(value: string): string {
  return /^(["'`])([\s\S]*)\1$/.exec(value)?.[2] ?? value;
}
