/** The files that a configuration pulls in with `$include`, with OpenClaw's own limits. */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
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
        follow(
          parseJson5(readFileSync(path, 'utf8'), Number.POSITIVE_INFINITY),
          path,
          [...trail, real],
          depth + 1,
        );
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
    try {
      return problemWithFile(path, trail);
    } catch (error) {
      return messageOf(error); // A loop of links, a name that cannot be one, no permission.
    }
  }

  function problemWithFile(path: string, trail: readonly string[]): string | undefined {
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
  const base = existsSync(root) ? realpathSync(root) : root;
  const inside = relative(base, path);
  return inside !== '' && inside.split(sep)[0] !== '..' && !isAbsolute(inside);
}

/** Every `$include` in a value, at any depth of objects and arrays: a stack, for the depth may be any. */
function* includesIn(value: unknown): Generator<string> {
  const waiting = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    const items = Array.isArray(next) ? next : Object.values(asRecord(next) ?? {});
    for (const item of items.toReversed()) if (typeof item === 'object') waiting.push(item);
    const record = asRecord(next);
    if (record === undefined || !Object.hasOwn(record, '$include')) continue;
    for (const name of [record['$include']].flat()) if (typeof name === 'string' && name !== '') yield name;
  }
}
