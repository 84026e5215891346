/** A session as rows of an agent's database. Pure. */
import { asRecord } from '../json5.ts';
import type { BundledSession, JsonRecord } from './bundle.ts';

/** Columns that repeat a value of the entry, and the type of that value; of texts with a fixed set, the set. */
type EntryColumns = Readonly<Record<string, 'text' | 'integer' | readonly string[]>>;

const statuses = ['running', 'done', 'failed', 'killed', 'timeout'];
const shared: EntryColumns = {
  status: statuses,
  display_name: 'text',
  parent_session_key: 'text',
  spawned_by: 'text',
};

export const nodeColumns: EntryColumns = {
  ...shared,
  label: 'text',
  category: 'text',
  icon: 'text',
  pinned_at: 'integer',
  archived_at: 'integer',
  last_read_at: 'integer',
  last_interaction_at: 'integer',
  last_activity_at: 'integer',
};

export const windowColumns: EntryColumns = {
  ...shared,
  started_at: 'integer',
  ended_at: 'integer',
  chat_type: ['direct', 'group', 'channel'],
  channel: 'text',
  model_provider: 'text',
  model: 'text',
  agent_harness_id: 'text',
};

/** `last_read_at` from `lastReadAt` and so on, as far as the values are of the right type; null otherwise. */
export function entryColumns(
  entry: JsonRecord,
  columns: EntryColumns,
): Record<string, string | number | null> {
  const values: Record<string, string | number | null> = {};
  for (const [column, type] of Object.entries(columns)) {
    const value = entry[column.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())];
    const isText = typeof value === 'string' && (type === 'text' || type.includes(value));
    const isInteger = type === 'integer' && Number.isSafeInteger(value);
    values[column] = isText || isInteger ? (value as string | number) : null;
  }
  return values;
}

export interface EventRow {
  readonly [column: string]: string | number;
  readonly session_id: string;
  readonly seq: number;
  readonly event_json: string;
  readonly event_utf8_bytes: number;
  readonly created_at: number;
}

/** @param fallbackMs when an event has no time and none before it has */
export function eventRows({ sessionId, events }: BundledSession, fallbackMs: number): EventRow[] {
  let lastMs = events.map(timeOf).find((time) => time !== undefined) ?? fallbackMs;
  return events.map((event, seq) => {
    lastMs = timeOf(event) ?? lastMs;
    const text = JSON.stringify(event);
    const bytes = Buffer.byteLength(text);
    return { session_id: sessionId, seq, event_json: text, event_utf8_bytes: bytes, created_at: lastMs };
  });
}

function timeOf(event: JsonRecord): number | undefined {
  const text = event['timestamp'];
  const time = typeof text === 'number' ? text : typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isSafeInteger(time) ? time : undefined;
}

/** One row for each event that has an id; a repeated id or idempotency key belongs to the first that has it. */
export function identityRows(
  { sessionId, events }: BundledSession,
  rows: readonly EventRow[],
): Record<string, string | number | null>[] {
  const ids = new Set<string>();
  const keys = new Set<string>();
  return events.flatMap((event, seq) => {
    const id = textAt(event, 'id');
    if (id === null || ids.has(id)) return [];
    ids.add(id);
    const key = textAt(asRecord(event['message']) ?? {}, 'idempotencyKey');
    const isNewKey = key !== null && !keys.has(key);
    if (isNewKey) keys.add(key);
    return [
      {
        ...{ session_id: sessionId, event_id: id, seq, event_type: textAt(event, 'type') },
        parent_id: textAt(event, 'parentId'),
        message_idempotency_key: isNewKey ? key : null,
        created_at: rows[seq]?.created_at ?? 0,
      },
    ];
  });
}

function textAt(record: JsonRecord, name: string): string | null {
  const value = record[name];
  return typeof value === 'string' && value !== '' ? value : null;
}
