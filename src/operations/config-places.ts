/** Where the files of a configuration bundle lie on this machine: parts of a home may be configured outside its state directory. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, FileSystemError } from '../model/errors.ts';
import type { BundleKind } from '../openclaw/config-bundle.ts';
import type { OpenClawHome } from '../openclaw/discovery.ts';

/** A folder, and what it is called in a bundle ('' for the state directory itself). */
export interface ConfigFolder {
  readonly prefix: string;
  readonly folder: string;
}

export interface ConfigPlace {
  /** The folder inside which the file must stay. */
  readonly base: string;
  readonly path: string;
}

/** Nearer ones first. */
function configFolders(home: OpenClawHome): ConfigFolder[] {
  return [
    { prefix: 'credentials/', folder: home.credentialsDir },
    ...agentFolders(home),
    { prefix: '', folder: home.stateDir },
  ];
}

/** Of agents in the configuration, and of those that only have a folder. */
export function agentFolders(home: OpenClawHome): ConfigFolder[] {
  const known = new Map(home.agents.map((agent) => [agent.id, agent.path]));
  for (const id of namesIn(join(home.stateDir, 'agents'))) {
    if (!known.has(id)) known.set(id, join(home.stateDir, 'agents', id, 'agent'));
  }
  return [...known].map(([id, folder]) => ({ prefix: `agents/${id}/agent/`, folder }));
}

/** Where a file of a bundle goes. */
export function placeOf(home: OpenClawHome, path: string, kind: BundleKind): ConfigPlace {
  if (kind === 'config') return { base: join(home.configPath, '..'), path: home.configPath };
  const { prefix, folder } = configFolders(home).find((one) => path.startsWith(one.prefix)) ?? {
    prefix: '',
    folder: home.stateDir,
  };
  return { base: folder, path: join(folder, ...path.slice(prefix.length).split('/')) };
}

/** Names in a folder, sorted; none when it is not there. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw new FileSystemError('read folder', folder, error);
  }
}
