/** Reading values of unknown shape: OpenClaw's configuration is JSON5 that people edit. */
import { createRequire } from 'node:module';
import { limits } from '../model/limits.ts';

const require = createRequire(import.meta.url);

/**
 * json5 is loaded when the text is not plain JSON, as OpenClaw itself writes it. `nestingMax` may be infinite for who walks the value
 * without recursion. @throws SyntaxError with line and column
 */
export function parseJson5(text: string, nestingMax: number = limits.jsonNestingMax): unknown {
  const plain = text.replace(/^\ufeff/, '');
  try {
    return parseJson(plain, nestingMax);
  } catch (error) {
    if (error instanceof JsonBoundsError) throw error;
  }
  // Where texts and comments begin and end is not known yet, so marks in them count too.
  mustHaveFewer(plain, limits.json5ValuesMax, () => false);
  const { parse } = require('json5') as { parse(text: string): unknown };
  return mustBeShallow(parse(plain), nestingMax);
}

/** Well-formed, and more than can be worked with. */
export class JsonBoundsError extends SyntaxError {}

/**
 * JSON from anyone: a few bytes make a value that takes fifty in memory, and what walks values by recursion has an end. Neither may
 * be found out by running into it. @throws SyntaxError
 */
export function parseJson(text: string, nestingMax: number = limits.jsonNestingMax): unknown {
  mustHaveFewer(text, limits.jsonValuesMax, (code) => code === quote);
  return mustBeShallow(JSON.parse(text), nestingMax);
}

const [quote, backslash, comma, openBracket, openBrace] = [0x22, 0x5c, 0x2c, 0x5b, 0x7b];

/** Commas and opening brackets outside of what `beginsText`: as many as values, or more. */
function mustHaveFewer(text: string, max: number, beginsText: (code: number) => boolean): void {
  if (text.length <= max) return;
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (beginsText(code)) at = endOfText(text, at);
    else if (code === comma || code === openBracket || code === openBrace) count++;
    if (count > max) throw new JsonBoundsError(`it holds more than ${max} values`);
  }
}

function endOfText(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1;
  return at;
}

function mustBeShallow(value: unknown, nestingMax: number): unknown {
  if (Number.isFinite(nestingMax) && isDeeper(value, nestingMax))
    throw new JsonBoundsError(`it is nested more than ${nestingMax} deep`);
  return value;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeper(item, levels - 1));
}

export function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** The object at a path of own keys. */
export function recordAt(
  value: unknown,
  ...path: readonly string[]
): Readonly<Record<string, unknown>> | undefined {
  let at = asRecord(value);
  for (const key of path) at = at !== undefined && Object.hasOwn(at, key) ? asRecord(at[key]) : undefined;
  return at;
}

export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const parent = recordAt(value, ...path.slice(0, -1));
  const key = path.at(-1) ?? '';
  return parent !== undefined && Object.hasOwn(parent, key) ? asText(parent[key]) : undefined;
}
