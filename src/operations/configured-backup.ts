/** `backup create` as a user means it: with the settings of the home, and with its hooks. */
import { ExuviaError, InterruptedError, messageOf } from '../model/errors.ts';
import { isComponent } from '../openclaw/components.ts';
import type { Settings } from '../openclaw/settings.ts';
import { type CreatedBackup, type CreateOptions, createBackup } from './create-backup.ts';
import type { Environment } from './environment.ts';
import { type HookName, type HookRun, runHook } from './hooks.ts';
import { findHome } from './places.ts';
import { loadSettings } from './settings.ts';

export interface ConfiguredBackup extends CreatedBackup {
  readonly hooks: readonly HookRun[];
}

/** Folders named by the user have no settings and no hooks: those are the home's. */
export async function createConfiguredBackup(
  environment: Environment,
  options: CreateOptions,
): Promise<ConfiguredBackup> {
  if (options.sources !== undefined && options.sources.length > 0)
    return { ...(await createBackup(environment, options)), hooks: [] };
  const loaded = loadSettings(findHome(environment, options));
  for (const warning of loaded.warnings) environment.progress.warn(warning);
  const hooks: HookRun[] = [];
  const hook = async (name: HookName, variables: Readonly<Record<string, string>>): Promise<boolean> => {
    if (options.dryRun) return true;
    const run = await runHook(environment, loaded, name, variables);
    if (run !== undefined) hooks.push(run);
    return run?.problem === undefined;
  };
  try {
    if (!(await hook('preBackup', {}))) {
      throw new ExuviaError(`No backup was made: preBackup failed: ${hooks.at(-1)?.problem}`, {
        code: 'ERR_HOOK',
      });
    }
    const created = await createBackup(environment, withSettings(options, loaded.settings));
    if (!created.unchanged) await hook('postBackup', variablesOf(created));
    return { ...created, hooks };
  } catch (error) {
    if (!(error instanceof InterruptedError)) await hook('onFailure', { EXUVIA_ERROR: messageOf(error) });
    throw error;
  }
}

/** Flags beat the settings, each kind of selection as a whole. */
export function withSettings(options: CreateOptions, settings: Settings): CreateOptions {
  const isSelected = options.only !== undefined || options.include !== undefined;
  const names = settings.include.filter(isComponent);
  return {
    ...options,
    ...(isSelected || names.length === 0 ? {} : { only: names }),
    ...(isSelected ? {} : { include: settings.include.filter((word) => !isComponent(word)) }),
    exclude: options.exclude ?? settings.exclude,
    compress: options.compress ?? settings.compress,
    skipIfUnchanged: options.skipIfUnchanged ?? settings.skipIfUnchanged,
    encrypt: options.encrypt ?? settings.encryption !== false,
  };
}

function variablesOf({ repository, snapshot, archive, stats }: CreatedBackup): Record<string, string> {
  return {
    EXUVIA_REPOSITORY: repository,
    EXUVIA_SNAPSHOT_ID: snapshot?.id ?? '',
    EXUVIA_ARCHIVE: archive?.path ?? '',
    EXUVIA_STATS: JSON.stringify(stats),
  };
}
