/**
 * Restoring a redacted archive: where a mark stands, what is there now stays; where nothing is, the secret is missing, and is
 * told. The same as `config import` does, for all files of a home.
 */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { displayKey } from '../model/paths.ts';
import { sidecarsOf } from '../model/sqlite-names.ts';
import type { FileNode } from '../model/tree.ts';
import { restoreFile } from '../openclaw/config-bundle.ts';
import { keepSecretsOf } from '../openclaw/redact-database.ts';
import { isRedactedMark } from '../openclaw/secrets.ts';
import type { Repository } from '../repository/repository.ts';
import type { RestoreAction } from '../restorer/plan.ts';
import { contentBytes } from '../tree/content.ts';
import { kindIn } from './redact-snapshot.ts';
import type { RestoredSource } from './restore-backup.ts';
import { readOptional } from './settings.ts';
import { withFile } from './stored-file.ts';

export interface SecretPlaces {
  /** `file: key path`, or the file alone where all of it is one. */
  readonly kept: readonly string[];
  readonly missing: readonly string[];
}

export function withPresentSecrets(
  repository: Repository,
  sources: readonly RestoredSource[],
): { readonly sources: readonly RestoredSource[]; readonly secrets: SecretPlaces } {
  const keeper = new SecretKeeper(repository);
  const changed = sources.map((one) => ({
    ...one,
    plan: { ...one.plan, actions: one.plan.actions.flatMap((action) => keeper.action(one, action)) },
  }));
  return { sources: changed, secrets: keeper };
}

const fileBytesMax = 16 * 1024 * 1024;
const databaseBytesMax = 1024 * 1024 * 1024;

class SecretKeeper implements SecretPlaces {
  readonly kept: string[] = [];
  readonly missing: string[] = [];
  readonly #repository: Repository;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** What is done instead: the same with other content, or nothing. */
  action(one: RestoredSource, action: RestoreAction): RestoreAction[] {
    if (action.kind !== 'write-file') return [action];
    const path = displayKey(action.key);
    const place = path === '' ? one.target : join(one.target, path);
    if (action.node.state === 'captured')
      return [{ ...action, node: this.#database(path, place, action.node) }];
    if (action.node.size > fileBytesMax) return [action];
    const bytes = contentBytes(this.#repository, action.node);
    if (!bytes.includes('REDACTED__')) return [action];
    const content = this.#restored(one, path, bytes, readOptional(place));
    return content === undefined ? [] : [{ ...action, node: withContent(action.node, content) }];
  }

  #restored(
    one: RestoredSource,
    path: string,
    bytes: Buffer,
    present: Buffer | undefined,
  ): Buffer | undefined {
    const isWhole = isRedactedMark(bytes.toString('utf8').trim());
    const kind = isWhole ? 'credentials' : kindIn(one.source, path);
    if (kind === undefined) {
      this.missing.push(path); // a text with marks in it: which value was where, nobody can tell
      return bytes;
    }
    const { content, kept, missing } = restoreFile({ path, kind, content: bytes }, present);
    const named = (key: string): string => (key === '' ? path : `${path}: ${key}`);
    this.kept.push(...kept.map(named));
    this.missing.push(...missing.map(named));
    return content;
  }

  #database(path: string, place: string, node: FileNode): FileNode {
    if (!existsSync(place) || node.size > databaseBytesMax) return node;
    return withFile(this.#repository, node, (copy) => {
      const present = `${copy}-present`;
      copyFileSync(place, present);
      for (const [index, sidecar] of sidecarsOf(place).entries()) {
        if (!sidecar.endsWith('-shm') && existsSync(sidecar))
          copyFileSync(sidecar, sidecarsOf(present)[index] ?? '');
      }
      const { kept, missing } = keepOrMiss(present, copy);
      const named = (table: string): string => `${path}: table ${table}`;
      this.kept.push(...kept.map(named));
      this.missing.push(...missing.map(named));
      return kept.length === 0 ? node : withContent(node, readFileSync(copy));
    });
  }
}

/** A database that cannot be read has no secrets that could be kept; it is restored as it is. */
function keepOrMiss(present: string, copy: string): ReturnType<typeof keepSecretsOf> {
  try {
    return keepSecretsOf(present, copy);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_'))) throw error;
    return { kept: [], missing: ['unknown, as it cannot be read'] };
  }
}

/** Held in memory until it is written. */
function withContent(node: FileNode, bytes: Buffer): FileNode {
  return { ...node, size: bytes.length, content: { kind: 'inline', bytes } };
}
