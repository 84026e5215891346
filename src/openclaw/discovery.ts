/**
 * Finds an OpenClaw home the way OpenClaw itself does, for all its eras, without OpenClaw being installed and also when its
 * configuration does not parse.
 */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { FileSystemError, messageOf } from '../model/errors.ts';
import { findIncludes } from './includes.ts';
import { asRecord, asText, parseJson5, recordAt, textAt } from './json5.ts';

export interface AgentPlace {
  readonly id: string;
  readonly path: string;
}

export interface OpenClawHome {
  /** The user's home as OpenClaw sees it. */
  readonly home: string;
  readonly stateDir: string;
  readonly stateDirExists: boolean;
  readonly configPath: string;
  /** The parsed configuration, or undefined when there is none or it does not parse. */
  readonly config: Readonly<Record<string, unknown>> | undefined;
  readonly credentialsDir: string;
  readonly workspaces: readonly AgentPlace[];
  readonly agents: readonly AgentPlace[];
  /** Files that the configuration includes. */
  readonly includes: readonly string[];
  /** Other configured stores (sessions, cron, memory) that may lie outside the state directory. */
  readonly stores: readonly string[];
  readonly version: string | undefined;
  readonly gatewayPort: number;
  /** What a user should know, as sentences. */
  readonly problems: readonly string[];
}

export interface DiscoveryOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly osHome: string;
  readonly stateDir?: string;
  readonly profile?: string;
}

/** Names of the configuration in a state directory, the newer first. */
export const configNames: readonly string[] = ['openclaw.json', 'clawdbot.json'];
const legacyStateNames = ['.clawdbot', '.moltbot'];
const defaultGatewayPort = 18_789;
const devGatewayPort = 19_001;

export function discoverHome(options: DiscoveryOptions): OpenClawHome {
  const home = findHomeFolder(options);
  const profile = options.profile ?? setting(options.env, 'OPENCLAW_PROFILE');
  const stateDir = findStateDir(options, home, profile);
  const configPath = findConfigPath(options, home, stateDir);
  const problems: string[] = [];
  const config = readConfig(configPath, problems);
  const expand = (path: string): string => resolve(stateDir, expandHome(path, home));
  const includes =
    config === undefined ? [] : findIncludes(configPath, config, includeRoots(options.env, home), problems);
  const credentials = setting(options.env, 'OPENCLAW_OAUTH_DIR');
  return {
    home,
    stateDir,
    stateDirExists: isFolder(stateDir),
    configPath,
    config,
    credentialsDir: credentials === undefined ? join(stateDir, 'credentials') : expand(credentials),
    workspaces: findWorkspaces(options, home, stateDir, profile, config, expand),
    agents: findAgents(stateDir, config, expand),
    includes,
    stores: findStores(config, stateDir, expand),
    version: textAt(config, 'meta', 'lastTouchedVersion'),
    gatewayPort: gatewayPort(config, profile),
    problems,
  };
}

/** A variable's value; empty and the words that broken scripts leave behind count as unset. */
function setting(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === undefined || value === '' || value === 'undefined' || value === 'null' ? undefined : value;
}

function expandHome(path: string, home: string): string {
  return path === '~' || path.startsWith('~/') || path.startsWith('~\\') ? join(home, path.slice(1)) : path;
}

function findHomeFolder({ env, osHome }: DiscoveryOptions): string {
  const base = setting(env, 'HOME') ?? setting(env, 'USERPROFILE') ?? osHome;
  const named = setting(env, 'OPENCLAW_HOME');
  return resolve(named === undefined ? base : expandHome(named, base));
}

function findStateDir(options: DiscoveryOptions, home: string, profile: string | undefined): string {
  const named = options.stateDir ?? setting(options.env, 'OPENCLAW_STATE_DIR');
  if (named !== undefined) return resolve(expandHome(named, home));
  const current = join(home, `.openclaw${profileSuffix(profile)}`);
  if (existsSync(current) || profileSuffix(profile) !== '') return current;
  return legacyStateNames.map((name) => join(home, name)).find((path) => existsSync(path)) ?? current;
}

function profileSuffix(profile: string | undefined): string {
  return profile === undefined || profile.toLowerCase() === 'default' ? '' : `-${profile}`;
}

function findConfigPath(options: DiscoveryOptions, home: string, stateDir: string): string {
  const named = setting(options.env, 'OPENCLAW_CONFIG_PATH');
  if (named !== undefined) return resolve(expandHome(named, home));
  // Like OpenClaw itself, but a folder that the user names to us stands for itself alone.
  const isNamed = options.stateDir !== undefined || options.profile !== undefined;
  const folders = isNamed ? [] : ['.openclaw', '.clawdbot'].map((name) => join(home, name));
  const candidates = [stateDir, ...folders].flatMap((folder) =>
    configNames.map((name) => join(folder, name)),
  );
  return candidates.find((path) => existsSync(path)) ?? join(stateDir, 'openclaw.json');
}

function readConfig(path: string, problems: string[]): Readonly<Record<string, unknown>> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (existsSync(path)) problems.push(`The configuration ${path} cannot be read: ${messageOf(error)}`);
    return undefined;
  }
  try {
    const config = asRecord(parseJson5(text, Number.POSITIVE_INFINITY));
    if (config === undefined)
      problems.push(`The configuration ${path} is not an object; it is backed up as it is`);
    return config;
  } catch (error) {
    problems.push(`The configuration ${path} does not parse (${messageOf(error)}); it is backed up as it is`);
    return undefined;
  }
}

function includeRoots(env: NodeJS.ProcessEnv, home: string): string[] {
  const separator = process.platform === 'win32' ? ';' : ':';
  const roots = setting(env, 'OPENCLAW_INCLUDE_ROOTS')?.split(separator) ?? [];
  return roots.filter((root) => root !== '').map((root) => resolve(expandHome(root, home)));
}

interface ConfiguredAgent {
  readonly id: string;
  readonly workspace: string | undefined;
  readonly agentDir: string | undefined;
}

/** `agents.list[]` of old configurations and `agents.entries.<id>` of new ones. */
function configuredAgents(config: Readonly<Record<string, unknown>> | undefined): ConfiguredAgent[] {
  const agents = recordAt(config, 'agents');
  const list = Array.isArray(agents?.['list']) ? agents['list'] : [];
  const entries = Object.entries(recordAt(agents, 'entries') ?? {}).map(([id, value]) => ({
    ...asRecord(value),
    id,
  }));
  return [...list, ...entries].flatMap((value) => {
    const agent = asRecord(value);
    const id = asText(agent?.['id'])?.toLowerCase();
    if (id === undefined || !/^[a-z0-9][a-z0-9._-]*$/.test(id)) return [];
    return [{ id, workspace: asText(agent?.['workspace']), agentDir: asText(agent?.['agentDir']) }];
  });
}

function findWorkspaces(
  options: DiscoveryOptions,
  home: string,
  stateDir: string,
  profile: string | undefined,
  config: Readonly<Record<string, unknown>> | undefined,
  expand: (path: string) => string,
): AgentPlace[] {
  const configured =
    textAt(config, 'agents', 'defaults', 'workspace') ?? setting(options.env, 'OPENCLAW_WORKSPACE_DIR');
  const found: AgentPlace[] = [
    { id: 'main', path: configured === undefined ? join(stateDir, 'workspace') : expand(configured) },
  ];
  for (const agent of configuredAgents(config)) {
    const path =
      agent.workspace === undefined ? join(stateDir, `workspace-${agent.id}`) : expand(agent.workspace);
    if (agent.workspace !== undefined || agent.id !== 'main') found.push({ id: agent.id, path });
  }
  if (configured === undefined && profileSuffix(profile) === '' && !existsSync(join(stateDir, 'workspace'))) {
    // Very old installations kept it beside the state directory.
    for (const name of ['openclaw', 'clawd']) {
      const path = join(home, name);
      if (existsSync(join(path, 'AGENTS.md'))) found.push({ id: 'main', path });
    }
  }
  return found;
}

function findAgents(
  stateDir: string,
  config: Readonly<Record<string, unknown>> | undefined,
  expand: (path: string) => string,
): AgentPlace[] {
  const configured = configuredAgents(config).map((agent) => ({
    id: agent.id,
    path: agent.agentDir === undefined ? join(stateDir, 'agents', agent.id, 'agent') : expand(agent.agentDir),
  }));
  const main = { id: 'main', path: join(stateDir, 'agents', 'main', 'agent') };
  return configured.some((agent) => agent.id === 'main') ? configured : [main, ...configured];
}

/**
 * Stores with a path of their own. For a path with `{agentId}` that is the folder above it, where agents that are no longer
 * configured have theirs too; unless that holds the whole home: then each agent's path.
 */
function findStores(
  config: Readonly<Record<string, unknown>> | undefined,
  stateDir: string,
  expand: (path: string) => string,
): string[] {
  const named = [
    textAt(config, 'session', 'store'),
    textAt(config, 'cron', 'store'),
    textAt(config, 'agents', 'defaults', 'memorySearch', 'store', 'path'),
  ];
  const ids = new Set(['main', ...configuredAgents(config).map(({ id }) => id)]);
  return named.flatMap((path) => {
    if (path === undefined) return [];
    if (!path.includes('{')) return [expand(path)];
    const fixed = path.slice(0, path.indexOf('{')).replace(/[^/\\]*$/, '');
    if (fixed === '') return [];
    const folder = expand(fixed);
    if (pathInside(folder, stateDir) === undefined) return [folder];
    return [...ids].map((id) => expand(path.replaceAll('{agentId}', id)));
  });
}

function gatewayPort(
  config: Readonly<Record<string, unknown>> | undefined,
  profile: string | undefined,
): number {
  const port = recordAt(config, 'gateway')?.['port'];
  if (typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536) return port;
  return profile === 'dev' ? devGatewayPort : defaultGatewayPort;
}

/** @throws FileSystemError when it is there, but cannot be looked at */
function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch (error) {
    throw new FileSystemError('look at', path, error);
  }
}

/** Slash path of `path` inside `folder`, '' for the folder itself, undefined when it is outside. Links are followed. */
export function pathInside(folder: string, path: string): string | undefined {
  const inside = relative(realOf(folder), realOf(path));
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return undefined;
  return inside.split(sep).join('/');
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path); // It is not there yet: its name is all there is.
  }
}
