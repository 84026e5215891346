/** Settings that a restore brings: what they would run waits for the user's word. */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { byteStringOf, displayKey } from '../model/paths.ts';
import { configNames, type OpenClawHome } from '../openclaw/discovery.ts';
import { hasSettings, settingsFileName } from '../openclaw/settings.ts';
import { foldedName } from '../portable/entry-rules.ts';
import type { Repository } from '../repository/repository.ts';
import { bytesOf, contentReader } from '../tree/content.ts';
import type { Environment } from './environment.ts';
import { findHome, type PlaceOptions } from './places.ts';
import type { RestoredSource } from './restore-backup.ts';
import { markUntrusted } from './trusted-settings.ts';

/**
 * Settings that come from elsewhere may name commands to run: those wait for the user's word. Wherever they are and whatever the
 * source calls itself: the folder they are in may be the state directory, or become it.
 */
export function markSettings(
  environment: Environment,
  repository: Repository,
  home: OpenClawHome,
  sources: readonly RestoredSource[],
): void {
  const reader = contentReader(repository);
  const inForce = placesInForce(home);
  const found: { readonly content: Buffer }[] = [];
  for (const { target, plan } of sources) {
    for (const { kind, key, ...action } of plan.actions) {
      if (kind !== 'write-file' || !('node' in action) || action.node.type !== 'file') continue;
      const path = pathIn(target, displayKey(key));
      if (!isSettingsName(path) && !inForce.has(path)) continue;
      if (action.node.size > settingsBytesMax) continue;
      const content = bytesOf(reader, action.node);
      if (hasSettings(content)) found.push({ content });
    }
  }
  markUntrusted(environment, ...found);
}

/** A configuration is read up to any size; one that is larger is marked when it is in place. */
const settingsBytesMax = 8 * 1024 * 1024;
const settingsNames: readonly string[] = [settingsFileName, ...configNames];

/** Also a name that only some file systems take for one of them. */
function isSettingsName(path: string): boolean {
  return settingsNames.includes(folded(basename(path)));
}

function folded(text: string): string {
  return foldedName(byteStringOf(text));
}

/** The same by what is there now, links followed: whatever the settings are read from came with this restore. */
export function markWhatIsRead(
  environment: Environment,
  options: PlaceOptions,
  sources: readonly RestoredSource[],
): void {
  const written = writtenPaths(sources);
  const touched = new Set(written.map(folded));
  const inForce = placesInForce(findHome(environment, options));
  for (const path of new Set([...inForce, ...written.filter(isSettingsName)])) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile()) continue;
    if (![path, realpathSync(path)].some((one) => touched.has(folded(one)))) continue;
    const content = readFileSync(path);
    if (hasSettings(content)) markUntrusted(environment, { content });
  }
}

/** What is read now, and what that leads to. */
function placesInForce({ stateDir, configPath }: OpenClawHome): Set<string> {
  const paths = [join(stateDir, settingsFileName), configPath];
  const real = paths.flatMap((path) => (existsSync(path) ? [realpathSync(path)] : []));
  return new Set([...paths, ...real]);
}

/** Files and links. */
function writtenPaths(sources: readonly RestoredSource[]): string[] {
  return sources.flatMap(({ target, plan }) =>
    plan.actions.flatMap(({ kind, key }) =>
      kind === 'write-file' || kind === 'write-link' ? [pathIn(target, displayKey(key))] : [],
    ),
  );
}

function pathIn(target: string, path: string): string {
  return path === '' ? target : join(target, path);
}
