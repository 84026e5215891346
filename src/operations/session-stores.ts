/** Where the sessions of each agent of a home are: in its database, or in files. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from '../model/errors.ts';
import type { OpenClawHome } from '../openclaw/discovery.ts';
import { textAt } from '../openclaw/json5.ts';
import { isAgentId } from '../openclaw/sessions/bundle.ts';
import { agentDatabaseName, DatabaseStore } from '../openclaw/sessions/database-store.ts';
import { JsonlStore } from '../openclaw/sessions/jsonl-store.ts';
import type { SessionStore } from '../openclaw/sessions/store.ts';
import { namesIn } from './config-places.ts';

const mainAgent = 'main';

/** Agents of the configuration, and those that only have a folder. */
export function agentIds(home: OpenClawHome): string[] {
  const ids = [...home.agents.map(({ id }) => id), ...namesIn(join(home.stateDir, 'agents'))];
  return [...new Set(ids)].filter(isAgentId);
}

/** The store of each agent, or of one; an agent that has neither database nor files yet has an empty store. */
export function findSessionStores(home: OpenClawHome, agent?: string): SessionStore[] {
  const ids = agentIds(home);
  if (agent === undefined) return ids.map((id) => sessionStoreOf(home, id));
  if (ids.includes(agent)) return [sessionStoreOf(home, agent)];
  throw new UsageError(
    `There is no agent ${JSON.stringify(agent)} in ${home.stateDir}`,
    `There are: ${ids.join(', ')}.`,
  );
}

/** OpenClaw moves sessions from files to the database; until it has, the files count. */
export function sessionStoreOf(home: OpenClawHome, agent: string): SessionStore {
  const folder =
    home.agents.find(({ id }) => id === agent)?.path ?? join(home.stateDir, 'agents', agent, 'agent');
  const path = join(folder, agentDatabaseName);
  const files = new JsonlStore(agent, indexPathOf(home, agent));
  if (!DatabaseStore.isAt(path)) return files;
  const database = new DatabaseStore(agent, path);
  return database.list().length > 0 || !existsSync(files.path) ? database : files;
}

/** The configured place, the usual one, or for the first agent the one of before there were several. */
function indexPathOf(home: OpenClawHome, agent: string): string {
  const named = textAt(home.config, 'session', 'store')?.replaceAll('{agentId}', agent);
  if (named !== undefined) {
    return resolve(home.stateDir, /^~[/\\]/.test(named) ? join(home.home, named.slice(1)) : named);
  }
  const usual = join(home.stateDir, 'agents', agent, 'sessions', 'sessions.json');
  const legacy = join(home.stateDir, 'sessions', 'sessions.json');
  return agent === mainAgent && !existsSync(usual) && existsSync(legacy) ? legacy : usual;
}
