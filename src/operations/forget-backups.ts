/** `backup forget`: snapshots that are named, or those that a policy does not keep. */
import { UsageError } from '../model/errors.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { type RetentionSettings, withinMs } from '../openclaw/settings.ts';
import { planRetention, type RetentionPolicy } from '../retention/plan.ts';
import type { Environment } from './environment.ts';
import { findHome, findRepository, openRepository, type PlaceOptions } from './places.ts';
import { findSnapshot } from './read-backups.ts';
import { loadSettings } from './settings.ts';

export interface ForgetOptions extends PlaceOptions, RetentionSettings {
  readonly dryRun?: boolean;
}

export interface ForgottenBackups {
  readonly repository: string;
  readonly dryRun: boolean;
  readonly forgotten: readonly Snapshot[];
  /** With the rules that keep each; none when snapshots were named. */
  readonly kept: readonly { readonly snapshot: Snapshot; readonly reasons: readonly string[] }[];
}

/** @param references snapshots to forget; without any, the policy of the options or of the settings decides */
export async function forgetBackups(
  environment: Environment,
  options: ForgetOptions,
  references: readonly string[],
): Promise<ForgottenBackups> {
  const home = findHome(environment, options);
  const policy =
    references.length > 0 ? undefined : mustGetPolicy(options, () => loadSettings(home).settings.retention);
  const root = findRepository(environment, options, home);
  await using repository = await openRepository(environment, root, options.dryRun ? 'read' : 'maintain');
  const snapshots = repository.listSnapshots();
  const named = new Set(
    references.map((reference) => mustBeFree(findSnapshot(environment, repository, reference)).id),
  );
  const decisions =
    policy === undefined
      ? snapshots.map((snapshot) => ({ snapshot, reasons: named.has(snapshot.id) ? [] : ['not named'] }))
      : planRetention(snapshots, policy);
  const forgotten = decisions.filter(({ reasons }) => reasons.length === 0).map(({ snapshot }) => snapshot);
  if (!options.dryRun) {
    const ids = new Set(forgotten.map(({ id }) => id));
    await repository.maintenance.removeSnapshots(ids, environment.lockWaitMs);
  }
  return {
    repository: root,
    dryRun: options.dryRun ?? false,
    forgotten,
    kept: decisions.filter(({ reasons }) => reasons.length > 0),
  };
}

function mustBeFree(snapshot: Snapshot): Snapshot {
  if (!snapshot.pinned) return snapshot;
  const name = snapshot.id.slice(0, 8);
  throw new UsageError(`Snapshot ${name} is pinned`, `Run exuvia backup unpin ${name} first.`);
}

const ruleNames = [
  'keepLast',
  'keepHourly',
  'keepDaily',
  'keepWeekly',
  'keepMonthly',
  'keepYearly',
  'keepWithin',
  'keepTags',
] as const satisfies readonly (keyof RetentionSettings)[];

function mustGetPolicy(
  options: ForgetOptions,
  settings: () => RetentionSettings | undefined,
): RetentionPolicy {
  const isGiven = ruleNames.some((name) => options[name] !== undefined);
  const rules = isGiven ? options : settings();
  if (rules !== undefined) return policyOf(rules);
  throw new UsageError(
    'Which snapshots? There is no retention policy, neither in the settings nor in the words of the command',
    'Name snapshots, or say for instance --keep-daily 7 --keep-weekly 4; exuvia settings init shows the setting.',
  );
}

/** @throws UsageError for a time that is none */
export function policyOf(rules: RetentionSettings): RetentionPolicy {
  const { keepWithin, keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly, keepTags } =
    rules;
  const withinRule = keepWithin === undefined ? undefined : withinMs(keepWithin);
  if (keepWithin !== undefined && withinRule === undefined)
    throw new UsageError(`${JSON.stringify(keepWithin)} is not a time: want one such as 30d, 2w, 6m or 1y`);
  const given = {
    keepLast,
    keepHourly,
    keepDaily,
    keepWeekly,
    keepMonthly,
    keepYearly,
    keepTags,
    keepWithinMs: withinRule,
  };
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as RetentionPolicy;
}
