/** `sessions export`: conversations of one key, or all, as one document. */
import { closeSync, fsyncSync } from 'node:fs';
import {
  createPrivateFile,
  removeFile,
  renameInto,
  temporaryBeside,
  withPath,
  writeFully,
} from '../io/files.ts';
import { ExuviaError, UsageError } from '../model/errors.ts';
import type { OpenClawHome } from '../openclaw/discovery.ts';
import { type BundledSession, formatSessions, type SessionsHead } from '../openclaw/sessions/bundle.ts';
import { formatMarkdown } from '../openclaw/sessions/markdown.ts';
import type { SessionName, SessionStore } from '../openclaw/sessions/store.ts';
import type { Environment } from './environment.ts';
import { resolveOutput, uniqueName } from './export-config.ts';
import { nearNames } from './near-names.ts';
import { findHome, type PlaceOptions } from './places.ts';
import { findSessionStores } from './session-stores.ts';
import { exuviaVersion } from './version.ts';

export interface ExportSessionsOptions extends PlaceOptions {
  readonly all?: boolean;
  readonly agent?: string;
  /** Written there, readable by its owner only. */
  readonly output?: string;
  readonly overwrite?: boolean;
  /** `json` can be imported again, and is what is meant when none is given; `markdown` is for reading. */
  readonly format?: SessionsFormat;
}

export type SessionsFormat = 'json' | 'markdown';

export interface ExportedSession extends SessionName {
  readonly events: number;
}

export interface ExportedSessions {
  readonly sessions: readonly ExportedSession[];
  /** What of them could not be taken along, as sentences. */
  readonly problems: readonly string[];
  readonly output: string | undefined;
  readonly bytes: number;
}

interface Chosen {
  readonly store: SessionStore;
  readonly names: readonly SessionName[];
}

/**
 * @param reference a session key or a session id; empty for all
 * @param write takes the document piece by piece when no output is named
 */
export function exportSessions(
  environment: Environment,
  options: ExportSessionsOptions,
  reference: string,
  write: (text: string) => void,
): ExportedSessions {
  checkWhat(options, reference);
  const home = findHome(environment, options);
  const output = options.output === undefined ? undefined : resolveOutput(environment, options);
  const chosen = choose(home, options.agent, reference);
  const exported = new SessionExport(chosen);
  const format = options.format === 'markdown' ? formatMarkdown : formatSessions;
  const pieces = format(headOf(environment, home), exported.sessions());
  const bytes =
    output === undefined
      ? writePieces(pieces, write)
      : publishPieces(output, pieces, temporaryBeside(output, uniqueName(environment)));
  return { sessions: exported.done, problems: exported.problems, output, bytes };
}

function checkWhat({ all }: ExportSessionsOptions, reference: string): void {
  if (all && reference !== '') throw new UsageError('Give either a session or --all, not both');
  if (!all && reference === '')
    throw new UsageError('Which session?', 'Give a session key or a session id, or --all for every session.');
}

function headOf(environment: Environment, home: OpenClawHome): SessionsHead {
  const { host, platform } = environment;
  return {
    created: new Date(environment.clock.nowMs()).toISOString(),
    program: `exuvia ${exuviaVersion}`,
    source: {
      ...{ host, platform, home: home.home, stateDir: home.stateDir },
      openclaw: home.version ?? null,
    },
  };
}

function choose(home: OpenClawHome, agent: string | undefined, reference: string): Chosen[] {
  const stores = findSessionStores(home, agent).map((store) => ({ store, names: store.list() }));
  if (reference === '') return stores;
  const isNamed = ({ key, sessionId }: SessionName): boolean => key === reference || sessionId === reference;
  const found = stores.map(({ store, names }) => ({ store, names: names.filter(isNamed) }));
  const chosen = found.filter(({ names }) => names.length > 0);
  if (chosen.length > 0) return chosen;
  throw unknownSession(
    reference,
    stores.flatMap(({ names }) => names.map(({ key }) => key)),
    home.stateDir,
  );
}

function unknownSession(reference: string, keys: readonly string[], stateDir: string): ExuviaError {
  const near = nearNames(reference, keys);
  const where =
    keys.length === 0 ? `there is no session in ${stateDir}` : 'there is none with that key or id';
  const hint =
    near.length > 0 ? `Near are: ${near.join(', ')}.` : 'Run openclaw sessions to see which there are.';
  return new ExuviaError(`Cannot export the session ${JSON.stringify(reference)}: ${where}`, {
    code: 'ERR_NO_SESSION',
    hint,
  });
}

/** Reads while the document is written, and remembers what there is to say. */
class SessionExport {
  readonly done: ExportedSession[] = [];
  readonly problems: string[] = [];
  readonly #chosen: readonly Chosen[];

  constructor(chosen: readonly Chosen[]) {
    this.#chosen = chosen;
  }

  *sessions(): Generator<BundledSession> {
    for (const { store, names } of this.#chosen) {
      for (const { session, problems } of store.read(names)) {
        const { agent, key, sessionId, events } = session;
        this.done.push({ agent, key, sessionId, events: events.length });
        this.problems.push(...problems);
        yield session;
      }
    }
  }
}

/** Pieces are small and writes are not: they are joined to about this many characters. */
const writeLengthMin = 256 * 1024;

function* joined(pieces: Iterable<string>): Generator<string> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < writeLengthMin) continue;
    yield text;
    text = '';
  }
  yield text;
}

function writePieces(pieces: Iterable<string>, write: (text: string) => void): number {
  let bytes = 0;
  for (const text of joined(pieces)) {
    write(text);
    bytes += Buffer.byteLength(text);
  }
  return bytes;
}

/** As `publishFile` does, without the whole in memory: a crash leaves only a temporary file. */
function publishPieces(path: string, pieces: Iterable<string>, temporary: string): number {
  return withPath('write', path, () => {
    const fd = createPrivateFile(temporary);
    let position = 0;
    try {
      for (const text of joined(pieces)) {
        const bytes = Buffer.from(text);
        writeFully(fd, bytes, position);
        position += bytes.length;
      }
      fsyncSync(fd);
    } catch (error) {
      closeSync(fd);
      removeFile(temporary);
      throw error;
    }
    closeSync(fd);
    renameInto(temporary, path);
    return position;
  });
}
