/**
 * Globs over slash paths, compiled once (micromatch, the matcher behind fast-glob). A pattern without a slash matches at
 * any depth, one with a slash is anchored at the source; a folder that matches brings everything inside it; a trailing slash
 * means folders only; a backslash takes away the meaning of what follows it.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { UsageError } from '../model/errors.ts';

export interface GlobSet {
  /** Whether nothing matches: who asks need not make a path of a key. */
  readonly isEmpty: boolean;
  matches(path: string, isDirectory: boolean): boolean;
  /** Whether something inside the folder `path` may match. */
  mayContain(path: string): boolean;
}

interface Pattern {
  readonly matches: (path: string) => boolean;
  readonly isFolderOnly: boolean;
  /** Matchers of the folders above a match, outermost first: for anchored patterns, as far as their names are certain. */
  readonly parents: readonly ((path: string) => boolean)[];
  /** Whether a match may lie deeper than below the last of `parents`. */
  readonly isOpen: boolean;
}

const patternCharactersMax = 1000;
const require = createRequire(import.meta.url);
const none: GlobSet = { isEmpty: true, matches: () => false, mayContain: () => false };

export function compileGlobs(patterns: readonly string[]): GlobSet {
  if (patterns.length === 0) return none;
  const compiled = patterns.map(compile);
  return {
    isEmpty: false,
    matches: (path, isDirectory) =>
      compiled.some((pattern) => (isDirectory || !pattern.isFolderOnly) && pattern.matches(path)) ||
      ancestorsOf(path).some((folder) => compiled.some((pattern) => pattern.matches(folder))),
    mayContain: (path) => compiled.some((pattern) => mayContain(pattern, path)),
  };
}

function compile(glob: string): Pattern {
  const trimmed = glob.trim();
  const text = trimmed.replace(/^\.\//, '').replace(/^\/+/, '');
  const body = text.replace(/\/+$/, '');
  if (body === '' || body.length > patternCharactersMax) {
    throw new UsageError(
      `The pattern ${JSON.stringify(glob.slice(0, 60))} is ${body === '' ? 'empty' : 'too long'}`,
    );
  }
  const isAnchored = body.includes('/') || trimmed.startsWith('/');
  const folders = isAnchored ? body.split('/').slice(0, -1) : [];
  const certain = folders.slice(0, certainCount(folders));
  return {
    isFolderOnly: body !== text,
    matches: matcher(isAnchored ? body : `**/${body}`),
    parents: certain.map((_, index) => matcher(certain.slice(0, index + 1).join('/'))),
    isOpen: !isAnchored || certain.length < folders.length || hasDepth(body.slice(body.lastIndexOf('/') + 1)),
  };
}

/** How many leading components stand for one name each. */
function certainCount(parts: readonly string[]): number {
  const first = parts.findIndex(hasDepth);
  return first < 0 ? parts.length : first;
}

/** Whether it may stand for several names: two stars do, and braces, groups and classes may hold slashes. */
function hasDepth(part: string): boolean {
  return /\*\*|[{}()[\]\\]/.test(part);
}

function matcher(pattern: string): (path: string) => boolean {
  const micromatch = require('micromatch') as {
    matcher(pattern: string, options: object): (path: string) => boolean;
  };
  // Flag s: a name may hold a newline.
  return micromatch.matcher(pattern, { dot: true, nonegate: true, flags: 's' });
}

function mayContain({ parents, isOpen }: Pattern, path: string): boolean {
  const parts = path.split('/');
  if (parts.length > parents.length && !isOpen) return false;
  const depth = Math.min(parts.length, parents.length);
  return depth === 0 || (parents[depth - 1]?.(parts.slice(0, depth).join('/')) ?? false);
}

/** Every folder above a path, outermost first. */
function ancestorsOf(path: string): string[] {
  const folders: string[] = [];
  for (let cut = path.indexOf('/'); cut >= 0; cut = path.indexOf('/', cut + 1))
    folders.push(path.slice(0, cut));
  return folders;
}

/** Paths as given; a name that does not exist and has glob characters stands for what it matches. */
export function expandSourcePatterns(patterns: readonly string[], cwd: string): string[] {
  return patterns.flatMap((pattern) => {
    if (existsSync(resolve(cwd, pattern))) return [pattern];
    const fastGlob = require('fast-glob') as typeof import('fast-glob');
    const slashed = process.platform === 'win32' ? fastGlob.convertPathToPattern(pattern) : pattern;
    if (!fastGlob.isDynamicPattern(slashed)) return [pattern]; // the walk says that it is not there
    const found = fastGlob.globSync(slashed, { cwd, absolute: true, onlyFiles: false, dot: true }).sort();
    if (found.length === 0) throw new UsageError(`Nothing matches the source ${pattern}`);
    return found;
  });
}
