/** Names that somebody may have meant. Pure. */

const shownMax = 3;

/** Those that contain what was written or are contained in it, then those a few letters away; the nearest first. */
export function nearNames(written: string, names: readonly string[]): string[] {
  const wanted = written.toLowerCase();
  const scored = names.map((name) => ({ name, score: scoreOf(wanted, name.toLowerCase()) }));
  const near = scored.filter(({ score }) => score <= 0.5);
  return near
    .sort((a, b) => a.score - b.score)
    .slice(0, shownMax)
    .map(({ name }) => name);
}

/** 0 for the same, 1 for nothing in common. */
function scoreOf(wanted: string, name: string): number {
  const longest = Math.max(wanted.length, name.length, 1);
  if (wanted.length > 1 && (name.includes(wanted) || wanted.includes(name)))
    return (0.4 * Math.abs(name.length - wanted.length)) / longest;
  return distance(wanted, name) / longest;
}

/** Levenshtein's: how many letters to add, remove or change. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const change = (row[j] ?? 0) + (letter === b[j] ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
