/** `backup export` and `backup create --output`: a snapshot as a portable archive. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type AgeTarget, newAgeFile } from '../codec/age.ts';
import { agePayloadNonceBytes } from '../codec/age-stream.ts';
import { makePrivateFolder } from '../io/files.ts';
import { ExuviaError, UsageError } from '../model/errors.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { formatOfName, writeArchive } from '../portable/archive-writer.ts';
import type { Repository } from '../repository/repository.ts';
import { contentReader } from '../tree/content.ts';
import { openTree } from '../tree/tree.ts';
import type { Environment } from './environment.ts';
import { openScratchRepository } from './import-archive.ts';
import { archivePassphrase } from './key-source.ts';
import { type PlaceOptions, resolvePath } from './places.ts';
import { findSnapshot, withRepositoryToRead } from './read-backups.ts';
import type { RedactedPart, RedactedSnapshot } from './redact-snapshot.ts';
import { redactedTag } from './tags.ts';
import { warnOfOpenFolder } from './wide-folders.ts';

export type ArchiveLayout = 'openclaw' | 'home';
export type ArchiveFormat = 'tar' | 'tar.gz' | 'tar.zst';

export interface ExportTarget {
  /** A file, or a folder (one that exists, or ends with a slash) in which a name is made. Missing folders are made. */
  readonly path: string;
  readonly layout?: ArchiveLayout;
  /** By the file's name when not given. */
  readonly format?: ArchiveFormat;
  readonly overwrite?: boolean;
  /** Marks in the place of secrets. */
  readonly redact?: boolean;
  /** Recipients of age. With an archive passphrase it is encrypted with that instead. */
  readonly encryptTo?: readonly string[];
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
  readonly encryption: AgeTarget | undefined;
}

/** Finds what is wrong with the target before any work is done, and makes its folder unless it is a dry run. */
export function planExport(environment: Environment, target: ExportTarget, dryRun = false): ExportPlan {
  const path = resolvePath(environment, target.path);
  const isFolder = /[/\\]$/.test(target.path) || (existsSync(path) && statSync(path).isDirectory());
  const format = target.format ?? (isFolder ? 'tar.gz' : formatOfName(path.replace(/\.age$/, '')));
  if (format === undefined) {
    throw new UsageError(
      `The name ${target.path} does not tell the kind of archive`,
      'End it with .tar.gz, .tar.zst or .tar, or give --format.',
    );
  }
  const overwrite = target.overwrite ?? false;
  const encryption = encryptionOf(environment, target);
  if (!isFolder && existsSync(path) && !overwrite) {
    throw new ExuviaError(`${path} exists already`, {
      code: 'ERR_EXISTS',
      hint: 'Choose another name, or give --overwrite.',
    });
  }
  if (!dryRun) makePrivateFolder(isFolder ? path : dirname(path));
  return { path, isFolder, layout: target.layout ?? 'openclaw', format, overwrite, encryption };
}

function encryptionOf(environment: Environment, { encryptTo = [] }: ExportTarget): AgeTarget | undefined {
  const passphrase =
    environment.keySource?.archivePassphraseFile === undefined ? undefined : archivePassphrase(environment);
  if (passphrase !== undefined && encryptTo.length > 0) {
    throw new UsageError(
      'An age file is for recipients or for who knows a passphrase, not both',
      'Leave out --encrypt-to or --archive-passphrase-file.',
    );
  }
  if (passphrase !== undefined) return { passphrase };
  return encryptTo.length === 0 ? undefined : { recipients: encryptTo };
}

/** What goes into the archive, where that is not the snapshot as it is. */
export type ExportedParts = Pick<RedactedSnapshot, 'sources' | 'blobs'>;

function plainParts(repository: Repository, { sources }: Snapshot): ExportedParts {
  repository.useContentsOnce();
  return {
    sources: sources.map((source) => ({ source, tree: openTree(repository, source.root) })),
    blobs: repository,
  };
}

export async function exportFrom(
  environment: Environment,
  repository: Repository,
  snapshot: Snapshot,
  plan: ExportPlan,
  parts?: ExportedParts,
): Promise<ExportedArchive> {
  const stamp = snapshot.time.replaceAll(/[-:]/g, '').replace(/\.\d+Z$/, 'Z');
  const name = `exuvia-${stamp}-${snapshot.id.slice(0, 8)}.${plan.format}${plan.encryption ? '.age' : ''}`;
  const path = plan.isFolder ? join(plan.path, name) : plan.path;
  warnOfOpenFolder(environment, dirname(path));
  environment.progress.step(`Writing ${path}`, {
    files: snapshot.stats.files,
    bytes: snapshot.stats.totalBytes,
  });
  const encryption = plan.encryption && {
    ...(await newAgeFile(plan.encryption)),
    nonce: environment.random(agePayloadNonceBytes),
  };
  const { sources, blobs } = parts ?? plainParts(repository, snapshot);
  return await writeArchive(path, snapshot, sources, contentReader(blobs), {
    layout: plan.layout,
    format: plan.format,
    overwrite: plan.overwrite,
    ...(encryption === undefined ? {} : { encryption }),
    progress: environment.progress,
    unique: Buffer.from(environment.random(6)).toString('hex'),
    ...(environment.signal === undefined ? {} : { signal: environment.signal }),
  });
}

export interface ExportedBackup {
  readonly snapshot: Snapshot;
  readonly archive: ExportedArchive;
  /** What was replaced, with `redact`. */
  readonly redacted?: readonly RedactedPart[];
  readonly notLookedInto?: readonly string[];
}

export async function exportBackup(
  environment: Environment,
  options: PlaceOptions,
  reference: string,
  target: ExportTarget,
): Promise<ExportedBackup> {
  const plan = planExport(environment, target);
  return await withRepositoryToRead(environment, options, async (repository) => {
    const snapshot = findSnapshot(environment, repository, reference);
    if (!target.redact)
      return { snapshot, archive: await exportFrom(environment, repository, snapshot, plan) };
    return await exportRedacted(environment, repository, snapshot, plan);
  });
}

/** What is written anew lies in a repository of its own for as long as that takes, readable by nobody else. */
async function exportRedacted(
  environment: Environment,
  repository: Repository,
  snapshot: Snapshot,
  plan: ExportPlan,
): Promise<ExportedBackup> {
  environment.progress.step('Taking secrets out', { files: snapshot.stats.files });
  const { redactSnapshot } = await import('./redact-snapshot.ts');
  await using scratch = openScratchRepository(environment, repository);
  const { redacted, notLookedInto, ...parts } = await redactSnapshot(
    environment,
    repository,
    scratch.repository,
    snapshot,
  );
  const tags = [...new Set([...snapshot.tags, redactedTag])];
  const archive = await exportFrom(environment, repository, { ...snapshot, tags }, plan, parts);
  return { snapshot, archive, redacted, notLookedInto };
}
