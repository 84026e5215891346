import { type ExportedSessions, exportSessions } from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { bytesText, countText, safeText } from '../text.ts';

interface ExportWords extends GlobalOptions {
  readonly all?: boolean;
  readonly agent?: string;
  readonly output?: string;
  readonly overwrite?: boolean;
}

export async function runSessionsExport(
  { environment, console }: CommandContext,
  options: ExportWords,
  reference = '',
): Promise<ExitCode> {
  const exported = exportSessions(environment, options, reference, (text) => process.stdout.write(text));
  for (const problem of exported.problems) console.warn(problem);
  const { sessions, problems, output, bytes } = exported;
  // Without an output the document is what is printed, and it is one JSON object already.
  if (output !== undefined)
    console.result({ output, bytes, sessions, problems }, () => exportedText(exported));
  return problems.length === 0 ? exitCodes.done : exitCodes.incomplete;
}

function exportedText({ output = '', sessions, bytes }: ExportedSessions): string {
  const events = sessions.reduce((sum, session) => sum + session.events, 0);
  return `Wrote ${safeText(output)}: ${countText(sessions.length, 'session')}, ${countText(events, 'event')}, ${bytesText(bytes)}`;
}
