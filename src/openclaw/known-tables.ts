/** What the tables of OpenClaw's databases mean to people. */
import { describeRecord, parseRecord, type RecordDescription } from '../diff/describe-record.ts';
import { eventText } from './sessions/database-store.ts';

/** Positions, sizes, times, and copies and indexes of what is in other tables or files: OpenClaw changes them with each turn. */
const bookkeeping = new Set(
  (
    'session_transcript_active_events session_transcript_index_state session_windows transcript_event_identities ' +
    'trajectory_runtime_events agent_databases config_health_entries diagnostic_events schema_meta ' +
    'workspace_setup_state memory_index_state memory_index_meta memory_index_sources memory_index_chunks ' +
    'memory_index_chunk_provenance memory_index_chunk_recall_metadata session_transcript_fts_rows ' +
    'agent_integrity_verifications'
  ).split(' '),
);

export const knownTables = {
  isBookkeeping: (table: string): boolean => bookkeeping.has(table),

  /** Events of a transcript, which are lines of the older form: who said what. */
  describeRow(table: string, row: Readonly<Record<string, unknown>>): RecordDescription | undefined {
    if (table !== 'transcript_events') return undefined;
    const text = eventText({ event_json: asText(row['event_json']), event_zstd: asBytes(row['event_zstd']) });
    return text === undefined ? undefined : describeRecord(parseRecord(text));
  },
};

function asText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function asBytes(value: unknown): Buffer | null {
  return Buffer.isBuffer(value) ? value : null;
}
