import {
  type BackupDiff,
  comparedNames,
  type DiffEntry,
  type DiffTotals,
  diffBackups,
  planPage,
  UsageError,
  writePage,
} from '../../index.ts';
import { bold, dim } from '../console.ts';
import { contentLines } from '../diff-text.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { bytesText, safeText, tableText, timeText } from '../text.ts';

interface DiffWords extends GlobalOptions {
  readonly stat?: boolean;
  readonly nameOnly?: boolean;
  readonly times?: boolean;
  readonly content?: boolean;
  readonly showSecrets?: boolean;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly exitCode?: boolean;
  readonly html?: string;
  readonly overwrite?: boolean;
}

export async function runDiff(
  { environment, console }: CommandContext,
  words: DiffWords,
  ...names: readonly (string | readonly string[] | undefined)[]
): Promise<ExitCode> {
  const [a, b, paths = []] = names as [string | undefined, string | undefined, readonly string[] | undefined];
  const [older, newer] = comparedNames([a, b].filter((name) => name !== undefined));
  if (words.showSecrets && !words.content && words.html === undefined) {
    throw new UsageError('--show-secrets belongs to --content', 'Without it no content is shown.');
  }
  if (words.html !== undefined)
    return await writeHtml({ environment, console }, words, { older, newer, paths });
  if (words.overwrite) throw new UsageError('--overwrite belongs to --html');
  const diff = await diffBackups(environment, { ...words, paths }, older, newer);
  const shown = words.times ? diff.changes : diff.changes.filter(({ change }) => change !== 'time');
  console.payload({ ...diff, changes: shown }, () => diffText(diff, shown, words));
  return words.exitCode && shown.length > 0 ? exitCodes.failed : exitCodes.done;
}

/** With contents: that is what a page is for. */
async function writeHtml(
  { environment, console }: CommandContext,
  words: DiffWords,
  what: { readonly older: string; readonly newer: string; readonly paths: readonly string[] },
): Promise<ExitCode> {
  const html = planPage(environment, words.html ?? '', words.overwrite ?? false);
  const options = { ...words, content: true, paths: what.paths };
  const diff = await diffBackups(environment, options, what.older, what.newer);
  const shown = words.times ? diff.changes : diff.changes.filter(({ change }) => change !== 'time');
  const { diffPage } = await import('../diff-html/page.ts');
  writePage(environment, html, diffPage(diff, shown));
  console.result({ ...diff, changes: shown, html }, () => `${countOf(diff.totals, words)} changes: ${html}`);
  return words.exitCode && shown.length > 0 ? exitCodes.failed : exitCodes.done;
}

function diffText(diff: BackupDiff, shown: readonly DiffEntry[], words: DiffWords): string {
  if (words.nameOnly) return shown.map(({ path }) => safeText(path)).join('\n');
  const head = [`${sideText(diff.a)} -> ${sideText(diff.b)}`];
  if (shown.length === 0) return [...head, 'No differences'].join('\n');
  const components = Object.entries(diff.components).filter(([, totals]) => countOf(totals, words) > 0);
  const table = components.map(([name, totals]) => [
    `  ${bold(name)}`,
    totalsText(totals, words),
    newText(totals.newBytes),
  ]);
  const list = words.stat ? [] : ['', ...shown.flatMap((entry) => [entryText(entry), ...insideLines(entry)])];
  return [
    ...head,
    ...(table.length === 0 ? [] : [tableText(table, [2])]),
    ...list,
    ...(words.stat ? [] : ['']),
    `${totalsText(diff.totals, words)}; ${newText(diff.totals.newBytes)}${addedText(diff.b)}`,
  ].join('\n');
}

function addedText({ name, added }: BackupDiff['b']): string {
  if (added === undefined) return '';
  return `; ${name.slice(0, 8)} added ${bytesText(added.addedBytes)} to the repository, stored in ${bytesText(added.storedBytes)}`;
}

function sideText({ kind, name, time }: BackupDiff['a']): string {
  const what =
    kind === 'snapshot' ? name.slice(0, 8) : kind === 'live' ? 'the present state' : safeText(name);
  return kind === 'live' ? what : `${what} (${timeText(time)})`;
}

function countOf(totals: DiffTotals, { times }: DiffWords): number {
  const { added, removed, changed, renamed, mode, time } = totals;
  return added + removed + changed + renamed + mode + (times ? time : 0);
}

function totalsText(totals: DiffTotals, { times }: DiffWords): string {
  const parts = [
    [totals.added, 'added'],
    [totals.removed, 'removed'],
    [totals.changed, 'changed'],
    [totals.renamed, 'renamed'],
    [totals.mode, 'mode only'],
    [times ? totals.time : 0, 'time only'],
  ].filter(([count]) => count !== 0);
  return parts.length === 0 ? 'nothing' : parts.map(([count, word]) => `${count} ${word}`).join(', ');
}

function newText(bytes: number): string {
  return bytes === 0 ? 'no new data' : `${bytesText(bytes)} new`;
}

const letters: Readonly<Record<DiffEntry['change'], string>> = {
  added: 'A',
  removed: 'D',
  changed: 'M',
  renamed: 'R',
  mode: 'P',
  time: 'T',
};

function entryText(entry: DiffEntry): string {
  const { change, path, from, type } = entry;
  const name = `${safeText(path === '' ? '.' : path)}${type === 'directory' ? '/' : ''}`;
  const whole = from === undefined ? name : `${safeText(from)} -> ${name}`;
  const detail = detailText(entry);
  return `${letters[change]}  ${whole}${detail === '' ? '' : `  ${dim(detail)}`}`;
}

function insideLines({ content }: DiffEntry): string[] {
  return content === undefined ? [] : contentLines(content);
}

function detailText({ change, before, after, similarity, newBytes }: DiffEntry): string {
  switch (change) {
    case 'added':
      return after?.type === 'file' ? bytesText(after.size) : linkText(after);
    case 'removed':
      return before?.type === 'file' ? bytesText(before.size) : '';
    case 'changed':
      return before?.type === after?.type
        ? changedText(before, after, newBytes)
        : `${before?.type} -> ${after?.type}`;
    case 'renamed':
      return similarity === 1 ? '' : `${Math.round((similarity ?? 0) * 100)} % the same`;
    case 'mode':
      return `${modeText(before?.mode)} -> ${modeText(after?.mode)}`;
    case 'time':
      return `${timeText(before?.mtime ?? '')} -> ${timeText(after?.mtime ?? '')}`;
  }
}

function changedText(before: DiffEntry['before'], after: DiffEntry['after'], newBytes: number): string {
  if (after?.type === 'symlink')
    return `${safeText(before?.target ?? '')} -> ${safeText(after.target ?? '')}`;
  return `${bytesText(before?.size ?? 0)} -> ${bytesText(after?.size ?? 0)}, ${newText(newBytes)}`;
}

function linkText(state: DiffEntry['after']): string {
  return state?.target === undefined ? '' : `-> ${safeText(state.target)}`;
}

function modeText(mode = 0): string {
  return mode.toString(8).padStart(4, '0');
}
