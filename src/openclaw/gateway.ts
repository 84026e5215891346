/**
 * Whether a gateway is at work on a home: replacing its files under it would corrupt them.
 *
 * A gateway of 2026.9 keeps two kinds of files in `<state>/tmp/openclaw-<uid>/` (seen with 2026.9.6): `gateway.state.lock` and
 * `gateway.<hash>.lock` are JSON that names the process and its port; the empty databases of the same names with `.sqlite`
 * are locked exclusively as long as it lives. The kernel frees those locks, so they are never stale, and they are seen from
 * other containers, where a process id says nothing. Older gateways write only the JSON, into the folder for temporary files.
 */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { OpenClawHome } from './discovery.ts';

export interface GatewayState {
  readonly running: boolean;
  /** What was seen, as part of a sentence. */
  readonly evidence: string;
}

const connectTimeoutMs = 300;
const databaseSuffix = '.sqlite';

export async function detectGateway(home: OpenClawHome, env: NodeJS.ProcessEnv): Promise<GatewayState> {
  if (!home.stateDirExists) return { running: false, evidence: 'there is no state directory' };
  const locks = lockFilesIn(join(home.stateDir, 'tmp'));
  const databases = locks.filter((path) => path.endsWith(databaseSuffix));
  const owner = findHolder(databases) ?? findLivingOwner(locks) ?? findOlderOwner(home, env);
  if (owner !== undefined) return { running: true, evidence: owner };
  // A gateway that makes lock databases holds them: what answers on the port belongs to another home.
  if (databases.length > 0) return { running: false, evidence: 'none of its locks is held' };
  const port = Number(env['OPENCLAW_GATEWAY_PORT']) || home.gatewayPort;
  return (await isListening(port))
    ? { running: true, evidence: `something answers on port ${port}, the gateway's port` }
    : { running: false, evidence: 'there is no lock and nothing answers on its port' };
}

/** `gateway.<name>.lock` and `gateway.<name>.lock.sqlite` in the folders `openclaw-<uid>` of `root`. */
function lockFilesIn(root: string): string[] {
  return namesIn(root)
    .filter((name) => /^openclaw(-|$)/.test(name))
    .flatMap((folder) => namesIn(join(root, folder)).map((name) => join(root, folder, name)))
    .filter((path) => /[/\\]gateway\.[^/\\]*\.lock(\.sqlite)?$/.test(path));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // No such folder, or not ours to read: no lock that concerns this home.
  }
}

function findHolder(databases: readonly string[]): string | undefined {
  const held = databases.find(isHeld);
  if (held === undefined) return undefined;
  const lock = held.slice(0, -databaseSuffix.length);
  return findLivingOwner([lock]) ?? `its lock ${held} is held`;
}

/** An exclusive lock keeps even readers out; asking as a reader disturbs nobody. */
function isHeld(path: string): boolean {
  try {
    const database = new Database(path, { readonly: true, fileMustExist: true, timeout: 0 });
    try {
      database.prepare('SELECT rootpage FROM sqlite_schema LIMIT 1').get();
    } finally {
      database.close();
    }
    return false;
  } catch (error) {
    // Gone, unreadable or not a database: nobody holds it as a lock.
    return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
  }
}

function findLivingOwner(
  locks: readonly string[],
  isOurs: (owner: LockOwner) => boolean = () => true,
): string | undefined {
  for (const path of locks) {
    const owner = readOwner(path);
    if (owner === undefined || !isOurs(owner) || !isAlive(owner)) continue;
    const port = owner.port === undefined ? '' : ` (port ${owner.port})`;
    return `process ${owner.pid}${port} holds ${path}`;
  }
  return undefined;
}

/** Locks in the folders for temporary files are of all homes; they name the configuration, newer ones also the state directory. */
function findOlderOwner(home: OpenClawHome, env: NodeJS.ProcessEnv): string | undefined {
  const roots = new Set([env['TMPDIR'] ?? tmpdir(), '/tmp']);
  const ours = new Set([home.configPath, home.stateDir].map(realOf));
  return findLivingOwner([...roots].flatMap(lockFilesIn), ({ paths }) =>
    paths.some((path) => ours.has(realOf(path))),
  );
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // It need not exist to be compared.
  }
}

interface LockOwner {
  readonly pid: number;
  readonly port: number | undefined;
  /** In clock ticks since boot; only gateways on Linux say it. */
  readonly startTime: number | undefined;
  /** Configuration and state directory, where named. */
  readonly paths: readonly string[];
}

function readOwner(path: string): LockOwner | undefined {
  try {
    const lock = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    const { pid, port, startTime, configPath, stateDir } = lock;
    if (typeof pid !== 'number') return undefined;
    return {
      pid,
      port: typeof port === 'number' ? port : undefined,
      startTime: typeof startTime === 'number' ? startTime : undefined,
      paths: [configPath, stateDir].filter((value) => typeof value === 'string'),
    };
  } catch {
    return undefined; // Gone, or not a lock file of this kind.
  }
}

function isAlive(owner: LockOwner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return owner.startTime === undefined || startTimeOf(owner.pid) === owner.startTime;
}

/** Another process that got the same id later has another start time. */
function startTimeOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // 22 – starttime; the second field is a name in parentheses that may hold anything, so counting begins after it.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3]);
  } catch {
    return undefined; // It has just ended, or this is not Linux.
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(connectTimeoutMs, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
