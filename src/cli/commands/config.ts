import {
  type ExportedConfig,
  exportConfig,
  type ImportedConfig,
  importConfig,
  readConfigInput,
} from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { writeOut } from '../output.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { readStandardInput } from '../standard-input.ts';
import { bytesText, countText, movedPathLines, safeText } from '../text.ts';

interface ExportWords extends GlobalOptions {
  readonly full?: boolean;
  readonly redact?: boolean;
  readonly output?: string;
  readonly overwrite?: boolean;
}

export async function runConfigExport(
  { environment, console }: CommandContext,
  options: ExportWords,
): Promise<ExitCode> {
  const exported = exportConfig(environment, options);
  for (const warning of exported.warnings) console.warn(warning);
  for (const { path, reason } of exported.leftOut) console.warn(`Left out: ${path}: ${reason}`);
  const isPrinted = exported.output === undefined;
  // A bundle is one JSON object already.
  if (isPrinted && (!console.json || exported.form === 'bundle')) writeOut(exported.content);
  else console.result(exportedJson(exported), () => exportedText(exported, options.redact ?? false));
  return exported.leftOut.length === 0 ? exitCodes.done : exitCodes.incomplete;
}

function exportedJson({ content, ...exported }: ExportedConfig): unknown {
  const base64 = exported.output === undefined ? { base64: content.toString('base64') } : {};
  return { ...exported, output: exported.output ?? null, bytes: content.length, ...base64 };
}

function exportedText(
  { output = '', content, files, redacted }: ExportedConfig,
  isRedacted: boolean,
): string {
  const secrets = isRedacted
    ? `${countText(redacted.length, 'secret')} replaced by a mark`
    : 'The secrets in it can be read by whoever has it; --redact leaves them out';
  return [
    `Wrote ${safeText(output)}: ${countText(files.length, 'file')}, ${bytesText(content.length)}`,
    secrets,
  ].join('\n');
}

interface ImportWords extends GlobalOptions {
  readonly snapshot: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly keepPaths?: boolean;
}

export async function runConfigImport(
  { environment, console }: CommandContext,
  options: ImportWords,
  file?: string,
): Promise<ExitCode> {
  const isNamed = file !== undefined && file !== '-';
  const input = isNamed
    ? readConfigInput(environment, file)
    : await readStandardInput('exuvia config import < config-export.json');
  const imported = await importConfig(environment, options, input);
  for (const warning of imported.warnings) console.warn(warning);
  console.result(importedJson(imported), () => importedText(imported));
  return imported.missingSecrets.length === 0 ? exitCodes.done : exitCodes.incomplete;
}

function importedJson({ before, files, ...imported }: ImportedConfig): unknown {
  return {
    ...imported,
    before: before?.id ?? null,
    files: files.map(({ path, kind, action, changes }) => ({ path, kind, action, changes })),
  };
}

const linesMax = 200;

function importedText(imported: ImportedConfig): string {
  const { before, form, keptSecrets, missingSecrets } = imported;
  const changes = imported.files.flatMap(changeLines);
  const more = changes.length > linesMax ? [`  … and ${changes.length - linesMax} more`] : [];
  const undo = form === 'plain' ? '--undo --only config' : '--undo';
  return [
    headLine(imported),
    ...changes.slice(0, linesMax),
    ...more,
    ...(imported.unchanged ? [] : movedPathLines(imported.paths.changes, imported.dryRun)),
    ...(imported.keptMeta ? ['It had no meta block; the present one is kept'] : []),
    ...(keptSecrets.length > 0 ? [`Kept ${countText(keptSecrets.length, 'secret')} of this home`] : []),
    ...missingSecrets.map(
      ({ file, path }) =>
        `No secret here for ${safeText(path === '' ? file : `${path} in ${file}`)}; left out`,
    ),
    ...(before === undefined
      ? []
      : [
          `What was there before is snapshot ${before.id.slice(0, 8)}; exuvia backup restore ${undo} goes back to it`,
        ]),
  ].join('\n');
}

function headLine({ unchanged, dryRun, files, configPath }: ImportedConfig): string {
  if (unchanged) return `Nothing changes: ${safeText(configPath)} and what belongs to it is as imported`;
  const count = files.filter(({ action }) => action === 'create' || action === 'replace').length;
  return `${dryRun ? 'Would import' : 'Imported'} ${countText(count, 'file')}:`;
}

function changeLines({ path, action, changes }: ImportedConfig['files'][number]): string[] {
  if (action === 'unchanged' || action === 'keep') return [];
  return [`  ${action.padEnd(8)} ${safeText(path)}`, ...changes.map(valueLine)];
}

function valueLine({
  path,
  change,
  from,
  to,
  secret,
}: ImportedConfig['files'][number]['changes'][number]): string {
  const sign = { added: '+', removed: '-', changed: '~' }[change];
  const values = secret
    ? '(secret)'
    : [from, to]
        .filter((value) => value !== undefined)
        .map((value) => JSON.stringify(value))
        .join(' -> ');
  return `    ${sign} ${safeText(path)}: ${safeText(values)}`;
}
