/**
 * One line of a JSONL file for people: when, who, what. It knows the shapes of OpenClaw's transcripts (a `message` with role
 * and parts, `compaction` with a summary) and of its logs and cron runs, and guesses at others by the names of their fields.
 */

export interface RecordDescription {
  /** ISO 8601. */
  readonly time?: string;
  readonly who?: string;
  readonly text: string;
}

export interface JsonRecord {
  /** Of a line that is an object. */
  readonly value: Readonly<Record<string, unknown>> | undefined;
  readonly line: string;
}

const textCharactersMax = 300;
const argumentCharactersMax = 100;
const timeFields = ['timestamp', 'ts', 'time', 'createdAt', 'created_at', 'runAtMs', 'at'] as const;
const textFields = ['content', 'text', 'summary', 'message', 'msg', 'error', 'prompt'] as const;

type Fields = Readonly<Record<string, unknown>>;

export function parseRecord(line: string): JsonRecord {
  try {
    return { value: asFields(JSON.parse(line)), line };
  } catch {
    return { value: undefined, line };
  }
}

/** By what the record is known again when its content changed: its id, or its time and who it is from. */
export function identityOf({ value }: JsonRecord): string | undefined {
  if (value === undefined) return undefined;
  const id = value['id'];
  const who = whoOf(value) ?? '';
  if (typeof id === 'string' || typeof id === 'number') return `id ${id}`;
  const time = timeOf(value);
  return time === undefined ? undefined : `time ${time} ${who}`;
}

export function isCompaction({ value }: JsonRecord): boolean {
  return value?.['type'] === 'compaction';
}

export function describeRecord({ value, line }: JsonRecord): RecordDescription {
  if (value === undefined) return { text: oneLine(line) };
  const time = timeOf(value);
  const who = whoOf(value);
  return {
    ...(time === undefined ? {} : { time }),
    ...(who === undefined ? {} : { who }),
    text: oneLine(textOf(value) ?? line),
  };
}

function asFields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function messageOf(record: Fields): Fields | undefined {
  return Object.hasOwn(record, 'message') ? asFields(record['message']) : undefined;
}

export function timeOf(record: Fields): string | undefined {
  for (const place of [record, messageOf(record)]) {
    for (const field of timeFields) {
      const time = place === undefined || !Object.hasOwn(place, field) ? undefined : isoTime(place[field]);
      if (time !== undefined) return time;
    }
  }
  return undefined;
}

/** From ISO 8601, or a number of seconds or milliseconds since 1970. */
function isoTime(value: unknown): string | undefined {
  if (typeof value === 'string' && !/^\d{4}-\d\d-\d\d[T ]\d\d:/.test(value)) return undefined;
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  if (typeof value === 'number' && value < 1e8) return undefined; // a count, not a time
  const time = new Date(typeof value === 'number' && value < 1e11 ? value * 1000 : value);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

function whoOf(record: Fields): string | undefined {
  const message = messageOf(record);
  const tool = nameIn(message, 'toolName') ?? nameIn(record, 'toolName') ?? nameIn(record, 'tool');
  const role = nameIn(message, 'role') ?? nameIn(record, 'role');
  if (tool !== undefined && (role === undefined || /^tool/i.test(role))) return tool;
  return (
    role ?? nameIn(record, 'author') ?? nameIn(asFields(record['author']), 'name') ?? nameIn(record, 'type')
  );
}

function nameIn(fields: Fields | undefined, field: string): string | undefined {
  const value = fields !== undefined && Object.hasOwn(fields, field) ? fields[field] : undefined;
  return typeof value === 'string' && value !== '' ? detached(value.slice(0, textCharactersMax)) : undefined;
}

function textOf(record: Fields): string | undefined {
  for (const place of [messageOf(record), record]) {
    for (const field of textFields) {
      const value = place !== undefined && Object.hasOwn(place, field) ? place[field] : undefined;
      const text = typeof value === 'string' ? value : Array.isArray(value) ? textOfParts(value) : '';
      if (text.trim() !== '') return text;
    }
  }
  return undefined;
}

function textOfParts(parts: readonly unknown[]): string {
  const texts: string[] = [];
  for (const part of parts) {
    const text = typeof part === 'string' ? part : textOfPart(asFields(part) ?? {});
    if (text !== '') texts.push(text);
    if (texts.length > 20) break;
  }
  return texts.join(' ');
}

function textOfPart(part: Fields): string {
  const { type, text, thinking, name, content } = part;
  if (typeof text === 'string') return text;
  if (typeof thinking === 'string') return `(${thinking.slice(0, textCharactersMax)})`;
  if (typeof name === 'string') return `${name.slice(0, textCharactersMax)}(${argumentsOf(part)})`;
  if (typeof content === 'string') return content;
  return typeof type === 'string' ? `[${type.slice(0, textCharactersMax)}]` : '';
}

/** Of a tool call. Only what is plain: nothing that could be nested deeply is printed. */
function argumentsOf(part: Fields): string {
  const fields = asFields(part['arguments']) ?? asFields(part['input']) ?? {};
  const words: string[] = [];
  for (const [key, value] of Object.entries(fields)) {
    if (words.length === 3) break;
    const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    if (isPlain) words.push(`${key}: ${String(value).slice(0, argumentCharactersMax)}`);
  }
  return words.join(', ');
}

/** Not longer than it may be, and with no hold on the long text it was cut from. */
export function oneLine(text: string): string {
  const words = text
    .slice(0, 4 * textCharactersMax)
    .replace(/\s+/g, ' ')
    .trim();
  const isCut = words.length > textCharactersMax || text.length > 4 * textCharactersMax;
  return detached(isCut ? `${words.slice(0, textCharactersMax - 1)}…` : words);
}

/** A cut text keeps the text it was cut from in memory, unless it is copied. */
function detached(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
