/** Times as people write them: `2026-11-20`, `2026-11-20 14:30`, ISO 8601, `2 hours ago`, `yesterday`. */

const unitMs: Readonly<Record<string, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
  month: 30 * 86_400_000,
  year: 365 * 86_400_000,
};
const shortUnits: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  y: 'year',
};

/** Milliseconds since 1970, or undefined when it is not a time. A day without an hour means its end, local time. */
export function parseMoment(text: string, nowMs: number): number | undefined {
  const words = text.trim().toLowerCase();
  if (words === 'now') return nowMs;
  if (words === 'today') return endOfDay(new Date(nowMs));
  if (words === 'yesterday') return endOfDay(new Date(nowMs - 86_400_000));
  return parseAgo(words, nowMs) ?? parseDate(words);
}

function parseAgo(words: string, nowMs: number): number | undefined {
  const match = /^(\d+|an?)\s*([a-z]+?)s?(\s+ago)?$/.exec(words);
  if (match === null) return undefined;
  const [, count = '', word = ''] = match;
  const unit = unitMs[shortUnits[word] ?? word];
  if (unit === undefined) return undefined;
  return nowMs - (count.startsWith('a') ? 1 : Number(count)) * unit;
}

function parseDate(words: string): number | undefined {
  const match =
    /^(\d{4})-(\d\d)-(\d\d)(?:[t ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?(z|[+-]\d\d:?\d\d)?)?$/.exec(
      words,
    );
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const date = `${year}-${month}-${day}`;
  if (hour === undefined) {
    const midnight = new Date(`${date}T00:00:00`);
    return isSameDay(midnight, Number(day)) ? endOfDay(midnight) : undefined;
  }
  const seconds = second === undefined ? '59.999' : `${second}.${fraction ?? '999'}`; // the end of what was named
  const parsed = new Date(`${date}T${hour}:${minute}:${seconds}${zone?.toUpperCase() ?? ''}`).getTime();
  return Number.isNaN(parsed) ? undefined : parsed;
}

function isSameDay(date: Date, day: number): boolean {
  return !Number.isNaN(date.getTime()) && date.getDate() === day;
}

function endOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate(), 23, 59, 59, 999).getTime();
}
