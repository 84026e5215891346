/**
 * `backup import`: an archive from anywhere becomes a snapshot. One pass: contents go into the store as they come, names are
 * kept in memory; then the layout is recognised and the trees are built. Nothing is unpacked.
 */

import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTemporary } from '../io/files.ts';
import { FileSystemError, UsageError } from '../model/errors.ts';
import type { Snapshot, SnapshotRecord, SnapshotSource } from '../model/snapshot.ts';
import type { OpenClawHome } from '../openclaw/discovery.ts';
import { openArchive } from '../portable/archive-reader.ts';
import { collisionText } from '../portable/entry-rules.ts';
import type { Repository } from '../repository/repository.ts';
import { readArchive } from './archive-contents.ts';
import { type ArchivePlan, planArchive } from './archive-plan.ts';
import { buildSourceTree, membersOfSources } from './archive-tree.ts';
import type { Environment } from './environment.ts';
import { archiveKeys } from './key-source.ts';
import {
  findHome,
  findRepository,
  openNewRepository,
  openRepository,
  type PlaceOptions,
  resolvePath,
} from './places.ts';
import { checkTags, tagProblem } from './tags.ts';
import { exuviaVersion } from './version.ts';

export interface ImportOptions extends PlaceOptions {
  readonly tags?: readonly string[];
  readonly message?: string;
}

export interface ImportedArchive {
  readonly repository: string;
  readonly snapshot: Snapshot;
  /** What made it: `exuvia`, `openclaw`, `home` (a plain archive of a state directory) or `folder`. */
  readonly origin: ArchivePlan['origin'];
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

const archiveNames = /\.(tar|tar\.gz|tgz|tar\.zst|tzst|zip|gz|zst)(\.age)?$/i;

/** Whether a word names an archive and not a snapshot. A plain word is a snapshot, whatever files lie about. */
export function isArchivePath(environment: Environment, word: string): boolean {
  if (!/[/\\]/.test(word) && !archiveNames.test(word)) return false;
  const stat = statSync(resolvePath(environment, word), { throwIfNoEntry: false });
  if (stat?.isFile()) return true;
  if (stat === undefined) {
    throw new FileSystemError('open archive', word, Object.assign(new Error(), { code: 'ENOENT' }));
  }
  throw new UsageError(`${word} is a folder, not an archive or a snapshot`);
}

export async function importArchive(
  environment: Environment,
  options: ImportOptions,
  path: string,
): Promise<ImportedArchive> {
  const home = findHome(environment, options);
  const root = findRepository(environment, options, home);
  const { tags, message } = options;
  checkTags(tags ?? []);
  const archive = resolvePath(environment, path);
  await using opened = await openArchive(archive, {}, (place) => archiveKeys(environment, place)); // before a repository is made for what is no archive
  void opened;
  await using repository = await openRepository(environment, root, 'append', { create: true });
  return await importInto(environment, repository, path, {
    home,
    warnsOfNames: true,
    ...(tags === undefined ? {} : { tags }),
    ...(message === undefined ? {} : { message }),
  });
}

export interface ImportContext {
  readonly home: OpenClawHome;
  /** Of names that some file systems take for one. */
  readonly warnsOfNames?: boolean;
  readonly tags?: readonly string[];
  readonly message?: string;
}

export async function importInto(
  environment: Environment,
  repository: Repository,
  path: string,
  context: ImportContext,
): Promise<ImportedArchive> {
  const startedMs = environment.clock.nowMs();
  const before = repository.written;
  const archivePath = resolvePath(environment, path);
  environment.progress.step(`Reading ${archivePath}`, { bytes: statSync(archivePath).size });
  const contents = await readArchive(archivePath, repository, environment);
  const collision = context.warnsOfNames && collisionText(contents.members.map((member) => member.path));
  if (collision) environment.progress.warn(`In ${path}: ${collision}`);
  const plan = planArchive(contents, archivePath, context.home, environment);
  const members = membersOfSources(contents.members, plan.sources);
  const sources = plan.sources.map((planned): SnapshotSource => {
    const own = planned.place === undefined ? [] : (members.get(planned.place) ?? []);
    const { root, entries } = buildSourceTree(repository, own, planned);
    return { ...planned.source, root, entries };
  });
  repository.publish();
  const { addedBytes, storedBytes } = repository.written;
  const files = contents.members.filter((member) => member.node.type === 'file');
  const record: SnapshotRecord = {
    ...plan.record,
    sequence: repository.nextSequence(),
    parent: null,
    sources,
    program: { name: 'exuvia', version: exuviaVersion, node: plan.record.program.node },
    reason: 'import',
    tags: [...plan.record.tags.filter((tag) => tagProblem(tag) === undefined), ...(context.tags ?? [])],
    message: context.message ?? plan.record.message,
    stats: {
      files: files.length,
      directories: contents.members.filter((member) => member.node.type === 'directory').length,
      links: contents.members.filter((member) => member.node.type === 'symlink').length,
      newFiles: files.length,
      changedFiles: 0,
      unchangedFiles: 0,
      removedFiles: 0,
      totalBytes: files.reduce((sum, { node }) => sum + (node.type === 'file' ? node.size : 0), 0),
      readBytes: contents.bytes,
      addedBytes: addedBytes - before.addedBytes,
      storedBytes: storedBytes - before.storedBytes,
      durationMs: Math.round(environment.clock.nowMs() - startedMs),
    },
  };
  const snapshot = repository.addSnapshot(record);
  return { repository: repository.root, snapshot, origin: plan.origin, skipped: contents.skipped };
}

/**
 * A repository for the length of one command, for looking into an archive. `like` is one that it is compared with: encrypted
 * with the same key, so that equal bytes have equal ids.
 */
export function openScratchRepository(environment: Environment, like?: Repository): ScratchRepository {
  return new ScratchRepository(environment, like);
}

class ScratchRepository implements AsyncDisposable {
  readonly repository: Repository;
  readonly #folder: string;

  constructor(environment: Environment, like: Repository | undefined) {
    this.#folder = mkdtempSync(join(tmpdir(), 'exuvia-scratch-'));
    this.repository = openNewRepository(environment, join(this.#folder, 'repository'), like);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.repository[Symbol.asyncDispose]();
    removeTemporary(this.#folder);
  }
}
