/** Settings that a restore brings: what they would run waits for the user's word. */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { baseName, byteStringOf, displayKey, type PathKey, rootKey } from '../model/paths.ts';
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
  const names = namesOf(inForce);
  const found: { readonly content: Buffer }[] = [];
  for (const { target, plan } of sources) {
    for (const action of plan.actions) {
      if (action.kind !== 'write-file' || action.node.size > settingsBytesMax) continue;
      const name = nameOf(target, action.key);
      if (!settingsNames.includes(name) && !(names.has(name) && inForce.has(pathIn(target, action.key))))
        continue;
      const content = bytesOf(reader, action.node);
      if (hasSettings(content)) found.push({ content });
    }
  }
  markUntrusted(environment, ...found);
}

/** A configuration is read up to any size; one that is larger is marked when it is in place. */
const settingsBytesMax = 8 * 1024 * 1024;
const settingsNames: readonly string[] = [settingsFileName, ...configNames];

/** Of what a restore writes, folded: also a name that only some file systems take for one of the settings is one. */
function nameOf(target: string, key: PathKey): string {
  return key === rootKey ? folded(basename(target)) : foldedName(baseName(key));
}

function folded(text: string): string {
  return foldedName(byteStringOf(text));
}

/** The last parts of paths, folded. Of 30,000 files that are written, hardly one has such a name: of the others no path is made. */
function namesOf(paths: Iterable<string>): Set<string> {
  return new Set([...paths].map((path) => folded(basename(path))));
}

/** The same by what is there now, links followed: whatever the settings are read from came with this restore. */
export function markWhatIsRead(
  environment: Environment,
  options: PlaceOptions,
  sources: readonly RestoredSource[],
): void {
  const inForce = placesInForce(findHome(environment, options));
  const settings = writtenPaths(sources, new Set(settingsNames));
  const files = [...new Set([...inForce, ...settings])].filter((path) =>
    statSync(path, { throwIfNoEntry: false })?.isFile(),
  );
  const places = files.map((path) => ({ path, real: realpathSync(path) }));
  const names = namesOf(places.flatMap(({ path, real }) => [path, real]));
  const touched = new Set(writtenPaths(sources, names).map(folded));
  for (const { path, real } of places) {
    if (!touched.has(folded(path)) && !touched.has(folded(real))) continue;
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

/** Files and links with one of the names. */
function writtenPaths(sources: readonly RestoredSource[], names: ReadonlySet<string>): string[] {
  return sources.flatMap(({ target, plan }) =>
    plan.actions.flatMap(({ kind, key }) => {
      const isWritten = kind === 'write-file' || kind === 'write-link';
      return isWritten && names.has(nameOf(target, key)) ? [pathIn(target, key)] : [];
    }),
  );
}

function pathIn(target: string, key: PathKey): string {
  return key === rootKey ? target : join(target, displayKey(key));
}
