/**
 * Conversations as one JSON document, version 1 (docs/SESSIONS-BUNDLE.md). It comes from outside: everything in it is
 * checked before anything is used. It is written in pieces, because conversations can be large. Pure.
 */
import { ExuviaError } from '../../model/errors.ts';
import { asRecord, JsonBoundsError, parseJson } from '../json5.ts';

export const sessionsFormat = 'exuvia sessions bundle';
export const sessionsVersion = 1;

export type JsonRecord = Readonly<Record<string, unknown>>;

export interface BundledSession {
  /** Such as `agent:main:telegram:direct:42`. */
  readonly key: string;
  readonly agent: string;
  readonly sessionId: string;
  /** What OpenClaw's session store says of it. */
  readonly entry: JsonRecord;
  /** The transcript, in order: its header, then messages and whatever else happened. */
  readonly events: readonly JsonRecord[];
}

export interface SessionsSource {
  readonly host: string;
  readonly platform: string;
  readonly home: string;
  readonly stateDir: string;
  /** Version of OpenClaw that last wrote the configuration, where it says. */
  readonly openclaw: string | null;
}

export interface SessionsHead {
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly program: string;
  readonly source: SessionsSource;
}

export interface SessionsBundle extends SessionsHead {
  readonly sessions: readonly BundledSession[];
}

/** An input that is no bundle of sessions, or not one that can be used. */
export class SessionsInputError extends ExuviaError {
  constructor(name: string, detail: string, options: { hint?: string; cause?: unknown } = {}) {
    super(`Cannot import ${name}: ${detail}`, { code: 'ERR_SESSIONS_INPUT', ...options });
  }
}

/** The document as text, piece by piece: an event is a line. */
export function* formatSessions(
  { created, program, source }: SessionsHead,
  sessions: Iterable<BundledSession>,
): Generator<string> {
  const head = { format: sessionsFormat, version: sessionsVersion, created, program, source };
  yield `${JSON.stringify(head, undefined, 2).slice(0, -2)},\n  "sessions": [`;
  let isFirst = true;
  for (const session of sessions) {
    yield isFirst ? '\n' : ',\n';
    yield* formatSession(session);
    isFirst = false;
  }
  yield isFirst ? ']\n}\n' : '\n  ]\n}\n';
}

function* formatSession({ key, agent, sessionId, entry, events }: BundledSession): Generator<string> {
  const head = `"key": ${JSON.stringify(key)}, "agent": ${JSON.stringify(agent)}`;
  yield `    { ${head}, "sessionId": ${JSON.stringify(sessionId)},\n      "entry": ${JSON.stringify(entry)},\n      "events": [`;
  for (const [index, event] of events.entries())
    yield `${index === 0 ? '\n' : ',\n'}        ${JSON.stringify(event)}`;
  yield events.length === 0 ? '] }' : '\n      ] }';
}

/**
 * @param name what to call the input in messages
 * @throws SessionsInputError naming the first thing that is wrong
 */
export function parseSessions(text: string, name: string): SessionsBundle {
  const document = parseDocument(text, name);
  const { version, sessions } = document;
  if (version !== sessionsVersion) {
    throw new SessionsInputError(
      name,
      `it is a bundle of version ${JSON.stringify(version)}, and this program reads version ${sessionsVersion}`,
      { hint: 'Install a newer version of exuvia.' },
    );
  }
  if (!Array.isArray(sessions)) throw new SessionsInputError(name, 'it has no list of sessions');
  const parsed = sessions.map((session, index) => parseSession(session, name, `session ${index + 1}`));
  checkTogether(parsed, name);
  const source = asRecord(document['source']) ?? {};
  return {
    created: textOf(document['created']),
    program: textOf(document['program']),
    source: {
      host: textOf(source['host']),
      platform: textOf(source['platform']),
      home: textOf(source['home']),
      stateDir: textOf(source['stateDir']),
      openclaw: typeof source['openclaw'] === 'string' ? source['openclaw'] : null,
    },
    sessions: parsed,
  };
}

function parseDocument(text: string, name: string): JsonRecord {
  let value: unknown;
  try {
    value = parseJson(text.replace(/^\ufeff/, ''));
  } catch (error) {
    const isTooMuch = error instanceof JsonBoundsError;
    const problem = text.trim() === '' ? 'it is empty' : isTooMuch ? error.message : 'it is not JSON';
    throw new SessionsInputError(name, problem, {
      hint: 'Give the file that exuvia sessions export wrote.',
      cause: error,
    });
  }
  const document = asRecord(value);
  if (document?.['format'] === sessionsFormat) return document;
  throw new SessionsInputError(name, 'it is JSON, but not a bundle of sessions', {
    hint: 'Give the file that exuvia sessions export wrote.',
  });
}

function parseSession(value: unknown, name: string, place: string): BundledSession {
  const session = asRecord(value) ?? {};
  const { key, agent, sessionId, events } = session;
  const entry = asRecord(session['entry']);
  if (!isSessionKey(key)) throw new SessionsInputError(name, `${place} has no usable key`);
  const where = `${place} (${JSON.stringify(key)})`;
  if (!isAgentId(agent))
    throw new SessionsInputError(name, `the agent of ${where} is ${JSON.stringify(agent)}`);
  if (!isSessionId(sessionId))
    throw new SessionsInputError(name, `the session id of ${where} is ${JSON.stringify(sessionId)}`);
  if (entry === undefined) throw new SessionsInputError(name, `${where} has no entry`);
  if (!Array.isArray(events)) throw new SessionsInputError(name, `${where} has no list of events`);
  const bad = events.findIndex((event) => asRecord(event) === undefined);
  if (bad >= 0) throw new SessionsInputError(name, `event ${bad + 1} of ${where} is not an object`);
  return { key, agent, sessionId, entry, events: events as JsonRecord[] };
}

function checkTogether(sessions: readonly BundledSession[], name: string): void {
  const seen = new Set<string>();
  for (const { agent, key, sessionId } of sessions) {
    for (const one of [`${agent} ${key}`, `${agent} id ${sessionId}`]) {
      if (seen.has(one))
        throw new SessionsInputError(name, `${JSON.stringify(key)} or its session id is in it twice`);
      seen.add(one);
    }
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** What OpenClaw takes for the id of a session, which is a file name too. */
export function isSessionId(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z0-9][a-z0-9._-]{0,127}$/i.test(value);
}

export function isAgentId(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z0-9][a-z0-9._-]{0,63}$/.test(value);
}

const keyLengthMax = 1024;

/** Any text but the names that would be something else in an object, and control characters. */
export function isSessionKey(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > keyLengthMax) return false;
  return value !== '__proto__' && !/\p{Cc}/u.test(value);
}
