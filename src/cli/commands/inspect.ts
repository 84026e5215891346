import { type Finding, listComponents, verifyBackup } from '../../index.ts';
import { bold, dim } from '../console.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { bytesText, countText, safeText, tableText } from '../text.ts';

const pathsShown = 6;

export async function runComponents(
  { environment, console }: CommandContext,
  options: GlobalOptions,
): Promise<ExitCode> {
  const listed = await listComponents(environment, options);
  console.payload(listed, () => {
    const rows = listed.components.flatMap(({ name, description, files, bytes, paths, leftOut }) => [
      [bold(name), countText(files, 'file'), bytesText(bytes), description],
      ...paths.slice(0, pathsShown).map((one) => ['', '', bytesText(one.bytes), dim(safeText(one.path))]),
      ...(paths.length > pathsShown ? [['', '', '', dim(`… and ${paths.length - pathsShown} more`)]] : []),
      ...leftOut.map((one) => [
        '',
        '',
        bytesText(one.bytes),
        dim(`${safeText(one.path)}: left out by default: ${one.reason}`),
      ]),
    ]);
    return `${safeText(listed.stateDir)}\n${tableText(rows, [1, 2])}`;
  });
  return exitCodes.done;
}

const marks: Readonly<Record<Finding['level'], string>> = { ok: 'ok', warning: 'warning', error: 'ERROR' };

export async function runVerify(
  { environment, console }: CommandContext,
  options: GlobalOptions,
  reference = '',
): Promise<ExitCode> {
  const verified = await verifyBackup(environment, options, reference);
  console.payload(verified, () => {
    const head = verified.kind === 'archive' ? `Archive ${verified.subject}` : `Snapshot ${verified.subject}`;
    const rows = verified.findings.map((one) => [one.about, marks[one.level], safeText(one.message)]);
    const verdict = verified.ok ? 'It can be restored' : 'It is damaged: what is damaged cannot be restored';
    return `${bold(safeText(head))}\n${tableText(rows)}\n${verdict}`;
  });
  return verified.ok ? exitCodes.done : exitCodes.damage;
}
