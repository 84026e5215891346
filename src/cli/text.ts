/** Text for a terminal: names from outside made harmless, sizes, durations, tables. */

/** C0, DEL, C1, and the characters that reorder or hide text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** What came from a file name or a message, with control and direction characters escaped. */
export function safeText(text: string): string {
  return text.replace(unsafe, escapeCharacter);
}

function escapeCharacter(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return `\\u{${character.charCodeAt(0).toString(16)}}`;
}

/** JSON for a terminal or a program: what JSON lets stand in its texts and a terminal would obey is escaped as JSON does it. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(unsafeInJson, escapeInJson);
}

/** Those of `unsafe` that JSON itself does not escape. */
const unsafeInJson = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

function escapeInJson(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];

/** `1.4 MB`: decimal units, three digits at most. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60
    ? `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `12,345`. Without `toLocaleString`, whose first call loads language tables for 15 ms. */
export function numberText(count: number): string {
  return Math.abs(count) < 1000 ? String(count) : String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

/** Local time, to the second. */
export function timeText(iso: string): string {
  const date = new Date(iso);
  const two = (value: number): string => (value < 10 ? `0${value}` : String(value));
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Columns as wide as their widest cell; `right` lists the columns aligned to the right. */
export function tableText(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
    });
  const isRight = widths.map((_, column) => right.includes(column));
  const lineOf = (row: readonly string[]): string => {
    let line = '';
    row.forEach((cell, column) => {
      const gap = ' '.repeat((widths[column] ?? 0) - widthOf(cell));
      line += (column === 0 ? '' : '  ') + (isRight[column] ? gap + cell : cell + gap);
    });
    return line.trimEnd();
  };
  return rows.map(lineOf).join('\n');
}

/** Without what only colours it. */
function widthOf(cell: string): number {
  if (!cell.includes('\u001b')) return cell.length;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape that begins a colour
  return cell.replace(/\u001b\[\d+m/g, '').length;
}

const movedPathsMax = 40;

/** What a restore or an import made of the paths of another home. */
export function movedPathLines(
  changes: readonly { readonly file: string; readonly where: string; readonly to: string }[],
  dryRun = false,
): string[] {
  if (changes.length === 0) return [];
  const [verb, becomes] = dryRun ? ['Would change', 'would be'] : ['Changed', 'is now'];
  const lines = changes.map(
    ({ file, where, to }) => `  ${safeText(file)}: ${safeText(where)} ${becomes} ${safeText(to)}`,
  );
  const more = lines.length > movedPathsMax ? [`  … and ${lines.length - movedPathsMax} more`] : [];
  return [
    `${verb} ${countText(lines.length, 'path')} of the other home (--keep-paths leaves them):`,
    ...lines.slice(0, movedPathsMax),
    ...more,
  ];
}

const sizeUnits: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** Bytes of a size such as `500M`, `1.5 GB` or `1048576`; binary with `KiB`, `MiB` …. Undefined when it is none. */
export function parseBytes(text: string): number | undefined {
  const [, number = '', unit = '', binary = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?$/i.exec(text) ?? [];
  if (number === '') return undefined;
  const factor = sizeUnits[unit.toLowerCase()] ?? 1;
  const exact = binary === '' ? factor : 1024 ** Math.round(Math.log10(factor) / 3);
  return Math.round(Number(number) * exact);
}

/** What of a source is not in a snapshot; the source itself has no path in it. */
export function unreadableText({ path, reason }: { readonly path: string; readonly reason: string }): string {
  return `${path === '' ? 'the source itself' : safeText(path)}: ${safeText(reason)}`;
}
