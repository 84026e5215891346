/** `backup export` and `backup create --output`: a snapshot as a portable archive. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makePrivateFolder } from '../io/files.ts';
import { ExuviaError, UsageError } from '../model/errors.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { formatOfName, writeArchive } from '../portable/archive-writer.ts';
import type { Repository } from '../repository/repository.ts';
import { contentReader } from '../tree/content.ts';
import { openTree } from '../tree/tree.ts';
import type { Environment } from './environment.ts';
import { type PlaceOptions, resolvePath } from './places.ts';
import { findSnapshot, withRepositoryToRead } from './read-backups.ts';

export type ArchiveLayout = 'openclaw' | 'home';
export type ArchiveFormat = 'tar' | 'tar.gz' | 'tar.zst';

export interface ExportTarget {
  /** A file, or a folder (one that exists, or ends with a slash) in which a name is made. Missing folders are made. */
  readonly path: string;
  readonly layout?: ArchiveLayout;
  /** By the file's name when not given. */
  readonly format?: ArchiveFormat;
  readonly overwrite?: boolean;
}

export interface ExportedArchive {
  readonly path: string;
  readonly format: ArchiveFormat;
  readonly layout: ArchiveLayout;
  readonly entries: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly leftOut: readonly { readonly path: string; readonly reason: string }[];
}

export interface ExportPlan {
  readonly path: string;
  readonly isFolder: boolean;
  readonly layout: ArchiveLayout;
  readonly format: ArchiveFormat;
  readonly overwrite: boolean;
}

/** Finds what is wrong with the target before any work is done, and makes its folder unless it is a dry run. */
export function planExport(environment: Environment, target: ExportTarget, dryRun = false): ExportPlan {
  const path = resolvePath(environment, target.path);
  const isFolder = /[/\\]$/.test(target.path) || (existsSync(path) && statSync(path).isDirectory());
  const format = target.format ?? (isFolder ? 'tar.gz' : formatOfName(path));
  if (format === undefined) {
    throw new UsageError(
      `The name ${target.path} does not tell the kind of archive`,
      'End it with .tar.gz, .tar.zst or .tar, or give --format.',
    );
  }
  const overwrite = target.overwrite ?? false;
  if (!isFolder && existsSync(path) && !overwrite) {
    throw new ExuviaError(`${path} exists already`, {
      code: 'ERR_EXISTS',
      hint: 'Choose another name, or give --overwrite.',
    });
  }
  if (!dryRun) makePrivateFolder(isFolder ? path : dirname(path));
  return { path, isFolder, layout: target.layout ?? 'openclaw', format, overwrite };
}

export async function exportFrom(
  environment: Environment,
  repository: Repository,
  snapshot: Snapshot,
  plan: ExportPlan,
): Promise<ExportedArchive> {
  const stamp = snapshot.time.replaceAll(/[-:]/g, '').replace(/\.\d+Z$/, 'Z');
  const name = `exuvia-${stamp}-${snapshot.id.slice(0, 8)}.${plan.format}`;
  const path = plan.isFolder ? join(plan.path, name) : plan.path;
  environment.progress.step(`Writing ${path}`, {
    files: snapshot.stats.files,
    bytes: snapshot.stats.totalBytes,
  });
  const sources = snapshot.sources.map((source) => ({ source, tree: openTree(repository, source.root) }));
  return await writeArchive(path, snapshot, sources, contentReader(repository), {
    layout: plan.layout,
    format: plan.format,
    overwrite: plan.overwrite,
    progress: environment.progress,
    unique: Buffer.from(environment.random(6)).toString('hex'),
    ...(environment.signal === undefined ? {} : { signal: environment.signal }),
  });
}

export async function exportBackup(
  environment: Environment,
  options: PlaceOptions,
  reference: string,
  target: ExportTarget,
): Promise<{ snapshot: Snapshot; archive: ExportedArchive }> {
  const plan = planExport(environment, target);
  return await withRepositoryToRead(environment, options, async (repository) => {
    const snapshot = findSnapshot(environment, repository, reference);
    return { snapshot, archive: await exportFrom(environment, repository, snapshot, plan) };
  });
}
