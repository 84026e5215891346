/** `sessions import`: a plan for each agent, a snapshot of the present, then the sessions. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { withPath } from '../io/files.ts';
import { UsageError } from '../model/errors.ts';
import { limits } from '../model/limits.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { type OpenClawHome, pathInside } from '../openclaw/discovery.ts';
import { type PathMove, pathMoves } from '../openclaw/move-paths.ts';
import {
  type BundledSession,
  isAgentId,
  parseSessions,
  type SessionsBundle,
  SessionsInputError,
} from '../openclaw/sessions/bundle.ts';
import { writeSessionRows } from '../openclaw/sessions/database-write.ts';
import { writeSessionFiles } from '../openclaw/sessions/jsonl-write.ts';
import {
  adaptSession,
  type PlannedSession,
  type PresentSessions,
  planSessions,
  type SessionConflictPolicy,
} from '../openclaw/sessions/plan.ts';
import type { SessionStore } from '../openclaw/sessions/store.ts';
import { createBackup } from './create-backup.ts';
import type { Environment } from './environment.ts';
import { uniqueName } from './export-config.ts';
import { refuseRunningGateway } from './import-config.ts';
import { findHome, type PlaceOptions, resolvePath } from './places.ts';
import type { ConfigInput } from './plan-config-import.ts';
import { sessionStoreOf } from './session-stores.ts';
import { readOptional } from './settings.ts';

export interface ImportSessionsOptions extends PlaceOptions {
  /** Makes all of them sessions of this agent. */
  readonly agent?: string;
  readonly onConflict?: SessionConflictPolicy;
  readonly dryRun?: boolean;
  /** Also while a gateway runs. */
  readonly force?: boolean;
  /** False takes no snapshot of the present first. */
  readonly snapshot?: boolean;
}

export interface ImportedSession {
  readonly agent: string;
  readonly key: string;
  readonly sessionId: string;
  /** Its key in the bundle. */
  readonly from: string;
  readonly action: PlannedSession['action'];
  readonly events: number;
}

export interface ImportedSessions {
  readonly dryRun: boolean;
  /** Whether nothing was, or would be, written. */
  readonly unchanged: boolean;
  readonly stateDir: string;
  readonly sessions: readonly ImportedSession[];
  readonly before: Snapshot | undefined;
  /** What is left to do in OpenClaw, as sentences. */
  readonly notes: readonly string[];
}

/** What goes into the store of one agent. */
interface StorePlan {
  readonly store: SessionStore;
  readonly planned: readonly PlannedSession[];
}

/** A named file as the input of an import. */
export function readSessionsInput(environment: Environment, name: string): ConfigInput {
  if (name === '')
    throw new UsageError('The file has an empty name', 'Name a file, or give it as standard input.');
  const path = resolvePath(environment, name);
  const stat = withPath('read', path, () => statSync(path));
  if (stat.isDirectory())
    throw new UsageError(`${path} is a folder`, 'Name a file that sessions export wrote.');
  refuseLarge(path, stat.size);
  return { name: path, bytes: readOptional(path) ?? Buffer.alloc(0) };
}

function refuseLarge(name: string, bytes: number): void {
  if (bytes <= limits.sessionsInputBytesMax) return;
  throw new SessionsInputError(name, 'it is too large to be read as one document', {
    hint: 'Export and import these sessions one by one.',
  });
}

export async function importSessions(
  environment: Environment,
  options: ImportSessionsOptions,
  input: ConfigInput,
): Promise<ImportedSessions> {
  const { agent, dryRun = false } = options;
  if (agent !== undefined && !isAgentId(agent))
    throw new UsageError(`${JSON.stringify(agent)} is no id of an agent`);
  const home = findHome(environment, options);
  const plans = planStores(environment, home, options, parseInput(input));
  const toWrite = plans.map(({ store, planned }) => ({ store, sessions: planned.filter(isWritten) }));
  const unchanged = toWrite.every(({ sessions }) => sessions.length === 0);
  const sessions = plans.flatMap(({ planned }) => planned.map(summaryOf));
  const notes = toWrite.flatMap((plan) => (plan.sessions.length === 0 ? [] : notesOf(home, plan.store)));
  const result = { dryRun, unchanged, stateDir: home.stateDir, sessions, notes };
  if (dryRun || unchanged) return { ...result, before: undefined };
  if (!options.force) await refuseRunningGateway(environment, home);
  const before = options.snapshot === false ? undefined : await snapshotHome(environment, options, home);
  for (const { store, sessions: written } of toWrite) writeSessions(environment, store, written);
  return { ...result, before };
}

function parseInput({ name, bytes }: ConfigInput): SessionsBundle {
  refuseLarge(name, bytes.length);
  return parseSessions(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'), name);
}

function planStores(
  environment: Environment,
  home: OpenClawHome,
  { agent, onConflict = 'skip' }: ImportSessionsOptions,
  { source, sessions }: SessionsBundle,
): StorePlan[] {
  const moves: readonly PathMove[] = pathMoves([
    { from: source.home, to: home.home },
    { from: source.stateDir, to: home.stateDir },
  ]);
  const byAgent = new Map<string, BundledSession[]>();
  for (const session of sessions) {
    const id = agent ?? session.agent;
    byAgent.set(id, [...(byAgent.get(id) ?? []), adaptSession(session, id, moves)]);
  }
  return [...byAgent].map(([id, wanted]) => {
    const store = sessionStoreOf(home, id);
    return {
      store,
      planned: planSessions(wanted, presentIn(store, wanted), onConflict, () => uuid(environment)),
    };
  });
}

function presentIn(store: SessionStore, wanted: readonly BundledSession[]): PresentSessions {
  const names = store.list();
  const byKey = new Map(wanted.map((session) => [session.key, session]));
  const common = names.filter(({ key, sessionId }) => byKey.get(key)?.sessionId === sessionId);
  const same = new Set<string>();
  for (const { session } of store.read(common)) {
    const other = byKey.get(session.key);
    if (other !== undefined && isSame(session, other)) same.add(session.key);
  }
  return {
    keys: new Map(names.map(({ key, sessionId }) => [key, sessionId])),
    sessionIds: new Set([...store.sessionIds(), ...names.map(({ sessionId }) => sessionId)]),
    same,
  };
}

/** Where its file lies and which run wrote it last say nothing about a conversation. */
function isSame(a: BundledSession, b: BundledSession): boolean {
  const textOf = ({ entry, events }: BundledSession): string =>
    JSON.stringify([{ ...entry, sessionFile: '', activeWriterRunId: '' }, events], sortedKeys);
  return a.events.length === b.events.length && textOf(a) === textOf(b);
}

/** For JSON.stringify: objects with the same members are the same, in whatever order. */
function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isWritten({ action }: PlannedSession): boolean {
  return action === 'create' || action === 'replace' || action === 'rename';
}

function summaryOf({ session, from, action }: PlannedSession): ImportedSession {
  const { agent, key, sessionId, events } = session;
  return { agent, key, sessionId, from: from.key, action, events: events.length };
}

function notesOf(home: OpenClawHome, store: SessionStore): string[] {
  // A copied home may name folders of the one it was copied from.
  const isOutside = pathInside(home.stateDir, store.path) === undefined;
  const where = `The configuration places the sessions of ${store.agent} outside ${home.stateDir}: ${store.path}`;
  return [...(isOutside ? [where] : []), ...nextSteps(home, store)];
}

/** Seen with 2026.9.6: its gateway says how many it rebuilt, and its doctor moves files into the database. */
function nextSteps(home: OpenClawHome, { kind, agent, path }: SessionStore): string[] {
  if (kind === 'database') {
    return [
      `OpenClaw makes what it derives from the transcripts of ${agent} when its gateway starts; openclaw agent --local may fail before that`,
    ];
  }
  if (!existsSync(join(home.stateDir, 'state', 'openclaw.sqlite'))) return [];
  return [
    `OpenClaw has no database for ${agent} yet, so they go into ${path}: openclaw doctor --session-sqlite import --session-sqlite-agent ${agent} takes them in`,
  ];
}

/** Version 4, from the environment's random bytes. */
function uuid({ random }: Environment): string {
  const bytes = Buffer.from(random(16));
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Of the whole home, so that "latest" stays a name for all of it. */
async function snapshotHome(
  environment: Environment,
  { repository, stateDir, profile }: ImportSessionsOptions,
  home: OpenClawHome,
): Promise<Snapshot | undefined> {
  if (!home.stateDirExists) return undefined;
  const { snapshot, unreadable } = await createBackup(environment, {
    ...{ repository, stateDir, profile },
    reason: 'before-restore',
    message: 'before an import of sessions',
  });
  if (unreadable.length > 0) {
    environment.progress.warn(
      `${unreadable.length} present files could not be read and cannot be brought back by --undo`,
    );
  }
  return snapshot;
}

function writeSessions(
  environment: Environment,
  store: SessionStore,
  planned: readonly PlannedSession[],
): void {
  if (planned.length === 0) return;
  const sessions = planned.map(({ session }) => session);
  if (store.kind === 'database') writeSessionRows(store.path, sessions, environment.clock.nowMs());
  else writeSessionFiles(store.path, sessions, () => uniqueName(environment));
}
