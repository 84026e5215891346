import type { OpenClawVersions } from '../model/snapshot.ts';
import type { OpenClawHome } from './discovery.ts';

/** What a snapshot records of the OpenClaw it was taken of: migrations go forward only, so a restore must know. */
export function readVersions(
  home: OpenClawHome,
  schemas: Readonly<Record<string, number>>,
): OpenClawVersions {
  return {
    ...(home.version === undefined ? {} : { version: home.version }),
    configPath: home.configPath,
    credentialsPath: home.credentialsDir,
    agents: home.agents.map(({ id, path }) => ({ id, path })),
    schemas,
  };
}
