/**
 * `backup verify`: whether an archive or a snapshot can be restored here. Three questions, those of the documentation: is it
 * whole, does its version fit, may it be read and written.
 */

import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ArchiveError, DamageError, errnoOf, InterruptedError, messageOf } from '../model/errors.ts';
import { type ByteString, displayKey, type PathKey, pathOfKey } from '../model/paths.ts';
import type { Snapshot, SnapshotRecord } from '../model/snapshot.ts';
import type { TreeNode } from '../model/tree.ts';
import type { OpenClawHome } from '../openclaw/discovery.ts';
import { collisionText } from '../portable/entry-rules.ts';
import type { Repository } from '../repository/repository.ts';
import { verifyContent } from '../tree/content.ts';
import { openTree } from '../tree/tree.ts';
import { readArchive } from './archive-contents.ts';
import { type ArchivePlan, planArchive } from './archive-plan.ts';
import { DryStore } from './dry-store.ts';
import type { Environment } from './environment.ts';
import { isArchivePath } from './import-archive.ts';
import { findHome, findRepository, openRepository, type PlaceOptions, resolvePath } from './places.ts';
import { findSnapshot } from './read-backups.ts';

export type FindingLevel = 'ok' | 'warning' | 'error';

export interface Finding {
  readonly about: 'integrity' | 'version' | 'permissions';
  readonly level: FindingLevel;
  readonly message: string;
}

export interface VerifiedBackup {
  /** What was looked at: an archive's path or a snapshot's id. */
  readonly subject: string;
  readonly kind: 'archive' | 'snapshot';
  /** For an archive: what made it. */
  readonly origin?: ArchivePlan['origin'];
  readonly ok: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly findings: readonly Finding[];
}

export async function verifyBackup(
  environment: Environment,
  options: PlaceOptions,
  reference: string,
): Promise<VerifiedBackup> {
  const home = findHome(environment, options);
  if (isArchivePath(environment, reference)) return await verifyArchive(environment, home, reference);
  await using repository = await openRepository(
    environment,
    findRepository(environment, options, home),
    'read',
  );
  return await verifySnapshot(
    environment,
    home,
    repository,
    findSnapshot(environment, repository, reference),
  );
}

/** Reads every byte of it; what it says of itself is held against what is there. */
async function verifyArchive(
  environment: Environment,
  home: OpenClawHome,
  name: string,
): Promise<VerifiedBackup> {
  const path = resolvePath(environment, name);
  const head = { subject: path, kind: 'archive' } as const;
  try {
    environment.progress.step(`Reading ${path}`, { bytes: statSync(path).size });
    const contents = await readArchive(path, new DryStore(undefined), environment);
    const plan = planArchive(contents, path, home, environment);
    const files = contents.members.filter((member) => member.node.type === 'file').length;
    const skipped = contents.skipped.map(
      (one): Finding => ({
        about: 'integrity',
        level: 'warning',
        message: `${one.path} would be left out: ${one.reason}`,
      }),
    );
    return verified({ ...head, origin: plan.origin, files, bytes: contents.bytes }, [
      { about: 'integrity', level: 'ok', message: `all ${files} files can be read` },
      ...skipped,
      ...collisionFindings(contents.members.map(({ path }) => path)),
      ...versionFindings(plan.record, home),
      ...permissionFindings(
        home,
        contents.members.map((member) => [member.path, member.node]),
      ),
    ]);
  } catch (error) {
    if (!(error instanceof ArchiveError || error instanceof DamageError)) throw error;
    const finding: Finding = { about: 'integrity', level: 'error', message: error.message };
    return verified({ ...head, files: 0, bytes: 0 }, [finding]);
  }
}

async function verifySnapshot(
  environment: Environment,
  home: OpenClawHome,
  repository: Repository,
  snapshot: Snapshot,
): Promise<VerifiedBackup> {
  repository.useContentsOnce();
  const { files, totalBytes } = snapshot.stats;
  environment.progress.step(`Reading snapshot ${snapshot.id.slice(0, 8)}`, { files, bytes: totalBytes });
  const damage: Finding[] = [];
  const nodes: [string, TreeNode][] = [];
  const counts = { files: 0, bytes: 0 };
  const seen = new Set<string>();
  const collisions: Finding[] = [];
  for (const source of snapshot.sources) {
    const keys: PathKey[] = [];
    try {
      for (const { key, node } of openTree(repository, source.root).entries()) {
        await breathe(environment);
        nodes.push([displayKey(key), node]);
        keys.push(key);
        if (node.type !== 'file') continue;
        counts.files++;
        try {
          verifyContent(repository, node, seen);
          counts.bytes += node.size;
        } catch (error) {
          if (!(error instanceof DamageError)) throw error;
          damage.push({
            about: 'integrity',
            level: 'error',
            message: `${displayKey(key)}: ${error.message}`,
          });
        }
        environment.progress.advance({ files: 1, bytes: node.size });
      }
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      damage.push({ about: 'integrity', level: 'error', message: `${source.path}: ${error.message}` });
    }
    collisions.push(...collisionFindings(keys.map(pathOfKey)));
  }
  const whole: Finding[] =
    damage.length > 0
      ? damage
      : [
          {
            about: 'integrity',
            level: 'ok',
            message: `all ${counts.files} files can be read and are what was stored`,
          },
        ];
  return verified({ subject: snapshot.id, kind: 'snapshot', ...counts }, [
    ...whole,
    ...collisions,
    ...versionFindings(snapshot, home),
    ...permissionFindings(home, nodes),
  ]);
}

function collisionFindings(paths: readonly ByteString[]): Finding[] {
  const message = collisionText(paths);
  return message === undefined ? [] : [{ about: 'integrity', level: 'warning', message }];
}

let breathedMs = 0;

async function breathe(environment: Environment): Promise<void> {
  if (performance.now() - breathedMs < 50) return;
  await new Promise((resolve) => setImmediate(resolve));
  breathedMs = performance.now();
  if (environment.signal?.aborted) throw new InterruptedError();
}

function verified(
  head: Omit<VerifiedBackup, 'ok' | 'findings'>,
  findings: readonly Finding[],
): VerifiedBackup {
  return { ...head, ok: findings.every((finding) => finding.level !== 'error'), findings };
}

/** OpenClaw migrates its files forward and never back. */
function versionFindings(record: Pick<SnapshotRecord, 'openclaw'>, home: OpenClawHome): Finding[] {
  const stored = record.openclaw?.version;
  if (stored === undefined)
    return [{ about: 'version', level: 'ok', message: 'it does not say which OpenClaw it was made under' }];
  if (home.version === undefined)
    return [
      {
        about: 'version',
        level: 'ok',
        message: `made under OpenClaw ${stored}; none has been at work on this home`,
      },
    ];
  if (compareVersions(stored, home.version) > 0) {
    return [
      {
        about: 'version',
        level: 'warning',
        message: `made under OpenClaw ${stored}, newer than ${home.version}, which was last at work here: update OpenClaw before you restore`,
      },
    ];
  }
  return [
    { about: 'version', level: 'ok', message: `made under OpenClaw ${stored}; here it is ${home.version}` },
  ];
}

/** `2026.9.6` against `2026.10.1-2`: number by number. */
export function compareVersions(a: string, b: string): number {
  const numbers = (text: string): number[] => (text.match(/\d+/g) ?? []).map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const secretName =
  /(^|\/)(credentials\/.|\.env$|secrets|openclaw\.json$|auth[^/]*\.json$|device[^/]*\.json$)/;

function permissionFindings(home: OpenClawHome, nodes: readonly (readonly [string, TreeNode])[]): Finding[] {
  const open = nodes.filter(
    ([path, node]) => node.type === 'file' && (node.mode & 0o077) !== 0 && secretName.test(path),
  );
  const [first] = open;
  const count = open.length === 1 ? 'A file with secrets' : `${open.length} files with secrets`;
  const message = `${count} could be read by others when stored, such as ${first?.[0]}; a restore keeps the modes that are here`;
  const findings: Finding[] =
    first === undefined ? [] : [{ about: 'permissions', level: 'warning', message }];
  const problem = writeProblem(home.stateDir);
  return [
    ...findings,
    problem === undefined
      ? { about: 'permissions', level: 'ok', message: `${home.stateDir} can be written` }
      : { about: 'permissions', level: 'warning', message: `${home.stateDir} cannot be written: ${problem}` },
  ];
}

/** Of the folder, or of the nearest one above it that is there. */
function writeProblem(folder: string): string | undefined {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && dirname(folder) !== folder) return writeProblem(dirname(folder));
    return messageOf(error);
  }
}
