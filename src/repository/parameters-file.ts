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
import { freeName, parametersName, type RepositoryLayout } from './layout.ts';
import { listPackFiles, readPackDirectory } from './pack-files.ts';

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

/** @throws NoRepositoryError, RepositoryFormatError, DamageError, FileSystemError */
export function findParameters(
  layout: RepositoryLayout,
  options: { readonly repairs?: boolean; readonly random: RandomBytes; readonly nowMs: number },
): FoundParameters {
  try {
    return { parameters: readParameters(layout), parametersDamage: undefined };
  } catch (error) {
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
  publishFile(layout.parameters, Buffer.from(formatParameters(parameters)), temporary);
  return kept;
}

function readParameters(layout: RepositoryLayout): RepositoryParameters {
  if (!existsSync(layout.parameters)) throw missing(layout);
  return withPath('read', layout.parameters, () => {
    const { size } = statSync(layout.parameters);
    if (size > limits.parametersFileBytesMax)
      throw new ParametersDamageError(layout.parameters, `is ${size} bytes long`);
    return parseParameters(readFileSync(layout.parameters, 'utf8'), layout.parameters);
  });
}

/** A version or feature that is not known may be a changed bit, where the checksum is wrong as well. */
function isDamage(error: unknown): error is ExuviaError {
  return error instanceof DamageError || (error instanceof RepositoryFormatError && error.isChecksumWrong);
}

function missing(layout: RepositoryLayout): ExuviaError {
  const stat = lstatSync(layout.root, { throwIfNoEntry: false });
  if (stat === undefined) return new NoRepositoryError(layout.root);
  if (!statSync(layout.root).isDirectory())
    return new NoRepositoryError(layout.root, 'it is a file, not a folder');
  if (listPackFiles(layout).size > 0)
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
