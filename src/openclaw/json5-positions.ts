/**
 * Where the keys and values of a JSON5 text stand: for messages that name a line, and for changes that leave comments and
 * everything else as they are. It trusts that json5 has parsed the text; it only finds places.
 *
 * Source: the JSON5 specification 1.0.0 (tokens, white space, comments).
 */

/** One value: `[start, end)` in characters, and the line of its key (or of itself in an array). Lines count from 1. */
export interface Json5Place {
  /** Keys, and numbers of array elements as text, from the root. */
  readonly path: readonly string[];
  readonly start: number;
  readonly end: number;
  readonly line: number;
}

/** Every value of the text, the root first, in the order of their ends of keys. */
export function locateJson5(text: string): Json5Place[] {
  return new Locator(text).run();
}

/** The line of a key path, or of the nearest thing above it that is there. */
export function lineOfJson5(text: string, path: readonly string[]): number {
  const places = locateJson5(text);
  for (let length = path.length; length >= 0; length--) {
    const found = places.findLast(
      (place) => place.path.length === length && place.path.every((key, index) => key === path[index]),
    );
    if (found !== undefined) return found.line;
  }
  return 1;
}

class Locator {
  readonly #text: string;
  readonly #places: Json5Place[] = [];
  #at = 0;
  #lineNumber = 1;
  /** Where that line ends; below zero: with the text. */
  #lineEnd: number;

  constructor(text: string) {
    this.#text = text;
    this.#lineEnd = text.indexOf('\n');
  }

  run(): Json5Place[] {
    this.#skip();
    this.#value([], this.#line());
    return this.#places;
  }

  #value(path: readonly string[], line: number): void {
    const start = this.#at;
    const index = this.#places.push({ path, start, end: start, line }) - 1;
    const first = this.#text[this.#at];
    if (first === '{') this.#members(path, '}');
    else if (first === '[') this.#members(path, ']');
    else if (first === '"' || first === "'") this.#string();
    else this.#at += /^[^\s,\]}/]*/.exec(this.#text.slice(this.#at))?.[0].length ?? 0;
    this.#places[index] = { path, start, end: this.#at, line };
  }

  #members(path: readonly string[], closing: '}' | ']'): void {
    this.#at++;
    for (let element = 0; ; element++) {
      this.#skip();
      if (this.#at >= this.#text.length) return;
      if (this.#text[this.#at] === closing) {
        this.#at++;
        return;
      }
      const line = this.#line();
      const key = closing === '}' ? this.#key() : String(element);
      this.#value([...path, key], line);
      this.#skip();
      if (this.#text[this.#at] === ',') this.#at++;
    }
  }

  #key(): string {
    const start = this.#at;
    const quote = this.#text[start];
    let key: string;
    if (quote === '"' || quote === "'") {
      this.#string();
      key = withoutEscapes(this.#text.slice(start + 1, this.#at - 1));
    } else {
      this.#at += /^[^\s:/]*/.exec(this.#text.slice(start))?.[0].length ?? 0;
      key = withoutEscapes(this.#text.slice(start, this.#at));
    }
    this.#skip();
    this.#at++; // the colon
    this.#skip();
    return key;
  }

  #string(): void {
    const quote = this.#text[this.#at++];
    while (this.#at < this.#text.length && this.#text[this.#at] !== quote) {
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    }
    this.#at++;
  }

  /** White space and comments. */
  #skip(): void {
    const blank = /(?:[\s\ufeff]|\/\/[^\n\r\u2028\u2029]*|\/\*[\s\S]*?\*\/)*/y;
    blank.lastIndex = this.#at;
    this.#at += blank.exec(this.#text)?.[0].length ?? 0;
  }

  /** Goes on from where it was asked last: 60,000 keys take 0.2 s; counted from the start each time they took 26 s. */
  #line(): number {
    while (this.#lineEnd >= 0 && this.#lineEnd < this.#at) {
      this.#lineNumber++;
      this.#lineEnd = this.#text.indexOf('\n', this.#lineEnd + 1);
    }
    return this.#lineNumber;
  }
}

const shortEscapes: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  0: '\0',
};

function withoutEscapes(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\s\S]))/g, (_, four, two, one) => {
    if (four !== undefined || two !== undefined) return String.fromCharCode(Number.parseInt(four ?? two, 16));
    return /[\n\r\u2028\u2029]/.test(one) ? '' : (shortEscapes[one] ?? one);
  });
}
