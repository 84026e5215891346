import {
  type ExportedSessions,
  exportSessions,
  type ImportedSessions,
  type ImportSessionsOptions,
  importSessions,
  readSessionsInput,
} from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { writeOut } from '../output.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { readStandardInput } from '../standard-input.ts';
import { bytesText, countText, safeText } from '../text.ts';

interface ExportWords extends GlobalOptions {
  readonly all?: boolean;
  readonly agent?: string;
  readonly output?: string;
  readonly overwrite?: boolean;
  readonly format: 'json' | 'markdown';
}

export async function runSessionsExport(
  { environment, console }: CommandContext,
  options: ExportWords,
  reference = '',
): Promise<ExitCode> {
  const isWrapped = console.json && options.format === 'markdown';
  let markdown = '';
  const exported = exportSessions(environment, options, reference, (text) => {
    if (isWrapped) markdown += text;
    else writeOut(text);
  });
  for (const problem of exported.problems) console.warn(problem);
  const { sessions, problems, output, bytes } = exported;
  // Without an output the document is what is printed, and it is one JSON object already.
  if (output !== undefined)
    console.result({ output, bytes, sessions, problems }, () => exportedText(exported));
  else if (isWrapped) console.payload({ markdown, bytes, sessions, problems }, () => markdown);
  return problems.length === 0 ? exitCodes.done : exitCodes.incomplete;
}

function exportedText({ output = '', sessions, bytes }: ExportedSessions): string {
  const events = sessions.reduce((sum, session) => sum + session.events, 0);
  return `Wrote ${safeText(output)}: ${countText(sessions.length, 'session')}, ${countText(events, 'event')}, ${bytesText(bytes)}`;
}

type ImportWords = GlobalOptions & ImportSessionsOptions;

export async function runSessionsImport(
  { environment, console }: CommandContext,
  options: ImportWords,
  file?: string,
): Promise<ExitCode> {
  const isNamed = file !== undefined && file !== '-';
  const input = isNamed
    ? readSessionsInput(environment, file)
    : await readStandardInput('exuvia sessions import < session-backup.json');
  const imported = await importSessions(environment, options, input);
  console.result({ ...imported, before: imported.before?.id ?? null }, () => importedText(imported));
  return exitCodes.done;
}

function importedText({ sessions, unchanged, dryRun, before, notes }: ImportedSessions): string {
  const lines = sessions.map(({ action, key, from, events }) => {
    const name = key === from ? safeText(key) : `${safeText(from)} as ${safeText(key)}`;
    return `  ${action.padEnd(9)} ${name} (${countText(events, 'event')})`;
  });
  const head = unchanged ? 'Nothing changes:' : dryRun ? 'Would import:' : 'Imported:';
  const undo =
    before === undefined
      ? []
      : [
          `What was there before is snapshot ${before.id.slice(0, 8)}; exuvia backup restore --undo goes back to it`,
        ];
  return [
    sessions.length === 0 ? 'There is no session in it' : head,
    ...lines,
    ...undo,
    ...notes.map(safeText),
  ].join('\n');
}
