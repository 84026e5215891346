/** A file that a command was told to make, from text that it has. */
import { existsSync, statSync } from 'node:fs';
import { publishFile, temporaryBeside } from '../io/files.ts';
import { UsageError } from '../model/errors.ts';
import type { Environment } from './environment.ts';
import { resolvePath } from './places.ts';

/** Says at once what would stop it, before the work for it begins. Returns the absolute path. */
export function planPage(environment: Environment, name: string, overwrite: boolean): string {
  if (name === '') throw new UsageError('The file to write has an empty name');
  const path = resolvePath(environment, name);
  if (!existsSync(path)) return path;
  if (statSync(path).isDirectory()) throw new UsageError(`${path} is a folder`, 'Name a file in it.');
  if (overwrite) return path;
  throw new UsageError(`${path} exists already`, 'Choose another name, or give --overwrite.');
}

/** Whole or not at all, and for its owner alone. */
export function writePage(environment: Environment, path: string, content: string): void {
  const unique = Buffer.from(environment.random(6)).toString('hex');
  publishFile(path, Buffer.from(content), temporaryBeside(path, unique));
}
