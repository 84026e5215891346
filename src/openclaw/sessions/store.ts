/** Where OpenClaw keeps the sessions of one agent, whatever its era. */
import type { BundledSession } from './bundle.ts';

export interface SessionName {
  readonly agent: string;
  readonly key: string;
  readonly sessionId: string;
}

export interface ReadSession {
  readonly session: BundledSession;
  /** What of it is missing, as sentences. */
  readonly problems: readonly string[];
}

export interface SessionStore {
  readonly kind: 'files' | 'database';
  readonly agent: string;
  readonly path: string;
  list(): SessionName[];
  /** Ids that transcripts have, also of those that no key names any more. */
  sessionIds(): ReadonlySet<string>;
  /** One after another: a transcript can be large. Sessions that are gone by now are left out. */
  read(wanted: readonly SessionName[]): Iterable<ReadSession>;
}
