/** Reading values of unknown shape: OpenClaw's configuration is JSON5 that people edit. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** json5 is loaded when the text is not plain JSON, as OpenClaw itself writes it. @throws SyntaxError with line and column */
export function parseJson5(text: string): unknown {
  const plain = text.replace(/^\ufeff/, '');
  try {
    return JSON.parse(plain);
  } catch {
    const { parse } = require('json5') as { parse(text: string): unknown };
    return parse(plain);
  }
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
