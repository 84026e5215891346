/** What an import does with each session of a bundle: decided before anything is written. Pure. */
import { isSessionPathKey, movePathsInValue, type PathMove } from '../move-paths.ts';
import type { BundledSession, JsonRecord } from './bundle.ts';

export const conflictPolicies = ['skip', 'replace', 'rename'] as const;
export type SessionConflictPolicy = (typeof conflictPolicies)[number];

export interface PlannedSession {
  /** As it is to be written. */
  readonly session: BundledSession;
  /** Its key and id in the bundle. */
  readonly from: { readonly key: string; readonly sessionId: string };
  readonly action: 'create' | 'replace' | 'rename' | 'skip' | 'unchanged';
}

/** What the store of one agent has. */
export interface PresentSessions {
  /** The session id of each key. */
  readonly keys: ReadonlyMap<string, string>;
  /** Ids that transcripts have, also those that no key names any more. */
  readonly sessionIds: ReadonlySet<string>;
  /** Keys whose session is the one of the bundle, to the last event. */
  readonly same: ReadonlySet<string>;
}

/** A session as it is to be for another agent and in another home. */
export function adaptSession(
  session: BundledSession,
  agent: string,
  moves: readonly PathMove[],
): BundledSession {
  const prefix = `agent:${session.agent}:`;
  const isOfAgent = session.key.startsWith(prefix);
  const key = isOfAgent ? `agent:${agent}:${session.key.slice(prefix.length)}` : session.key;
  const [header, ...rest] = session.events;
  const isHeader = header?.['type'] === 'session';
  return {
    ...{ key, agent, sessionId: session.sessionId },
    entry: moved({ ...session.entry, sessionId: session.sessionId }, moves),
    // Only where it ran: what was said, and what tools answered, stays as it was.
    events: header !== undefined && isHeader ? [moved(header, moves), ...rest] : session.events,
  };
}

function moved(record: JsonRecord, moves: readonly PathMove[]): JsonRecord {
  return (movePathsInValue(record, moves, isSessionPathKey)?.value as JsonRecord | undefined) ?? record;
}

/** The same conversation under another id. */
function withSessionId(session: BundledSession, sessionId: string): BundledSession {
  const [header, ...rest] = session.events;
  const isHeader = header?.['type'] === 'session';
  return {
    ...session,
    sessionId,
    entry: { ...session.entry, sessionId },
    events: isHeader ? [{ ...header, id: sessionId }, ...rest] : session.events,
  };
}

/** @param newId makes a session id that nothing has */
export function planSessions(
  sessions: readonly BundledSession[],
  present: PresentSessions,
  policy: SessionConflictPolicy,
  newId: () => string,
): PlannedSession[] {
  const planner = new Planner(present, policy, newId);
  return sessions.map((session) => planner.plan(session));
}

class Planner {
  readonly #present: PresentSessions;
  readonly #policy: SessionConflictPolicy;
  readonly #newId: () => string;
  /** Of sessions of the same bundle. */
  readonly #plannedKeys = new Set<string>();
  readonly #plannedIds = new Set<string>();

  constructor(present: PresentSessions, policy: SessionConflictPolicy, newId: () => string) {
    this.#present = present;
    this.#policy = policy;
    this.#newId = newId;
  }

  plan(session: BundledSession): PlannedSession {
    const { key, sessionId } = session;
    const from = { key, sessionId };
    // Two agents of the bundle may become one: neither may take the other's place.
    if (this.#plannedKeys.has(key)) return { session: this.#renamed(session), from, action: 'rename' };
    const isThere = this.#present.keys.has(key);
    if (!isThere) return { session: this.#planned(session), from, action: 'create' };
    if (this.#present.same.has(key)) return { session: this.#kept(session), from, action: 'unchanged' };
    if (this.#policy === 'skip') return { session: this.#kept(session), from, action: 'skip' };
    if (this.#policy === 'replace') return { session: this.#planned(session), from, action: 'replace' };
    return { session: this.#renamed(session), from, action: 'rename' };
  }

  #kept(session: BundledSession): BundledSession {
    this.#plannedKeys.add(session.key);
    return session;
  }

  /** Under its key, and under its id unless another conversation has that. */
  #planned(session: BundledSession): BundledSession {
    const { key, sessionId } = session;
    const isOwn = this.#present.keys.get(key) === sessionId;
    const isTaken = this.#plannedIds.has(sessionId) || (!isOwn && this.#present.sessionIds.has(sessionId));
    const planned = isTaken ? withSessionId(session, this.#newId()) : session;
    this.#plannedKeys.add(key);
    this.#plannedIds.add(planned.sessionId);
    return planned;
  }

  #renamed(session: BundledSession): BundledSession {
    const isTaken = (key: string): boolean => this.#present.keys.has(key) || this.#plannedKeys.has(key);
    let key = `${session.key}-imported`;
    for (let count = 2; isTaken(key); count++) key = `${session.key}-imported-${count}`;
    return this.#planned({ ...session, key });
  }
}
