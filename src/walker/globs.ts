/**
 * Globs over slash paths, compiled once (micromatch, the matcher behind fast-glob). A pattern without a slash matches at
 * any depth, one with a slash is anchored at the source; a folder that matches brings everything inside it; a trailing slash
 * means folders only.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { UsageError } from '../model/errors.ts';

export interface GlobSet {
  matches(path: string, isDirectory: boolean): boolean;
  /** Whether something inside the folder `path` may match. */
  mayContain(path: string): boolean;
}

interface Pattern {
  readonly matches: (path: string) => boolean;
  readonly isFolderOnly: boolean;
  /** Matchers of the pattern's leading components, for anchored patterns. */
  readonly parents: readonly ((path: string) => boolean)[] | undefined;
}

const patternCharactersMax = 1000;
const require = createRequire(import.meta.url);
const none: GlobSet = { matches: () => false, mayContain: () => false };

export function compileGlobs(patterns: readonly string[]): GlobSet {
  if (patterns.length === 0) return none;
  const compiled = patterns.map(compile);
  return {
    matches: (path, isDirectory) =>
      compiled.some((pattern) => (isDirectory || !pattern.isFolderOnly) && pattern.matches(path)) ||
      ancestorsOf(path).some((folder) => compiled.some((pattern) => pattern.matches(folder))),
    mayContain: (path) => compiled.some((pattern) => mayContain(pattern, path)),
  };
}

function compile(glob: string): Pattern {
  const text = glob.trim().replaceAll('\\\\', '/').replace(/^\.\//, '').replace(/^\//, '');
  if (text === '' || text.length > patternCharactersMax) {
    throw new UsageError(
      `The pattern ${JSON.stringify(glob.slice(0, 60))} is ${text === '' ? 'empty' : 'too long'}`,
    );
  }
  const isFolderOnly = text.endsWith('/');
  const body = text.replace(/\/+$/, '');
  const isAnchored = body.includes('/') || glob.startsWith('/');
  const parts = body.split('/');
  const hasGlobstar = parts.includes('**');
  return {
    isFolderOnly,
    matches: matcher(isAnchored ? body : `**/${body}`),
    parents:
      isAnchored && !hasGlobstar
        ? parts.slice(0, -1).map((_, index) => matcher(parts.slice(0, index + 1).join('/')))
        : undefined,
  };
}

function matcher(pattern: string): (path: string) => boolean {
  const micromatch = require('micromatch') as {
    matcher(pattern: string, options: object): (path: string) => boolean;
  };
  return micromatch.matcher(pattern, { dot: true, nonegate: true });
}

function mayContain(pattern: Pattern, path: string): boolean {
  if (pattern.parents === undefined) return true;
  const depth = path.split('/').length;
  return pattern.parents[depth - 1]?.(path) ?? false;
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
    if (existsSync(pattern)) return [pattern];
    const fastGlob = require('fast-glob') as typeof import('fast-glob');
    const slashed = process.platform === 'win32' ? fastGlob.convertPathToPattern(pattern) : pattern;
    if (!fastGlob.isDynamicPattern(slashed)) return [pattern]; // the walk says that it is not there
    const found = fastGlob.globSync(slashed, { cwd, absolute: true, onlyFiles: false, dot: true }).sort();
    if (found.length === 0) throw new UsageError(`Nothing matches the source ${pattern}`);
    return found;
  });
}
