/** The settings of a home: defaults, then a `backup` block in the configuration, then `exuvia.json5`; each knows its origin. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, FileSystemError } from '../model/errors.ts';
import type { OpenClawHome } from '../openclaw/discovery.ts';
import {
  defaultSettings,
  parseBackupBlock,
  parseSettings,
  type SettingName,
  type Settings,
  SettingsError,
  settingNames,
  settingsFileName,
} from '../openclaw/settings.ts';

/** A settings file, as it was read: what a hook in it may do depends on where the file came from. */
export interface SettingsFile {
  readonly path: string;
  readonly content: Buffer;
}

export interface LoadedSettings {
  readonly settings: Settings;
  readonly origins: Readonly<Record<SettingName, SettingsOrigin>>;
  /** Where `exuvia.json5` is, or would be. */
  readonly path: string;
  /** The files that were read. */
  readonly files: Readonly<Partial<Record<SettingsOrigin, SettingsFile>>>;
  readonly warnings: readonly string[];
}

export type SettingsOrigin = 'default' | 'openclaw.json' | 'exuvia.json5';

const settingsBytesMax = 1024 * 1024;

/** @throws SettingsError with file, line, key and what was wanted */
export function loadSettings(home: OpenClawHome): LoadedSettings {
  const path = join(home.stateDir, settingsFileName);
  const warnings: string[] = [];
  const own = readOptional(path);
  if (own !== undefined && own.length > settingsBytesMax)
    throw new SettingsError(path, `it is ${own.length} bytes long, want at most ${settingsBytesMax}`);
  const inConfig = readConfigBlock(home);
  if (inConfig !== undefined) {
    warnings.push(
      `${home.configPath} has a "backup" block, with which current versions of OpenClaw refuse to start; move it to ${path}`,
    );
  }
  const blocks: readonly (readonly [SettingsOrigin, Partial<Settings>])[] = [
    ['openclaw.json', inConfig?.block ?? {}],
    ['exuvia.json5', own === undefined ? {} : parseSettings(own.toString('utf8'), path)],
  ];
  const settings: Record<string, unknown> = { ...defaultSettings };
  const origins = Object.fromEntries(settingNames.map((name) => [name, 'default'])) as Record<
    SettingName,
    SettingsOrigin
  >;
  for (const [origin, block] of blocks) {
    for (const [name, value] of Object.entries(block)) {
      settings[name] = value;
      origins[name as SettingName] = origin;
    }
  }
  return {
    settings: settings as unknown as Settings,
    origins,
    path,
    files: {
      ...(own === undefined ? {} : { 'exuvia.json5': { path, content: own } }),
      ...(inConfig === undefined ? {} : { 'openclaw.json': inConfig.file }),
    },
    warnings,
  };
}

/** The configuration is read again, and only where it has the block: its own text is wanted for lines. */
function readConfigBlock(
  home: OpenClawHome,
): { readonly block: Partial<Settings>; readonly file: SettingsFile } | undefined {
  if (home.config?.['backup'] === undefined) return undefined;
  const content = readOptional(home.configPath) ?? Buffer.alloc(0);
  const block = parseBackupBlock(home.config, content.toString('utf8'), home.configPath);
  return block && { block, file: { path: home.configPath, content } };
}

export function readOptional(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw new FileSystemError('read', path, error);
  }
}
