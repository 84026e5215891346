import { type CheckedRepository, type CheckFinding, checkRepository, UsageError } from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { bytesText, countText, durationText, safeText } from '../text.ts';
import type { Subset } from '../words/maintenance.ts';

interface CheckWords extends GlobalOptions {
  readonly readData?: boolean;
  readonly readDataSubset?: Subset;
  readonly repair?: boolean;
  readonly dryRun?: boolean;
}

export async function runCheck(
  { environment, console }: CommandContext,
  { readDataSubset: subset, ...options }: CheckWords,
  ...references: readonly string[]
): Promise<ExitCode> {
  if (options.repair) {
    if (subset !== undefined)
      throw new UsageError('--repair reads all data', 'Leave out --read-data-subset.');
    const { runRepair } = await import('./repair.ts');
    return await runRepair({ environment, console }, options, references.flat());
  }
  if (options.dryRun) throw new UsageError('--dry-run belongs to --repair', 'A check alone changes nothing.');
  const checked = await checkRepository(
    environment,
    { ...options, ...(subset === undefined ? {} : { subset }) },
    references.flat(),
  );
  console.result(checked, () => checkedText(checked));
  return checked.isSound ? exitCodes.done : exitCodes.damage;
}

function checkedText(checked: CheckedRepository): string {
  const steps = checked.steps.map(({ name, durationMs }) => `${name} ${durationText(durationMs)}`).join(', ');
  const scope = `${countText(checked.snapshots, 'snapshot')}, ${countText(checked.packs, 'pack')}, ${countText(checked.blobs, 'blob')}`;
  const data = checked.readBytes > 0 ? `, ${bytesText(checked.readBytes)} read and verified` : '';
  return [
    ...findingsText(checked),
    `Checked ${scope}${data} (${steps})`,
    checked.isSound ? 'No damage found' : damageText(checked),
  ].join('\n');
}

export function findingsText({ findings, findingsLeftOut }: CheckedRepository): string[] {
  const more = findingsLeftOut > 0 ? [`… and ${countText(findingsLeftOut, 'finding')} more`] : [];
  return [...findings.map(findingText), ...more];
}

function findingText({ severity, place, message }: CheckFinding): string {
  return `${severity === 'note' ? 'Note' : 'Damage'}: ${safeText(place)}: ${safeText(message)}`;
}

function damageText({ lostFiles }: CheckedRepository): string {
  const lost =
    lostFiles === 0
      ? 'No file of a readable snapshot is lost.'
      : `${countText(lostFiles, 'file')} in all snapshots cannot be restored.`;
  return [
    `Damage found. ${lost}`,
    'Run exuvia backup create: it stores again what the home still has. Then exuvia backup check --repair.',
  ].join('\n');
}
