/** Settings that a restore brings: what they would run waits for the user's word. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { displayKey } from '../model/paths.ts';
import type { SnapshotSource } from '../model/snapshot.ts';
import { configNames } from '../openclaw/discovery.ts';
import { settingsFileName } from '../openclaw/settings.ts';
import type { Repository } from '../repository/repository.ts';
import { bytesOf, contentReader } from '../tree/content.ts';
import type { Environment } from './environment.ts';
import type { RestoredSource } from './restore-backup.ts';
import { markUntrusted } from './trusted-settings.ts';

/** Settings that come from elsewhere may name commands to run: those wait for the user's word. */
export function markSettings(
  environment: Environment,
  repository: Repository,
  sources: readonly RestoredSource[],
): void {
  const reader = contentReader(repository);
  for (const { source, plan } of sources) {
    for (const action of plan.actions) {
      if (action.kind !== 'write-file' || action.node.size > settingsBytesMax) continue;
      if (!isSettingsFile(source, displayKey(action.key))) continue;
      markUntrusted(environment, {
        content: bytesOf(reader, action.node),
      });
    }
  }
}

const settingsBytesMax = 8 * 1024 * 1024;

/** The same by what is there now, links followed: whatever the settings are read from came with this restore. */
export function markWhatIsRead(environment: Environment, sources: readonly RestoredSource[]): void {
  for (const { source, target } of sources) {
    if (source.kind !== 'state' && source.kind !== 'config') continue;
    const paths =
      source.kind === 'config'
        ? [target]
        : [settingsFileName, ...configNames].map((name) => join(target, name));
    for (const path of paths) {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat?.isFile() && isTouched(sources, path))
        markUntrusted(environment, { content: readFileSync(path) });
    }
  }
}

/** Whether the restore wrote the file, or the link that leads to it, or what that leads to. */
function isTouched(sources: readonly RestoredSource[], path: string): boolean {
  const names = new Set([path, realpathSync(path)]);
  return sources.some(({ target, plan }) =>
    plan.actions.some((action) => {
      const isWritten = action.kind === 'write-file' || action.kind === 'write-link';
      const key = displayKey(action.key);
      return isWritten && names.has(key === '' ? target : join(target, key));
    }),
  );
}

function isSettingsFile(source: SnapshotSource, path: string): boolean {
  return (
    source.kind === 'config' || (source.kind === 'state' && [settingsFileName, ...configNames].includes(path))
  );
}
