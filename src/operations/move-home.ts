/** After a restore into another home: its paths made those of this one, and what its channels need. */
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { publishFile, temporaryBeside } from '../io/files.ts';
import { errnoOf, messageOf } from '../model/errors.ts';
import { displayKey } from '../model/paths.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { channelNotes, variablesOfEnvFile } from '../openclaw/channel-notes.ts';
import { configNames, discoverHome, type OpenClawHome } from '../openclaw/discovery.ts';
import { movePathsInDatabase } from '../openclaw/move-database-paths.ts';
import {
  isSessionPathKey,
  type MovedValue,
  movePathsInJson5,
  type PathMove,
  pathMoves,
} from '../openclaw/move-paths.ts';
import { settingsFileName } from '../openclaw/settings.ts';
import type { Environment } from './environment.ts';
import type { RestoredSource } from './restore-backup.ts';
import { markUntrusted } from './trusted-settings.ts';

export interface MovedPaths {
  readonly moves: readonly PathMove[];
  /** Each value that was changed, with the file it is in. */
  readonly changes: readonly (MovedValue & { readonly file: string })[];
  /** Files that could not be changed. */
  readonly failures: readonly { readonly file: string; readonly reason: string }[];
}

/** From where the snapshot was taken to this home; none when they are the same. */
export function movesOf(snapshot: Snapshot, home: OpenClawHome): PathMove[] {
  const state = snapshot.sources.find((source) => source.kind === 'state');
  if (state === undefined) return [];
  return pathMoves([
    { from: snapshot.host.home, to: home.home },
    { from: state.path, to: home.stateDir },
  ]);
}

interface KnownFile {
  readonly path: string;
  readonly kind: 'config' | 'sessions' | 'database';
}

export function movePaths(
  environment: Environment,
  sources: readonly RestoredSource[],
  moves: readonly PathMove[],
): MovedPaths {
  const changes: MovedPaths['changes'][number][] = [];
  const failures: { file: string; reason: string }[] = [];
  for (const file of moves.length === 0 ? [] : sources.flatMap(knownFiles)) {
    try {
      changes.push(...moveIn(environment, file, moves).map((change) => ({ file: file.path, ...change })));
    } catch (error) {
      failures.push({ file: file.path, reason: messageOf(error) });
      environment.progress.warn(`The paths in ${file.path} were not changed: ${messageOf(error)}`);
    }
  }
  return { moves, changes, failures };
}

/** What of a restored source has paths in it, as far as it was restored. */
function knownFiles({ source, target, plan }: RestoredSource): KnownFile[] {
  return plan.actions.flatMap((action): KnownFile[] => {
    if (action.kind !== 'write-file') return [];
    const key = displayKey(action.key);
    const path = key === '' ? target : join(target, key);
    if (source.kind === 'config' || source.kind === 'include') return [{ path, kind: 'config' }];
    if (source.kind !== 'state' && source.kind !== 'agent') return [];
    if (configNames.includes(key) || key === settingsFileName) return [{ path, kind: 'config' }];
    if (/(^|\/)sessions\.json$/.test(key)) return [{ path, kind: 'sessions' }];
    return action.node.state === 'captured' && /(^|\/)openclaw(-agent)?\.sqlite$/.test(key)
      ? [{ path, kind: 'database' }]
      : [];
  });
}

function moveIn(
  environment: Environment,
  { path, kind }: KnownFile,
  moves: readonly PathMove[],
): readonly MovedValue[] {
  if (kind === 'database') return movePathsInDatabase(path, moves);
  const before = readFileSync(path);
  const { text, changes } = movePathsInJson5(
    before.toString('utf8'),
    moves,
    kind === 'config' ? undefined : isSessionPathKey,
  );
  if (changes.length === 0) return changes;
  const content = Buffer.from(text);
  if (kind === 'config') markUntrusted(environment, { content }); // it has another hash now
  const mode = statSync(path).mode & 0o777;
  publishFile(path, content, temporaryBeside(path, Buffer.from(environment.random(6)).toString('hex')));
  chmodSync(path, mode);
  return changes;
}

/** For a home that came from elsewhere. */
export function notesFor(environment: Environment, stateDir: string): string[] {
  const { config } = discoverHome({ env: environment.env, osHome: environment.osHome, stateDir });
  if (config === undefined) return [];
  const known = new Set([
    ...Object.keys(environment.env),
    ...variablesOfEnvFile(readText(join(stateDir, '.env'))),
  ]);
  return channelNotes(config, known);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return ''; // No such file, or not ours to read: it sets nothing that we know of.
  }
}
