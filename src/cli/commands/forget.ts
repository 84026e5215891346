import { forgetBackups } from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { countText, safeText, tableText, timeText } from '../text.ts';

interface ForgetWords extends GlobalOptions {
  readonly keepLast?: number;
  readonly keepHourly?: number;
  readonly keepDaily?: number;
  readonly keepWeekly?: number;
  readonly keepMonthly?: number;
  readonly keepYearly?: number;
  readonly keepWithin?: string;
  readonly keepTag?: readonly string[];
  readonly dryRun?: boolean;
}

export async function runForget(
  { environment, console }: CommandContext,
  { keepTag, ...options }: ForgetWords,
  ...references: readonly string[]
): Promise<ExitCode> {
  const names = references.flat();
  const result = await forgetBackups(
    environment,
    { ...options, ...(keepTag === undefined ? {} : { keepTags: keepTag }) },
    names,
  );
  const { repository, dryRun, forgotten, kept } = result;
  const json = {
    repository,
    dryRun,
    forgotten: forgotten.map(({ id, time }) => ({ id, time })),
    kept: kept.map(({ snapshot: { id, time }, reasons }) => ({ id, time, reasons })),
  };
  console.result(json, () => {
    const rows = [
      ...kept.map(({ snapshot, reasons }) => [
        'keep',
        snapshot.id.slice(0, 8),
        timeText(snapshot.time),
        safeText(reasons.join(', ')),
      ]),
      ...forgotten.map((snapshot) => ['forget', snapshot.id.slice(0, 8), timeText(snapshot.time), '']),
    ];
    const verb = dryRun ? 'Would forget' : 'Forgot';
    const last = `${verb} ${countText(forgotten.length, 'snapshot')}, kept ${kept.length}`;
    const shown = names.length > 0 ? rows.slice(kept.length) : rows;
    return [...(shown.length === 0 ? [] : [tableText(shown)]), last].join('\n');
  });
  return exitCodes.done;
}
