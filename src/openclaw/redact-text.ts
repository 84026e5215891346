/** Secrets out of files of any kind of text: by the names they stand behind, by what they look like, and by being known. Pure. */
import { asBuffer } from '../model/ids.ts';
import { parseJson5 } from './json5.ts';
import { redactJson5 } from './redaction.ts';
import { isSecretAt, isSecretText, looksSecret, maskLooks, maskNamed, redactedMark } from './secrets.ts';

export interface CleanText {
  readonly text: string;
  /** How many values were replaced. */
  readonly count: number;
}

/** @param known secrets of the same home, wherever they stand */
export function cleanText(path: string, text: string, known: readonly string[]): CleanText {
  const byKeys = /\.json5?$/i.test(path) ? cleanJson(text) : undefined;
  const first = byKeys ?? (/\.(jsonl|ndjson)$/i.test(path) ? cleanLines(text) : { text, count: 0 });
  return addCounts(first, cleanPlain(first.text, known));
}

function addCounts(first: CleanText, then: CleanText): CleanText {
  return { text: then.text, count: first.count + then.count };
}

/** Undefined for what is not JSON5: a text like any other. */
function cleanJson(text: string): CleanText | undefined {
  try {
    const { text: redacted, redacted: places } = redactJson5(text);
    return { text: redacted, count: places.length };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Records, a line each. */
function cleanLines(text: string): CleanText {
  let count = 0;
  const lines = text.split('\n').map((line) => {
    const clean = cleanRecord(line);
    count += clean?.count ?? 0;
    return clean?.text ?? line;
  });
  return { text: lines.join('\n'), count };
}

/** A record in JSON; undefined when it is none, or nothing in it is secret. */
export function cleanRecord(text: string): CleanText | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    const counter = { count: 0 };
    const value = cleanValue([], JSON.parse(text), {}, counter);
    return counter.count === 0 ? undefined : { text: JSON.stringify(value), count: counter.count };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    if (error instanceof RangeError) return { text: JSON.stringify(redactedMark), count: 1 }; // nested without end
    throw error;
  }
}

function cleanValue(
  path: readonly string[],
  value: unknown,
  parent: unknown,
  counter: { count: number },
): unknown {
  if (Array.isArray(value))
    return value.map((one, index) => cleanValue([...path, String(index)], one, value, counter));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(
      ([name, one]) => [name, cleanValue([...path, name], one, value, counter)] as const,
    );
    return Object.fromEntries(entries);
  }
  if (typeof value !== 'string' || !isSecretText(value)) return value;
  if (isSecretAt(path, value, parent) && !looksSecret(value)) {
    counter.count++;
    return redactedMark;
  }
  const clean = cleanPlain(value, []);
  counter.count += clean.count;
  return clean.text;
}

function cleanPlain(text: string, known: readonly string[]): CleanText {
  let count = 0;
  const replace = (): string => {
    count++;
    return redactedMark;
  };
  const masked = maskLooks(maskNamed(text, replace), replace);
  return { text: known.reduce((clean, secret) => clean.replaceAll(secret, replace), masked), count };
}

/** Whether bytes that are no text hold something that looks like a secret, or is one. */
export function holdsSecret(bytes: Uint8Array, known: readonly string[]): boolean {
  return looksSecret(asBuffer(bytes).toString('latin1')) || holdsKnown(bytes, known);
}

export function holdsKnown(bytes: Uint8Array, known: readonly string[]): boolean {
  return known.some((secret) => asBuffer(bytes).includes(secret));
}

/** Shorter ones may be words, and would be replaced everywhere. */
const knownCharactersMin = 10;

/** Secrets in a JSON5 text or lines of variables that may stand elsewhere too. */
export function knownSecretsIn(text: string): string[] {
  const found = new Set<string>();
  try {
    collect([], parseJson5(text), {}, found);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    for (const [, value = ''] of text.matchAll(/^\s*(?:export\s+)?[\w.]+\s*=\s*["']?([^"'\n]*)["']?\s*$/gm))
      add(value, found);
  }
  return [...found].sort((a, b) => b.length - a.length);
}

function collect(path: readonly string[], value: unknown, parent: unknown, found: Set<string>): void {
  if (typeof value === 'object' && value !== null) {
    for (const [name, one] of Object.entries(value)) collect([...path, name], one, value, found);
  } else if (typeof value === 'string' && isSecretAt(path, value, parent)) add(value, found);
}

function add(value: string, found: Set<string>): void {
  if (value.length >= knownCharactersMin && isSecretText(value)) found.add(value);
}
