/** `config import`: plan, a snapshot of the present, then each file at once. */
import { chmodSync, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { makePrivateFolder, privateFileMode, publishFile, temporaryBeside, withPath } from '../io/files.ts';
import { ExuviaError, UsageError } from '../model/errors.ts';
import { limits } from '../model/limits.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { OpenClawHome } from '../openclaw/discovery.ts';
import { detectGateway } from '../openclaw/gateway.ts';
import { hasSettings } from '../openclaw/settings.ts';
import { createBackup } from './create-backup.ts';
import type { Environment } from './environment.ts';
import { uniqueName } from './export-config.ts';
import { findHome, type PlaceOptions, resolvePath } from './places.ts';
import {
  type ConfigImportPlan,
  type ConfigInput,
  type PlannedConfigFile,
  planConfigImport,
} from './plan-config-import.ts';
import { readOptional } from './settings.ts';
import { markUntrusted } from './trusted-settings.ts';

export interface ImportConfigOptions extends PlaceOptions {
  readonly dryRun?: boolean;
  /** Also while a gateway runs. */
  readonly force?: boolean;
  /** False takes no snapshot of the present first. */
  readonly snapshot?: boolean;
  /** Leaves the paths of another home, in a bundle of it, as they are. */
  readonly keepPaths?: boolean;
}

export interface ImportedConfig extends ConfigImportPlan {
  readonly dryRun: boolean;
  /** Nothing differed, and nothing was written. */
  readonly unchanged: boolean;
  readonly configPath: string;
  readonly stateDir: string;
  /** The snapshot of what was there before, to which `backup restore --undo` goes back. */
  readonly before: Snapshot | undefined;
}

/** A named file as the input of an import. */
export function readConfigInput(environment: Environment, name: string): ConfigInput {
  if (name === '')
    throw new UsageError('The file has an empty name', 'Name a file, or give it as standard input.');
  const path = resolvePath(environment, name);
  const stat = withPath('read', path, () => statSync(path));
  if (stat.isDirectory())
    throw new UsageError(`${path} is a folder`, 'Name a file that config export wrote.');
  if (stat.size > limits.configInputBytesMax)
    throw new UsageError(`${path} is too large for a configuration`);
  return { name: path, bytes: readOptional(path) ?? Buffer.alloc(0) };
}

export async function importConfig(
  environment: Environment,
  options: ImportConfigOptions,
  input: ConfigInput,
): Promise<ImportedConfig> {
  const home = findHome(environment, options);
  const plan = planConfigImport(home, input, options.keepPaths ?? false);
  const toWrite = plan.files.filter(({ action }) => action === 'create' || action === 'replace');
  const { configPath, stateDir } = home;
  const dryRun = options.dryRun ?? false;
  const result = { ...plan, dryRun, unchanged: toWrite.length === 0, configPath, stateDir };
  if (dryRun || result.unchanged) return { ...result, before: undefined };
  if (!options.force) await refuseRunningGateway(environment, home);
  const before =
    options.snapshot === false ? undefined : await snapshotPresent(environment, options, home, toWrite);
  writeAll(environment, toWrite, before);
  return { ...result, before };
}

/** @throws ExuviaError `ERR_GATEWAY_RUNNING` */
export async function refuseRunningGateway(environment: Environment, home: OpenClawHome): Promise<void> {
  const gateway = await detectGateway(home, environment.env);
  if (!gateway.running) return;
  throw new ExuviaError(`Cannot import while an OpenClaw gateway is running: ${gateway.evidence}`, {
    code: 'ERR_GATEWAY_RUNNING',
    hint: 'Stop it with openclaw gateway stop; --force overrides, --dry-run only looks.',
  });
}

/** Of the whole home, so that "latest" stays a name for all of it. */
async function snapshotPresent(
  environment: Environment,
  { repository, stateDir, profile }: ImportConfigOptions,
  home: OpenClawHome,
  toWrite: readonly PlannedConfigFile[],
): Promise<Snapshot | undefined> {
  const present = toWrite.map(({ path }) => path).filter((path) => existsSync(path));
  if (!home.stateDirExists && present.length === 0) return undefined;
  const { snapshot, unreadable } = await createBackup(environment, {
    ...{ repository, stateDir, profile },
    ...(home.stateDirExists ? {} : { sources: present }),
    reason: 'before-restore',
    message: 'before an import of the configuration',
  });
  if (unreadable.length > 0) {
    environment.progress.warn(
      `${unreadable.length} present files could not be read and cannot be brought back by --undo`,
    );
  }
  return snapshot;
}

/** The configuration comes last: until then OpenClaw has its old one, whose files are all there. */
function writeAll(
  environment: Environment,
  toWrite: readonly PlannedConfigFile[],
  before: Snapshot | undefined,
): void {
  const ordered = [...toWrite].sort((a, b) => Number(a.kind === 'config') - Number(b.kind === 'config'));
  let written = 0;
  try {
    for (const file of ordered) {
      writeFile(environment, file);
      written++;
    }
  } catch (error) {
    if (written > 0) {
      const undo = before === undefined ? '' : '; exuvia backup restore --undo goes back';
      environment.progress.warn(`${written} of ${ordered.length} files were written${undo}`);
    }
    throw error;
  }
}

function writeFile(environment: Environment, { path, content, mode }: PlannedConfigFile): void {
  if (content === undefined) return;
  // Before it is written: a crash in between must not leave commands that run by themselves.
  if (hasSettings(content)) markUntrusted(environment, { content });
  makePrivateFolder(dirname(path));
  publishFile(path, content, temporaryBeside(path, uniqueName(environment)));
  if (mode !== privateFileMode) withPath('set the mode of', path, () => chmodSync(path, mode));
}
