/** Where the values of a `.env` text stand. Quoted values may span lines; an unquoted one ends with its line. */

export interface EnvPlace {
  readonly name: string;
  /** The value with its quotes: `[start, end)` in characters. */
  readonly start: number;
  readonly end: number;
  /** The whole assignment with the end of its line. */
  readonly lineStart: number;
  readonly lineEnd: number;
}

export interface EnvText {
  readonly places: readonly EnvPlace[];
  readonly comments: readonly { readonly text: string; readonly line: number }[];
  /** Numbers of lines that are none of: empty, comment, assignment. */
  readonly strangeLines: readonly number[];
}

export function locateEnv(text: string): EnvText {
  const places: EnvPlace[] = [];
  const comments: { text: string; line: number }[] = [];
  const strangeLines: number[] = [];
  let line = 1;
  for (let at = 0; at < text.length; ) {
    const place = assignmentAt(text, at);
    const end = place?.lineEnd ?? endOfLine(text, at);
    const piece = text.slice(at, end);
    if (place !== undefined) places.push(place);
    else if (/^[\s\ufeff]*#/.test(piece)) comments.push({ text: piece, line });
    else if (piece.trim() !== '') strangeLines.push(line);
    line += piece.split('\n').length - 1;
    at = end;
  }
  return { places, comments, strangeLines };
}

function assignmentAt(text: string, at: number): EnvPlace | undefined {
  const head = /\ufeff?[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*/y;
  head.lastIndex = at;
  const name = head.exec(text)?.[1];
  if (name === undefined) return undefined;
  const start = head.lastIndex;
  const end = endOfQuoted(text, start) ?? start + lineLength(text, start);
  return { name, start, end, lineStart: at, lineEnd: endOfLine(text, end) };
}

/** After the closing quote, and whatever stands behind it on its line. */
function endOfQuoted(text: string, start: number): number | undefined {
  const quoted = /"(?:\\[\s\S]|[^"\\])*"|'[^']*'|`[^`]*`/y;
  quoted.lastIndex = start;
  return quoted.test(text) ? quoted.lastIndex + lineLength(text, quoted.lastIndex) : undefined;
}

/** Characters up to the end of the line, without trailing white space. */
function lineLength(text: string, from: number): number {
  const line = /[^\r\n]*/y;
  line.lastIndex = from;
  return (line.exec(text)?.[0] ?? '').trimEnd().length;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end + 1;
}
