import {
  type BlamedFile,
  blamePath,
  findPaths,
  type GrepResult,
  grepBackups,
  logPath,
  type PathLog,
  type PathVersion,
} from '../../index.ts';
import { bold, dim } from '../console.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { bytesText, countText, safeText, tableText, timeText } from '../text.ts';

export async function runLog(
  { environment, console }: CommandContext,
  options: GlobalOptions,
  path = '',
): Promise<ExitCode> {
  const logs = await logPath(environment, options, path);
  console.payload({ paths: logs }, () => logs.map(logText).join('\n\n'));
  return exitCodes.done;
}

function logText({ path, source, versions }: PathLog): string {
  const rows = versions
    .toReversed()
    .map((version) => [
      version.first.id.slice(0, 8),
      timeText(version.first.time),
      version.change,
      version.change === 'gone' || version.type !== 'file' ? '' : bytesText(version.size),
      heldText(version),
    ]);
  return `${bold(safeText(path === '' ? '.' : path))} ${dim(`in ${safeText(source)}`)}\n${tableText(rows, [3])}`;
}

function heldText({ change, snapshots, last }: PathVersion): string {
  if (change === 'gone' || snapshots <= 1) return '';
  return dim(`in ${countText(snapshots, 'snapshot')}, last ${last.id.slice(0, 8)}`);
}

export async function runFind(
  { environment, console }: CommandContext,
  options: GlobalOptions,
  ...globs: readonly (string | readonly string[])[]
): Promise<ExitCode> {
  const found = await findPaths(environment, options, globs.flat());
  console.payload({ found }, () => {
    if (found.length === 0) return 'Nothing found';
    const rows = found.map((one) => [
      safeText(one.path) + (one.type === 'directory' ? '/' : ''),
      countText(one.versions, 'version'),
      `${timeText(one.first.time)} to ${one.isPresent ? 'now' : timeText(one.last.time)}`,
      one.isPresent ? '' : `last in ${one.last.id.slice(0, 8)}`,
    ]);
    return tableText(rows, [1]);
  });
  return exitCodes.done;
}

interface GrepWords {
  readonly ignoreCase?: boolean;
  readonly include?: readonly string[];
  readonly showSecrets?: boolean;
}

export async function runGrep(
  { environment, console }: CommandContext,
  options: GlobalOptions & GrepWords,
  text = '',
): Promise<ExitCode> {
  const result = await grepBackups(environment, options, text);
  console.payload(result, () => grepText(result));
  return exitCodes.done;
}

function grepText({ matches, more, searchedContents, searchedBytes }: GrepResult): string {
  const lines = matches.map(({ path, line, table, row, column, text, first, last }) => {
    const place = line !== undefined ? `:${line}` : table !== undefined ? ` ${table} ${row} ${column}` : '';
    const where = safeText(path + place);
    const when = `first in ${first.id.slice(0, 8)} (${timeText(first.time)}), last in ${last.id.slice(0, 8)}`;
    return `${bold(where)}  ${text === undefined ? '(not text)' : safeText(text.trim())}\n    ${dim(when)}`;
  });
  const scope = `${countText(searchedContents, 'content')} searched, ${bytesText(searchedBytes)}`;
  const rest = more > 0 ? [`… and ${countText(more, 'more match', 'more matches')}`] : [];
  return [...lines, ...rest, `${countText(matches.length + more, 'match', 'matches')}; ${scope}`].join('\n');
}

export async function runBlame(
  { environment, console }: CommandContext,
  options: GlobalOptions & { readonly showSecrets?: boolean },
  path = '',
): Promise<ExitCode> {
  const files = await blamePath(environment, options, path);
  console.payload({ files }, () => files.map(blameText).join('\n\n'));
  return exitCodes.done;
}

function blameText({ path, source, lines }: BlamedFile): string {
  const rows = lines.map(
    ({ line, text, first }) =>
      `${first.id.slice(0, 8)}  ${dim(timeText(first.time))}  ${String(line).padStart(String(lines.length).length)}  ${safeText(text)}`,
  );
  return [`${bold(safeText(path))} ${dim(`in ${safeText(source)}`)}`, ...rows].join('\n');
}
