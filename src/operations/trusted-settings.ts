/**
 * Which settings files came from elsewhere: a restore or an import brought them, so their hooks, which are commands, do not
 * run until the user says so. Kept by the hash of the content in the user's own state folder, not in the home or the
 * repository, which travel. A file that the user edits afterwards has another hash, and is the user's.
 */

import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { publishFile, temporaryBeside } from '../io/files.ts';
import { ExuviaError, errnoOf, FileSystemError } from '../model/errors.ts';
import type { Environment } from './environment.ts';

const require = createRequire(import.meta.url);

interface Content {
  readonly content: Uint8Array;
}

interface Marks {
  readonly untrusted: readonly string[];
}

/** More are forgotten, the oldest first: each is a settings file of some restore. */
const marksMax = 20_000;
/** Far more than any home has, and too few for a restore to have the marks of others forgotten. */
const marksAtOnceMax = 500;

export function isUntrusted(environment: Environment, file: Content): boolean {
  return readMarks(environment).untrusted.includes(hashOf(file));
}

export function markUntrusted(environment: Environment, ...files: readonly Content[]): void {
  const hashes = new Set(files.map(hashOf));
  if (hashes.size > marksAtOnceMax) {
    throw new ExuviaError(
      `There are ${hashes.size} settings files with commands in it (limit marksAtOnceMax: ${marksAtOnceMax})`,
      { code: 'ERR_TOO_MANY_SETTINGS', hint: 'No home has so many. Leave them out with --only or --path.' },
    );
  }
  const known = new Set(readMarks(environment).untrusted);
  const fresh = [...hashes].filter((hash) => !known.has(hash));
  if (fresh.length > 0) writeMarks(environment, { untrusted: [...known, ...fresh].slice(-marksMax) });
}

export function allowHooks(environment: Environment, file: Content): void {
  const { untrusted } = readMarks(environment);
  writeMarks(environment, { untrusted: untrusted.filter((hash) => hash !== hashOf(file)) });
}

function marksPath({ env, osHome }: Environment): string {
  return join(env['XDG_STATE_HOME'] || join(osHome, '.local', 'state'), 'exuvia', 'untrusted-settings.json');
}

function readMarks(environment: Environment): Marks {
  const path = marksPath(environment);
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Marks>;
    const untrusted = Array.isArray(value.untrusted) ? value.untrusted : [];
    return { untrusted: untrusted.filter((hash) => typeof hash === 'string') };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return { untrusted: [] };
    throw new FileSystemError('read', path, error);
  }
}

function writeMarks(environment: Environment, marks: Marks): void {
  const path = marksPath(environment);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const unique = Buffer.from(environment.random(6)).toString('hex');
  publishFile(path, Buffer.from(`${JSON.stringify(marks, undefined, 2)}\n`), temporaryBeside(path, unique));
}

function hashOf({ content }: Content): string {
  const { createHash } = require('node:crypto') as typeof import('node:crypto');
  return createHash('sha256').update(content).digest('hex');
}
