/**
 * Exuvia's settings: the documented `backup: {…}` block, from `<state>/exuvia.json5` or, as the documentation has it, from
 * the configuration itself. Pure: text to settings, each with where it comes from; every mistake names the line, the key,
 * and what was wanted.
 */
import { ExuviaError, messageOf } from '../model/errors.ts';
import { componentNames, isComponent } from './components.ts';
import { asRecord, parseJson5 } from './json5.ts';
import { lineOfJson5 } from './json5-positions.ts';

/** How many to keep, and how far back; a snapshot is kept when any of the rules keeps it. */
export interface RetentionSettings {
  readonly keepLast?: number;
  readonly keepHourly?: number;
  readonly keepDaily?: number;
  readonly keepWeekly?: number;
  readonly keepMonthly?: number;
  readonly keepYearly?: number;
  /** `30d`, `2w`, `6m`, `1y`: everything younger. */
  readonly keepWithin?: string;
  readonly keepTags?: readonly string[];
}

export interface Settings {
  readonly auto: boolean;
  /** Cron expression of five fields. */
  readonly schedule: string;
  /** Undefined keeps everything. */
  readonly retention: RetentionSettings | undefined;
  /** The repository, as written: `~` is not yet expanded. Undefined is the default place. */
  readonly path: string | undefined;
  /** Components (only these) and globs. Empty is everything. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly compress: boolean;
  readonly preBackup: string | undefined;
  readonly postBackup: string | undefined;
  readonly onFailure: string | undefined;
  /** Seconds a hook may take. */
  readonly hookTimeLimit: number;
  readonly skipIfUnchanged: boolean;
  /** Whether the repository is encrypted, and where its key is. */
  readonly encryption: boolean | EncryptionSettings;
}

/** At most one of them. Paths as written: `~` is not yet expanded. */
export interface EncryptionSettings {
  readonly keyFile?: string;
  readonly passphraseFile?: string;
  readonly passphraseCommand?: string;
}

export const defaultSettings: Settings = {
  auto: false,
  schedule: '0 0 * * *',
  retention: undefined,
  path: undefined,
  include: [],
  exclude: [],
  compress: true,
  preBackup: undefined,
  postBackup: undefined,
  onFailure: undefined,
  hookTimeLimit: 3600,
  skipIfUnchanged: false,
  encryption: false,
};

export type SettingName = keyof Settings;
export const settingNames = Object.keys(defaultSettings) as SettingName[];
export const settingsFileName = 'exuvia.json5';

/** @throws with the file, the line, the key and what was wanted */
export class SettingsError extends ExuviaError {
  override readonly name = 'SettingsError';
  constructor(place: string, problem: string) {
    super(`${place}: ${problem}`, {
      code: 'ERR_SETTINGS',
      kind: 'usage',
      hint: 'docs/SETTINGS.md has every setting; exuvia settings init writes a commented file.',
    });
  }
}

/** The settings that a text sets. `file` names it in errors. */
export function parseSettings(text: string, file: string): Partial<Settings> {
  let value: unknown;
  try {
    value = parseJson5(text);
  } catch (error) {
    throw syntaxError(file, messageOf(error));
  }
  const at = (path: readonly string[]): string => `${file}, line ${lineOfJson5(text, path)}`;
  const root = asRecord(value);
  if (root === undefined) throw new SettingsError(at([]), 'want an object such as { backup: { … } }');
  for (const key of Object.keys(root)) {
    if (key !== 'backup')
      throw new SettingsError(at([key]), `unknown key "${key}"; settings stand in "backup"`);
  }
  return parseBlock(root['backup'] ?? {}, at);
}

/**
 * Whether a file holds settings of ours, which may name commands: those stand in `backup`, in a file of their own as in a
 * configuration. What does not parse is not read as settings either.
 */
export function hasSettings(content: Buffer): boolean {
  try {
    return asRecord(parseJson5(content.toString('utf8')))?.['backup'] !== undefined;
  } catch {
    return false;
  }
}

/** json5 says `JSON5: invalid character 'x' at 3:5`. */
function syntaxError(file: string, message: string): SettingsError {
  const [, problem = message, line] = /^(?:JSON5: )?(.*?)(?: at (\d+):\d+)?$/s.exec(message) ?? [];
  return new SettingsError(
    line === undefined ? file : `${file}, line ${line}`,
    `it is not JSON5: ${problem}`,
  );
}

/** The `backup` block of a configuration whose other keys are none of our business. */
export function parseBackupBlock(
  config: Readonly<Record<string, unknown>>,
  text: string,
  file: string,
): Partial<Settings> | undefined {
  if (config['backup'] === undefined) return undefined;
  return parseBlock(config['backup'], (path) => `${file}, line ${lineOfJson5(text, path)}`);
}

type PlaceOf = (path: readonly string[]) => string;

function parseBlock(value: unknown, at: PlaceOf): Partial<Settings> {
  const block = asRecord(value);
  if (block === undefined) throw new SettingsError(at(['backup']), '"backup" is not an object');
  const settings: Record<string, unknown> = {};
  for (const [key, raw] of Object.entries(block)) {
    const path = ['backup', key];
    const refuse = (problem: string): never => {
      throw new SettingsError(at(path), `"${key}" ${problem}`);
    };
    const parse = Object.hasOwn(parsers, key) ? parsers[key as SettingName] : undefined;
    if (parse === undefined)
      throw new SettingsError(at(path), `unknown key "${key}"${suggestion(key, settingNames)}`);
    settings[key] = parse(raw, {
      refuse,
      refuseAt: (inner, problem) => {
        throw new SettingsError(at([...path, inner]), problem);
      },
    });
  }
  return settings as Partial<Settings>;
}

interface Refusals {
  /** The value as a whole is wrong. */
  readonly refuse: (problem: string) => never;
  /** Something in it is. */
  readonly refuseAt: (inner: string, problem: string) => never;
}

type Parser = (value: unknown, refusals: Refusals) => unknown;

const parseFlag: Parser = (value, { refuse }) =>
  typeof value === 'boolean' ? value : refuse(`is ${kindOf(value)}, want true or false`);

const parseText: Parser = (value, { refuse }) =>
  typeof value === 'string' && value.trim() !== ''
    ? value
    : refuse(`is ${value === '' ? 'empty' : kindOf(value)}, want a text`);

const parseSchedule: Parser = (value, refusals) => {
  const text = parseText(value, refusals) as string;
  const isCron = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/.test(text.trim());
  const problem = isCron ? undefined : cronProblem(text.trim());
  return problem === undefined
    ? text.trim()
    : refusals.refuse(`is ${JSON.stringify(text)}: ${problem}; want five fields such as "0 0 * * *"`);
};

const parseList =
  (namesComponents: boolean): Parser =>
  (value, { refuse, refuseAt }) => {
    if (!Array.isArray(value)) return refuse(`is ${kindOf(value)}, want a list of texts`);
    for (const [index, item] of value.entries()) {
      if (typeof item !== 'string' || item.trim() === '')
        return refuseAt(String(index), `an item of ${kindOf(item)}, want a text`);
      const word = item.trim();
      if (namesComponents && /^[a-z]+$/i.test(word) && !isComponent(word.toLowerCase())) {
        const near = suggestion(word.toLowerCase(), componentNames);
        return refuseAt(
          String(index),
          `unknown component "${word}"${near}; known: ${componentNames.join(', ')}`,
        );
      }
    }
    return value.map((item: string) =>
      isComponent(item.trim().toLowerCase()) ? item.trim().toLowerCase() : item.trim(),
    );
  };

const retentionCounts = [
  'keepLast',
  'keepHourly',
  'keepDaily',
  'keepWeekly',
  'keepMonthly',
  'keepYearly',
] as const;

const parseRetention: Parser = (value, { refuse, refuseAt }) => {
  if (typeof value === 'number') {
    return isCount(value) && value > 0
      ? { keepWithin: `${value}d` }
      : refuse(`is ${value}, want a whole number of days from 1`);
  }
  const rules = asRecord(value);
  if (rules === undefined) return refuse(`is ${kindOf(value)}, want a number of days or { keepLast: 10, … }`);
  for (const [key, raw] of Object.entries(rules)) {
    if ((retentionCounts as readonly string[]).includes(key)) {
      if (!isCount(raw)) refuseAt(key, `"${key}" is ${kindOf(raw)}, want a whole number`);
    } else if (key === 'keepWithin') {
      if (typeof raw !== 'string' || withinMs(raw) === undefined)
        refuseAt(
          key,
          `"keepWithin" is ${JSON.stringify(raw)}, want a time such as "30d", "2w", "6m" or "1y"`,
        );
    } else if (key === 'keepTags') {
      if (!Array.isArray(raw) || !raw.every((tag) => typeof tag === 'string'))
        refuseAt(key, '"keepTags" is not a list of texts');
    } else {
      refuseAt(key, `unknown key "${key}"${suggestion(key, [...retentionCounts, 'keepWithin', 'keepTags'])}`);
    }
  }
  if (Object.keys(rules).length === 0)
    refuse('is empty and would keep nothing; leave it out to keep everything');
  return rules;
};

const parseSeconds: Parser = (value, { refuse }) =>
  typeof value === 'number' && value > 0 && value <= 86_400 * 7
    ? value
    : refuse(`is ${kindOf(value)}, want a number of seconds up to a week`);

const keyPlaces = ['keyFile', 'passphraseFile', 'passphraseCommand'];

const parseEncryption: Parser = (value, { refuse, refuseAt }) => {
  if (typeof value === 'boolean') return value;
  const block = asRecord(value);
  if (block === undefined) return refuse(`is ${kindOf(value)}, want true, false or { keyFile: "…" }`);
  const names = Object.keys(block);
  for (const [key, raw] of Object.entries(block)) {
    if (!keyPlaces.includes(key)) refuseAt(key, `unknown key "${key}"${suggestion(key, keyPlaces)}`);
    if (typeof raw !== 'string' || raw.trim() === '')
      refuseAt(key, `"${key}" is ${kindOf(raw)}, want a text`);
  }
  if (names.length !== 1)
    refuse(`has ${names.length === 0 ? 'no key' : names.join(' and ')}, want one of ${keyPlaces.join(', ')}`);
  return block;
};

const parsers: Readonly<Record<SettingName, Parser>> = {
  auto: parseFlag,
  schedule: parseSchedule,
  retention: parseRetention,
  path: parseText,
  include: parseList(true),
  exclude: parseList(true),
  compress: parseFlag,
  preBackup: parseText,
  postBackup: parseText,
  onFailure: parseText,
  hookTimeLimit: parseSeconds,
  skipIfUnchanged: parseFlag,
  encryption: parseEncryption,
};

const dayMs = 86_400_000;
const withinUnits: Readonly<Record<string, number>> = {
  h: dayMs / 24,
  d: dayMs,
  w: 7 * dayMs,
  m: 30 * dayMs,
  y: 365 * dayMs,
};

/** Milliseconds of `30d`, `2w`, …, or undefined. Months have 30 days and years 365. */
export function withinMs(text: string): number | undefined {
  const match = /^(\d+)\s*([hdwmy])$/.exec(text.trim());
  const unit = withinUnits[match?.[2] ?? ''];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

interface CronField {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly words: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const cronFields: readonly CronField[] = [
  { name: 'minute', min: 0, max: 59, words: [] },
  { name: 'hour', min: 0, max: 23, words: [] },
  { name: 'day of the month', min: 1, max: 31, words: [] },
  { name: 'month', min: 1, max: 12, words: months },
  { name: 'day of the week', min: 0, max: 7, words: weekdays },
];

/** What is wrong with an expression of five fields, naming the field; undefined when nothing is. */
export function cronProblem(expression: string): string | undefined {
  const parts = expression.split(/\s+/);
  if (parts.length !== cronFields.length) return `it has ${parts.length} fields`;
  for (const [index, field] of cronFields.entries()) {
    const part = parts[index] ?? '';
    if (!part.split(',').every((item) => isCronItem(item, field)))
      return `the ${field.name} is ${JSON.stringify(part)}`;
  }
  return undefined;
}

/** `*`, `5`, `1-5`, each perhaps with a step: `*` + `/15`. */
function isCronItem(item: string, field: CronField): boolean {
  const match = /^(\*|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(item);
  if (match === null || match[4] === '0') return false;
  const [, , from, to] = match;
  if (from === undefined) return true;
  const first = cronNumber(from, field);
  const last = to === undefined ? first : cronNumber(to, field);
  return first !== undefined && last !== undefined && first <= last;
}

function cronNumber(text: string, field: CronField): number | undefined {
  const word = field.words.indexOf(text.toLowerCase());
  const value = word >= 0 ? word + field.min : /^\d+$/.test(text) ? Number(text) : -1;
  return value >= field.min && value <= field.max ? value : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 1_000_000;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? `the text ${JSON.stringify(value)}` : String(value);
}

/** The known name that shares most with what was written, when it is near. */
function suggestion(word: string, known: readonly string[]): string {
  const plain = word.toLowerCase();
  const near = known.find(
    (name) =>
      name.toLowerCase() === plain ||
      name.toLowerCase().startsWith(plain) ||
      isOneEditAway(name.toLowerCase(), plain),
  );
  return near === undefined ? '' : `; did you mean "${near}"?`;
}

function isOneEditAway(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let from = 0;
  while (from < a.length && a[from] === b[from]) from++;
  const rests = [
    [a.slice(from + 1), b.slice(from + 1)],
    [a.slice(from + 1), b.slice(from)],
    [a.slice(from), b.slice(from + 1)],
    [a.slice(from + 2), b.slice(from + 2)],
  ];
  return rests.some(([x, y]) => x === y);
}
