/** Whether a gateway is at work on a home: replacing its files under it would corrupt them. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenClawHome } from './discovery.ts';

export interface GatewayState {
  readonly running: boolean;
  /** What was seen, as part of a sentence. */
  readonly evidence: string;
}

const connectTimeoutMs = 300;

export async function detectGateway(home: OpenClawHome, env: NodeJS.ProcessEnv): Promise<GatewayState> {
  const locked = findHeldLock(home.stateDir);
  if (locked !== undefined) return { running: true, evidence: locked };
  const owner = findLivingOwner(home, env);
  if (owner !== undefined) return { running: true, evidence: owner };
  if (await isListening(home.gatewayPort)) {
    return { running: true, evidence: `something answers on port ${home.gatewayPort}, the gateway's port` };
  }
  return { running: false, evidence: 'no lock is held and nothing answers on its port' };
}

/** Lock databases in `<state>/tmp/openclaw-<uid>/` are held through file locks; Linux lists those by inode. */
function findHeldLock(stateDir: string): string | undefined {
  let held: Set<string>;
  try {
    held = new Set(readFileSync('/proc/locks', 'utf8').split('\n').flatMap(inodeAndPid));
  } catch {
    return undefined; // Only Linux has this list.
  }
  for (const path of filesIn(join(stateDir, 'tmp'))) {
    if (!/gateway\.[^/]*lock[^/]*$/.test(path)) continue;
    const inode = String(statSync(path, { throwIfNoEntry: false })?.ino ?? '');
    if (held.has(inode)) return `its lock ${path} is held`;
  }
  return undefined;
}

/** `1: POSIX ADVISORY READ 1234 fd:00:5678 0 EOF` -> `5678` */
function inodeAndPid(line: string): string[] {
  const inode = /\s[0-9a-f]+:[0-9a-f]+:(\d+)\s/.exec(line)?.[1];
  return inode === undefined ? [] : [inode];
}

/** Older gateways write their process id into a lock file that names the configuration. */
function findLivingOwner(home: OpenClawHome, env: NodeJS.ProcessEnv): string | undefined {
  const roots = [join(home.stateDir, 'tmp'), join(env['TMPDIR'] ?? tmpdir())];
  for (const root of roots) {
    for (const path of filesIn(root, /^openclaw-/)) {
      if (!/gateway\.[^/]*\.lock$/.test(path)) continue;
      const owner = readOwner(path);
      const isOurs = root !== roots[1] || owner?.configPath === home.configPath;
      if (owner !== undefined && isOurs && isAlive(owner)) return `process ${owner.pid} holds ${path}`;
    }
  }
  return undefined;
}

interface LockOwner {
  readonly pid: number;
  readonly configPath: string | undefined;
  readonly startTime: number | undefined;
}

function readOwner(path: string): LockOwner | undefined {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    const { pid, configPath, startTime } = value;
    if (typeof pid !== 'number') return undefined;
    return {
      pid,
      configPath: typeof configPath === 'string' ? configPath : undefined,
      startTime: typeof startTime === 'number' ? startTime : undefined,
    };
  } catch {
    return undefined; // Not a lock file of this kind.
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

/** Ticks since boot at which a process began: another process with the same id has another. */
function startTimeOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return undefined;
  }
}

/** Files of the folders in `root` whose names match: two levels, no more. */
function filesIn(root: string, folderPattern = /./): string[] {
  try {
    return readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && folderPattern.test(entry.name))
      .flatMap((entry) => readdirSync(join(root, entry.name)).map((name) => join(root, entry.name, name)));
  } catch {
    return []; // No such folder, or not ours to read: no lock that concerns this home.
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
