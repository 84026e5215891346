import { type DoctorLine, runDoctor } from '../../index.ts';
import { dim } from '../console.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { safeText, tableText } from '../text.ts';

const marks: Readonly<Record<DoctorLine['level'], string>> = { ok: 'ok', warning: 'warning', error: 'ERROR' };

export async function runDoctorCommand(
  { environment, console }: CommandContext,
  options: GlobalOptions,
): Promise<ExitCode> {
  const report = await runDoctor(environment, options);
  console.payload(report, () =>
    tableText(
      report.lines.flatMap(({ about, level, message, hint }) => [
        [about, marks[level], safeText(message)],
        ...(hint === undefined ? [] : [['', '', dim(safeText(hint))]]),
      ]),
    ),
  );
  return report.ok ? exitCodes.done : exitCodes.failed;
}
