/** `settings`, `settings init`, `settings trust`. */
import { join } from 'node:path';
import { publishFile, temporaryBeside } from '../io/files.ts';
import { ExuviaError } from '../model/errors.ts';
import { type SettingName, settingNames, settingsFileName } from '../openclaw/settings.ts';
import { settingsTemplate } from '../openclaw/settings-template.ts';
import type { Environment } from './environment.ts';
import { findHome, type PlaceOptions } from './places.ts';
import { loadSettings, readOptional, type SettingsOrigin } from './settings.ts';
import { allowHooks, isUntrusted } from './trusted-settings.ts';

export interface ShownSettings {
  readonly path: string;
  readonly exists: boolean;
  readonly settings: readonly {
    readonly name: SettingName;
    readonly value: unknown;
    readonly origin: SettingsOrigin;
  }[];
  /** Files whose hooks do not run, because a restore or an import brought them. */
  readonly untrusted: readonly string[];
  readonly warnings: readonly string[];
}

/** `settings`: each value and where it comes from. */
export function showSettings(environment: Environment, options: PlaceOptions): ShownSettings {
  const loaded = loadSettings(findHome(environment, options));
  return {
    path: loaded.path,
    exists: loaded.files['exuvia.json5'] !== undefined,
    settings: settingNames.map((name) => ({
      name,
      value: loaded.settings[name] ?? null,
      origin: loaded.origins[name],
    })),
    untrusted: Object.values(loaded.files)
      .filter((file) => isUntrusted(environment, file))
      .map((file) => file.path),
    warnings: loaded.warnings,
  };
}

/** `settings init`: a commented file, never over one that is there. */
export function initSettings(environment: Environment, options: PlaceOptions): { readonly path: string } {
  const home = findHome(environment, options);
  const path = join(home.stateDir, settingsFileName);
  if (readOptional(path) !== undefined) {
    throw new ExuviaError(`There are settings already: ${path}`, {
      code: 'ERR_EXISTS',
      hint: 'exuvia settings shows what is in force.',
    });
  }
  const unique = Buffer.from(environment.random(6)).toString('hex');
  publishFile(path, Buffer.from(settingsTemplate), temporaryBeside(path, unique));
  return { path };
}

/** `settings trust`: the user has looked at hooks that came with a restore or an import. */
export function trustSettings(
  environment: Environment,
  options: PlaceOptions,
): { readonly trusted: readonly string[] } {
  const { files } = loadSettings(findHome(environment, options));
  const untrusted = Object.values(files).filter((file) => isUntrusted(environment, file));
  for (const file of untrusted) allowHooks(environment, file);
  return { trusted: untrusted.map((file) => file.path) };
}
