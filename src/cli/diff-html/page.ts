/** The page of a comparison: one file that needs no other and asks nothing of any network. */
import { createHash } from 'node:crypto';
import type { BackupDiff, DiffEntry, DiffState, DiffTotals } from '../../index.ts';
import { bytesText, countText, timeText } from '../text.ts';
import { text } from './escape.ts';
import { insideHtml } from './inside.ts';
import { script } from './script.ts';
import { style } from './style.ts';

/** Beyond it files are named and not shown inside. */
const pageCharactersMax = 16_000_000;
const entriesMax = 20_000;
/** With more files they begin folded. */
const openEntriesMax = 40;

const words: Readonly<Record<DiffEntry['change'], string>> = {
  added: '+ added',
  removed: '\u2212 removed',
  changed: '~ changed',
  renamed: '\u2192 moved',
  mode: 'mode',
  time: 'time',
};

export function diffPage(diff: BackupDiff, changes: readonly DiffEntry[]): string {
  const title = `${sideName(diff.a)} \u2192 ${sideName(diff.b)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${hashOf(style)}'; script-src '${hashOf(script)}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${text(title)}</title>
<style>${style}</style>
</head>
<body>
<header><div>
<h1>What changed</h1>
<p class="sides"><b>${text(sideName(diff.a))}</b> ${text(sideTime(diff.a))} \u2192 <b>${text(sideName(diff.b))}</b> ${text(sideTime(diff.b))}</p>
${sums(diff)}
${components(diff)}
</div></header>
<main>
${changes.length === 0 ? '<p>Nothing differs.</p>' : `${tools}\n${sectionsHtml(changes)}`}
<footer>Made by Exuvia. Secrets are shown as fingerprints unless it was told otherwise.</footer>
</main>
${changes.length === 0 ? '' : `<script>${script}</script>`}
</body>
</html>
`;
}

const tools = `<div class="tools" hidden role="search">
<input type="search" aria-label="Filter by words in paths and contents" placeholder="Filter paths and contents ( / )">
<button type="button" data-open>Unfold all</button>
<button type="button" data-close>Fold all</button>
<span class="found" role="status"></span>
</div>`;

function hashOf(content: string): string {
  return `sha256-${createHash('sha256').update(content).digest('base64')}`;
}

function sideName({ kind, name }: BackupDiff['a']): string {
  return kind === 'snapshot' ? name.slice(0, 8) : kind === 'live' ? 'the present state' : name;
}

function sideTime({ kind, time }: BackupDiff['a']): string {
  return kind === 'live' ? '' : timeText(time);
}

function sums({ totals, b }: BackupDiff): string {
  const counts = countsOf(totals).map(([count, word]) => `<li><b>${count}</b> ${word}</li>`);
  const size = `<li><b>${text(bytesText(totals.newBytes))}</b> new</li>`;
  const stored =
    b.added === undefined
      ? ''
      : `<li>stored in <b>${text(bytesText(b.added.storedBytes))}</b> when it was taken</li>`;
  return `<ul class="sums">${counts.join('')}${size}${stored}</ul>`;
}

function countsOf(totals: DiffTotals): [number, string][] {
  const all: [number, string][] = [
    [totals.added, 'added'],
    [totals.removed, 'removed'],
    [totals.changed, 'changed'],
    [totals.renamed, 'moved'],
    [totals.mode, 'mode only'],
  ];
  return all.filter(([count]) => count > 0);
}

function components({ components: all }: BackupDiff): string {
  const names = Object.entries(all);
  if (names.length === 0) return '';
  const heads = ['', 'added', 'removed', 'changed', 'moved', 'mode only', 'new data']
    .map((head) => `<th scope="col">${head}</th>`)
    .join('');
  const rows = names.map(([name, { added, removed, changed, renamed, mode, newBytes }]) => {
    const cells = [added, removed, changed, renamed, mode].map(
      (count) => `<td${count === 0 ? ' class="zero"' : ''}>${count}</td>`,
    );
    return `<tr><th scope="row">${text(name)}</th>${cells.join('')}<td>${text(bytesText(newBytes))}</td></tr>`;
  });
  return `<div class="scroll"><table class="components"><thead><tr>${heads}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

/** By the first folder of the path: what lies together changed together. */
function sectionsHtml(changes: readonly DiffEntry[]): string {
  const shown = changes.slice(0, entriesMax);
  const groups = Map.groupBy(shown, ({ path }) => (path.includes('/') ? (path.split('/')[0] ?? '') : ''));
  const isOpen = shown.length <= openEntriesMax;
  let room = pageCharactersMax;
  const sections = [...groups].map(([name, entries]) => {
    const html = entries.map((entry) => {
      const one = entryHtml(entry, { isOpen, room });
      room -= one.length;
      return one;
    });
    const title = name === '' ? 'Top folder' : `${name}/`;
    return `<section><h2>${text(title)} <span class="count">${countText(entries.length, 'change')}</span></h2>\n${html.join('\n')}\n</section>`;
  });
  const left = changes.length - shown.length;
  return sections.join('\n') + (left > 0 ? `<p>\u2026 and ${countText(left, 'more change')}</p>` : '');
}

function entryHtml(entry: DiffEntry, { isOpen, room }: { isOpen: boolean; room: number }): string {
  const head = headHtml(entry);
  if (entry.content === undefined) return `<div class="entry"><div class="head">${head}</div></div>`;
  const inside =
    room > 0 ? insideHtml(entry.content) : '<p class="note">Not shown: the page would become too large.</p>';
  return `<details class="entry"${isOpen ? ' open' : ''}><summary class="head">${head}</summary><div class="inside">${inside}</div></details>`;
}

function headHtml({ change, path, from, type, before, after }: DiffEntry): string {
  const name = `${path === '' ? '.' : path}${type === 'directory' ? '/' : ''}`;
  const old = from === undefined ? '' : `<span class="from">${text(from)} \u2192 </span>`;
  const shown = [before, after].map((state) => (state === undefined ? '' : stateText(change, state)));
  const detail = shown.filter((one) => one !== '').join(' \u2192 ');
  return `<span class="kind ${change}">${words[change]}</span><span class="path">${old}${text(name)}</span><span class="detail">${text(detail)}</span>`;
}

function stateText(change: DiffEntry['change'], { type, size, mode, mtime, target }: DiffState): string {
  if (change === 'mode') return mode.toString(8).padStart(4, '0');
  if (change === 'time') return timeText(mtime);
  return type === 'file' ? bytesText(size) : (target ?? '');
}
