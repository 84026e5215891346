/** The files that a configuration pulls in with `$include`, with OpenClaw's own limits. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { messageOf } from '../model/errors.ts';
import { asRecord, parseJson5 } from './json5.ts';

const depthMax = 10;
const fileBytesMax = 2 * 1024 * 1024;
const pathCharactersMax = 4096;

/** Absolute paths, each once. What cannot be followed is a problem, not an error. */
export function findIncludes(
  configPath: string,
  config: Readonly<Record<string, unknown>>,
  roots: readonly string[],
  problems: string[],
): string[] {
  const found = new Map<string, string>();
  const allowed = [dirname(configPath), ...roots];
  follow(config, configPath, [configPath], 1);
  return [...found.values()];

  function follow(value: unknown, file: string, trail: readonly string[], depth: number): void {
    for (const name of includesIn(value)) {
      const path = resolve(dirname(file), name);
      const problem = problemWith(path, name, trail, depth);
      if (problem !== undefined) {
        problems.push(`The configuration includes ${name}, which is not followed: ${problem}`);
        continue;
      }
      const real = realpathSync(path);
      if (found.has(real)) continue;
      found.set(real, path);
      try {
        follow(parseJson5(readFileSync(path, 'utf8')), path, [...trail, real], depth + 1);
      } catch (error) {
        problems.push(`The included file ${path} does not parse: ${messageOf(error)}`);
      }
    }
  }

  function problemWith(
    path: string,
    name: string,
    trail: readonly string[],
    depth: number,
  ): string | undefined {
    if (name.length >= pathCharactersMax) return 'its path is too long';
    if (depth > depthMax) return `it is more than ${depthMax} files deep`;
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile()) return 'there is no such file';
    if (stat.size > fileBytesMax) return 'it is larger than 2 MiB';
    const real = realpathSync(path);
    if (trail.includes(real)) return 'it includes itself';
    if (!allowed.some((root) => isBelow(real, root)))
      return 'it lies outside the folders that may be included';
    return undefined;
  }
}

function isBelow(path: string, root: string): boolean {
  const base = statSync(root, { throwIfNoEntry: false }) === undefined ? root : realpathSync(root);
  const inside = relative(base, path);
  return inside !== '' && !inside.startsWith('..');
}

/** Every `$include` in a value, at any depth of objects and arrays. */
function* includesIn(value: unknown): Generator<string> {
  if (Array.isArray(value)) {
    for (const item of value) yield* includesIn(item);
    return;
  }
  for (const [key, item] of Object.entries(asRecord(value) ?? {})) {
    if (key !== '$include') yield* includesIn(item);
    else for (const name of [item].flat()) if (typeof name === 'string' && name !== '') yield name;
  }
}
