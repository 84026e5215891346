/**
 * The file that makes a folder a repository. Nothing in it is needed to read packs and snapshots, which say themselves what
 * they are: when it is damaged or gone, a repair writes it anew.
 */
import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cutParameters } from '../chunker/parameters.ts';
import {
  formatName,
  formatParameters,
  formatVersion,
  isEncrypted,
  parseParameters,
  type RepositoryParameters,
} from '../codec/parameters.ts';
import { makePrivateFolder, publishFile, withPath } from '../io/files.ts';
import type { RandomBytes } from '../model/clock.ts';
import {
  DamageError,
  ExuviaError,
  NoRepositoryError,
  ParametersDamageError,
  RepositoryFormatError,
} from '../model/errors.ts';
import type { PackId } from '../model/ids.ts';
import { limits } from '../model/limits.ts';
import { idOfIndex } from './index-schema.ts';
import { freeName, parametersName, type RepositoryLayout, repositoryLayout } from './layout.ts';
import { isSealedPack, listPackFiles, readPackDirectory } from './pack-files.ts';

const compressionLevel = 3;

export interface FoundParameters {
  readonly parameters: RepositoryParameters;
  readonly parametersDamage: ExuviaError | undefined;
}

export function newParameters(id: string, nowMs: number): RepositoryParameters {
  return {
    format: formatName,
    version: formatVersion,
    id,
    created: new Date(nowMs).toISOString(),
    requiredFeatures: [],
    hash: 'blake3-256',
    chunker: cutParameters,
    compression: { codec: 'zstd', level: compressionLevel },
    keySlots: [],
  };
}

export function newRepositoryId(random: RandomBytes): string {
  return Buffer.from(random(16)).toString('hex');
}

/** Of the repository in a folder, to find its keys by; undefined where there is none, or nothing to be read. */
export function findParametersIn(root: string): RepositoryParameters | undefined {
  const layout = repositoryLayout(root);
  if (!holdsParameters(layout)) return undefined;
  try {
    return readParameters(layout.parameters, layout);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return readCopy(layout);
  }
}

/** @throws NoRepositoryError, RepositoryFormatError, DamageError, FileSystemError */
export function findParameters(
  layout: RepositoryLayout,
  options: { readonly repairs?: boolean; readonly random: RandomBytes; readonly nowMs: number },
): FoundParameters {
  try {
    const parameters = readParameters(layout.parameters, layout);
    return { parameters, parametersDamage: isEncrypted(parameters) ? copyDamage(layout) : undefined };
  } catch (error) {
    const copy = isDamage(error) ? readCopy(layout) : undefined;
    if (copy !== undefined && isDamage(error)) return { parameters: copy, parametersDamage: error };
    if (options.repairs !== true || !isDamage(error) || !holdsReadablePack(layout)) throw error;
    const id = idOfIndex(layout.index) ?? newRepositoryId(options.random);
    return { parameters: newParameters(id, options.nowMs), parametersDamage: error };
  }
}

/** Keeps what was there in `damaged/`. Returns where, if anything was. */
export function rewriteParameters(
  layout: RepositoryLayout,
  parameters: RepositoryParameters,
  temporary: string,
): string | undefined {
  let kept: string | undefined;
  if (existsSync(layout.parameters)) {
    makePrivateFolder(layout.damaged);
    kept = freeName(join(layout.damaged, parametersName));
    const bytes = withPath('read', layout.parameters, () => readFileSync(layout.parameters));
    publishFile(kept, bytes, temporary);
  }
  writeParameters(layout, parameters, temporary);
  return kept;
}

function readParameters(path: string, layout: RepositoryLayout): RepositoryParameters {
  if (!existsSync(path)) throw missing(layout);
  return withPath('read', path, () => {
    const { size } = statSync(path);
    if (size > limits.parametersFileBytesMax) throw new ParametersDamageError(path, `is ${size} bytes long`);
    return parseParameters(readFileSync(path, 'utf8'), path);
  });
}

/** The copy that an encrypted repository has; undefined when it is of no use either. */
function readCopy(layout: RepositoryLayout): RepositoryParameters | undefined {
  if (!existsSync(layout.parametersCopy)) return undefined;
  try {
    const parameters = readParameters(layout.parametersCopy, layout);
    return isEncrypted(parameters) ? parameters : undefined;
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/** What is wrong with the copy. A run that was cut off between the two leaves them different as well. */
function copyDamage(layout: RepositoryLayout): DamageError | undefined {
  const { parameters, parametersCopy } = layout;
  return withPath('read', parametersCopy, () => {
    if (!existsSync(parametersCopy)) return new ParametersDamageError(parametersCopy, 'it is gone');
    if (readFileSync(parametersCopy).equals(readFileSync(parameters))) return undefined;
    return new ParametersDamageError(parametersCopy, `it differs from ${parametersName}`);
  });
}

/** Whether the folder is a repository, be it a damaged one. */
export function holdsParameters(layout: RepositoryLayout): boolean {
  return existsSync(layout.parameters) || existsSync(layout.parametersCopy);
}

/** The copy first: a crash in between leaves the old file in force. */
export function writeParameters(
  layout: RepositoryLayout,
  parameters: RepositoryParameters,
  temporary: string,
): void {
  const bytes = Buffer.from(formatParameters(parameters));
  if (isEncrypted(parameters)) publishFile(layout.parametersCopy, bytes, temporary);
  publishFile(layout.parameters, bytes, temporary);
}

/** What is in the way of a new repository without encryption. */
export function holdsSealedPack(layout: RepositoryLayout): boolean {
  const [first] = listPackFiles(layout);
  return first !== undefined && isSealedPack(layout, first);
}

/** A version or feature that is not known may be a changed bit, where the checksum is wrong as well. */
function isDamage(error: unknown): error is ExuviaError {
  return error instanceof DamageError || (error instanceof RepositoryFormatError && error.isChecksumWrong);
}

function missing(layout: RepositoryLayout): ExuviaError {
  const stat = lstatSync(layout.root, { throwIfNoEntry: false });
  if (stat === undefined) return new NoRepositoryError(layout.root);
  if (!statSync(layout.root).isDirectory()) return NoRepositoryError.ofFile(layout.root);
  if (existsSync(layout.parametersCopy) || listPackFiles(layout).size > 0)
    return new ParametersDamageError(layout.parameters, 'it is gone, but there are packs');
  return new NoRepositoryError(layout.root, `the folder has no ${parametersName}`);
}

/** That a pack can be read proves that this program knows the format. */
function holdsReadablePack(layout: RepositoryLayout): boolean {
  return [...listPackFiles(layout)].some((id) => isReadablePack(layout, id));
}

function isReadablePack(layout: RepositoryLayout, id: PackId): boolean {
  try {
    readPackDirectory(layout, id);
    return true;
  } catch (error) {
    if (error instanceof ExuviaError) return false;
    throw error;
  }
}
