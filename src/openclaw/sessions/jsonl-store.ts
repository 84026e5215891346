/**
 * Sessions of the era of files: `sessions.json` says which there are, `<sessionId>.jsonl` beside it is the transcript. Older
 * still: both in `sessions/` of the state directory.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { withPath } from '../../io/files.ts';
import { ExuviaError, errnoOf } from '../../model/errors.ts';
import { asRecord, asText, parseJson, parseJson5 } from '../json5.ts';
import { type BundledSession, isSessionId, isSessionKey, type JsonRecord } from './bundle.ts';
import type { ReadSession, SessionName, SessionStore } from './store.ts';

export interface Transcript {
  readonly events: readonly JsonRecord[];
  /** Lines that hold no event, without a last one that was still being written. */
  readonly badLines: number;
}

export class JsonlStore implements SessionStore {
  readonly kind = 'files';
  readonly agent: string;
  /** `sessions.json`. */
  readonly path: string;

  constructor(agent: string, path: string) {
    this.agent = agent;
    this.path = path;
  }

  list(): SessionName[] {
    return Object.entries(readSessionIndex(this.path)).flatMap(([key, value]) => {
      const sessionId = asRecord(value)?.['sessionId'];
      return isSessionKey(key) && isSessionId(sessionId) ? [{ agent: this.agent, key, sessionId }] : [];
    });
  }

  sessionIds(): ReadonlySet<string> {
    const folder = dirname(this.path);
    if (!existsSync(folder)) return new Set();
    const names = withPath('read folder', folder, () => readdirSync(folder));
    return new Set(
      names.filter((name) => name.endsWith('.jsonl')).map((name) => name.slice(0, -'.jsonl'.length)),
    );
  }

  *read(wanted: readonly SessionName[]): Generator<ReadSession> {
    const index = readSessionIndex(this.path);
    for (const { key, sessionId } of wanted) {
      const entry = asRecord(index[key]);
      if (entry?.['sessionId'] !== sessionId) continue; // OpenClaw has moved on since it was listed
      const place = transcriptPath(this.path, sessionId, entry);
      const { events, badLines } = readTranscript(place) ?? { events: [], badLines: 0 };
      const session: BundledSession = { key, agent: this.agent, sessionId, entry, events };
      yield { session, problems: badLines === 0 ? [] : [`${badLines} lines of ${place} hold no event`] };
    }
  }
}

/**
 * The entries of a session store by their keys, in its order; none when there is no such file.
 * @throws ExuviaError when it is there and is not a session store
 */
export function readSessionIndex(path: string): JsonRecord {
  const text = readText(path);
  if (text === undefined || text.trim() === '') return {};
  try {
    const index = asRecord(parseJson5(text));
    if (index !== undefined) return index;
  } catch (error) {
    throw new ExuviaError(`Cannot read ${path}: it is not JSON`, {
      code: 'ERR_SESSIONS_STORE',
      cause: error,
    });
  }
  throw new ExuviaError(`Cannot read ${path}: it is not an object`, { code: 'ERR_SESSIONS_STORE' });
}

/** The name that the entry gives, beside the store (the path may be of another home), or the name by its id. */
export function transcriptPath(indexPath: string, sessionId: string, entry: JsonRecord): string {
  const named = asText(entry['sessionFile']);
  const plain = join(dirname(indexPath), `${sessionId}.jsonl`);
  if (named === undefined || !named.endsWith('.jsonl')) return plain;
  const beside = join(dirname(indexPath), basename(named.replaceAll('\\', '/')));
  return [beside, plain, named].find((path) => existsSync(path)) ?? plain;
}

/** Undefined when there is no such file. */
export function readTranscript(path: string): Transcript | undefined {
  const text = readText(path);
  return text === undefined ? undefined : parseTranscript(text);
}

/** What stands after the last line break is still being written, unless it is whole. */
export function parseTranscript(text: string): Transcript {
  const lines = text.split('\n');
  const last = lines.pop() ?? '';
  const events = lines.filter((line) => line.trim() !== '').map(parseEvent);
  const tail = parseEvent(last);
  const whole = events.filter((event) => event !== undefined);
  return {
    events: tail === undefined ? whole : [...whole, tail],
    badLines: events.length - whole.length,
  };
}

function parseEvent(line: string): JsonRecord | undefined {
  try {
    return asRecord(parseJson(line));
  } catch {
    return undefined; // counted by the caller
  }
}

export function formatTranscript(events: readonly JsonRecord[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}

function readText(path: string): string | undefined {
  return withPath('read', path, () => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
      throw error;
    }
  });
}
