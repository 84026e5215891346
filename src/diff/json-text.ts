/**
 * A JSON or JSON5 text, read with care: nested too deeply it is refused before anything recurses into it, and what parsing
 * loses (comments, numbers that a double cannot hold) is kept for comparing.
 *
 * Source: the JSON5 specification 1.0.0 (tokens, comments).
 */
import { createRequire } from 'node:module';

export interface JsonText {
  readonly value: unknown;
  /** In order, without the blanks around them. */
  readonly comments: readonly string[];
  /** As they are written, where parsing and printing gives other digits. */
  readonly roundedNumbers: readonly string[];
}

/** Levels of nesting: what walks a value may recurse. */
const depthMax = 1000;
/** Of one version, keys included. Two of so many take 0.6 s and 140 MB where few differ, 4 s and 200 MB where all do. */
const valuesMax = 750_000;
/** Only people write JSON5; json5 takes 1.5 s for a text of this size that is all numbers. */
const json5CharactersMax = 1024 * 1024;

const require = createRequire(import.meta.url);

/** A reason instead of a value when it cannot be read. Reasons hold nothing of the text, which may be secret. */
export function parseJsonText(text: string): JsonText | string {
  const plain = text.startsWith('\ufeff') ? text.slice(1) : text;
  const { depth, values, comments, roundedNumbers } = new JsonScan(plain).run();
  if (depth > depthMax) return `nested more than ${depthMax} levels deep`;
  if (values > valuesMax) return `more than ${valuesMax} keys and values`;
  const value = parseEither(plain);
  return typeof value === 'string' ? value : { value: value.parsed, comments, roundedNumbers };
}

function parseEither(text: string): { readonly parsed: unknown } | string {
  try {
    return { parsed: JSON.parse(text) };
  } catch {
    if (text.length > json5CharactersMax) return 'not JSON, and too long to be read as JSON5';
  }
  try {
    const { parse } = require('json5') as { parse(text: string): unknown };
    return { parsed: parse(text) };
  } catch {
    return 'not JSON';
  }
}

const lineEnd = /[\n\r\u2028\u2029]/g;
const blockEnd = /\*\//g;
const wordEnd = /[^\w$.+-]/g;
const digitsKept = 15; // a double holds any number of so many digits

interface Scanned extends Omit<JsonText, 'value'> {
  readonly depth: number;
  readonly values: number;
}

/** Goes over the tokens once. Of a text that is no JSON it says something, in the same time. */
class JsonScan {
  readonly #text: string;
  readonly #comments: string[] = [];
  readonly #rounded: string[] = [];
  #at = 0;
  #depth = 0;
  #deepest = 0;
  #values = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): Scanned {
    while (this.#at < this.#text.length) this.#token(this.#text.charCodeAt(this.#at));
    return {
      depth: this.#deepest,
      values: this.#values,
      comments: this.#comments,
      roundedNumbers: this.#rounded,
    };
  }

  #token(code: number): void {
    if (code === 0x22 || code === 0x27) this.#string(code);
    else if (code === 0x2f) this.#comment();
    else if (code === 0x7b || code === 0x5b) this.#open();
    else if (code === 0x7d || code === 0x5d) this.#close();
    else if (isWordCode(code)) this.#word();
    else this.#at++;
  }

  #open(): void {
    this.#at++;
    this.#values++;
    this.#deepest = Math.max(this.#deepest, ++this.#depth);
  }

  #close(): void {
    this.#at++;
    this.#depth--;
  }

  #string(quote: number): void {
    this.#at++;
    this.#values++;
    while (this.#at < this.#text.length) {
      const code = this.#text.charCodeAt(this.#at++);
      if (code === quote) return;
      if (code === 0x5c) this.#at++;
    }
  }

  #comment(): void {
    const second = this.#text[this.#at + 1];
    if (second !== '/' && second !== '*') {
      this.#at++;
      return;
    }
    const end = this.#find(second === '/' ? lineEnd : blockEnd, this.#at + 2);
    this.#comments.push(this.#text.slice(this.#at + 2, end).trim());
    this.#at = second === '/' ? end : end + 2;
  }

  /** A number, `true`, or a key without quotes. */
  #word(): void {
    const end = this.#find(wordEnd, this.#at + 1);
    const word = this.#text.slice(this.#at, end);
    this.#at = end;
    this.#values++;
    if (!/^[\d.+-]/.test(word)) return;
    if ((word.length > digitsKept || /^[^x]*e/i.test(word)) && String(Number(word)) !== word) {
      this.#rounded.push(word);
    }
  }

  #find(pattern: RegExp, from: number): number {
    pattern.lastIndex = from;
    const found = pattern.exec(this.#text);
    return found === null ? this.#text.length : found.index;
  }
}

/** What a number or a name begins with. */
function isWordCode(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2d ||
    code === 0x2b ||
    code === 0x2e ||
    code === 0x24 ||
    code === 0x5f ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a)
  );
}
