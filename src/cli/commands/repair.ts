import { type RepairedRepository, repairRepository, UsageError } from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { countText, safeText } from '../text.ts';
import { findingsText } from './check.ts';

const pathsShownMax = 20;

export async function runRepair(
  { environment, console }: CommandContext,
  options: GlobalOptions & { readonly dryRun?: boolean },
  references: readonly string[],
): Promise<ExitCode> {
  if (references.length > 0) {
    throw new UsageError('--repair looks at the whole repository', 'Leave out the names of snapshots.');
  }
  const repaired = await repairRepository(environment, options);
  console.result(repaired, () => repairedText(repaired));
  return repaired.dryRun && !repaired.checked.isSound ? exitCodes.damage : exitCodes.done;
}

function repairedText(repaired: RepairedRepository): string {
  const { dryRun, checked, salvagedBlobs, rewritten, replaced, setAside, acknowledged } = repaired;
  const { parametersRewritten } = repaired;
  const did = (would: string, done: string): string => (dryRun ? `Would ${would}` : done);
  const lines = findingsText(checked);
  if (salvagedBlobs > 0) lines.push(`Saved ${countText(salvagedBlobs, 'blob')} from damaged packs`);
  if (rewritten.length > 0) {
    lines.push(`${did('write', 'Wrote')} ${countText(rewritten.length, 'damaged snapshot file')} again`);
  }
  if (parametersRewritten) lines.push(`${did('write', 'Wrote')} exuvia-repository.json anew`);
  lines.push(...replaced.flatMap((one) => replacedText(one, dryRun)));
  if (setAside.length > 0) {
    const files = countText(setAside.length, 'damaged file');
    lines.push(`${did('move', 'Moved')} ${files} to the folder "damaged" of the repository`);
  }
  if (acknowledged.length > 0) {
    const gone = countText(acknowledged.length, 'vanished snapshot');
    lines.push(`${did('count', 'Counted')} ${gone} as gone`);
  }
  const canSave = dryRun && setAside.some((path) => path.endsWith('.pack'));
  if (canSave) lines.push('Less may be lost than this: what can be read in damaged packs is saved first');
  const isWhole =
    !parametersRewritten && replaced.length + rewritten.length + setAside.length + acknowledged.length === 0;
  return [...lines, conclusion(isWhole, dryRun)].join('\n');
}

function conclusion(isWhole: boolean, dryRun: boolean): string {
  if (isWhole) return 'Nothing to repair';
  return dryRun ? 'Nothing was changed' : 'The repository is sound again';
}

function replacedText(
  { before, after, lostPaths, lostCount }: RepairedRepository['replaced'][number],
  dryRun: boolean,
): string[] {
  const name = before.slice(0, 8);
  const lost = `without ${countText(lostCount, 'lost file')}`;
  const head = dryRun
    ? `Would replace snapshot ${name} by one ${lost}:`
    : after === null
      ? `Nothing is left of snapshot ${name}, which had ${countText(lostCount, 'entry', 'entries')}`
      : `Replaced snapshot ${name} by ${after.slice(0, 8)}, ${lost}:`;
  const paths = lostPaths.filter((path) => path !== '').slice(0, pathsShownMax);
  const more = lostCount - paths.length;
  const rest = more > 0 && paths.length > 0 ? [`  … ${more} more`] : [];
  return [head, ...paths.map((path) => `  ${safeText(path)}`), ...rest];
}
