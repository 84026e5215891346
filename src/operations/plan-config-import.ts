/** From the bytes of an import to what would be written where. Reads the home, changes nothing. */
import { lstatSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { ExuviaError, messageOf } from '../model/errors.ts';
import {
  type BundleFile,
  type BundleKind,
  type BundleSource,
  ConfigInputError,
  checkFileText,
  isBundle,
  isJsonFile,
  parseBundle,
  restoreFile,
} from '../openclaw/config-bundle.ts';
import { changesInEnv, changesInJson5, type ValueChange } from '../openclaw/config-changes.ts';
import { configProblem, configWarnings, withMetaOf } from '../openclaw/config-checks.ts';
import type { OpenClawHome } from '../openclaw/discovery.ts';
import { asRecord, parseJson5 } from '../openclaw/json5.ts';
import { placeOf } from './config-places.ts';
import { type MovedConfigPaths, moveConfigPaths } from './move-config.ts';
import { readOptional } from './settings.ts';

/** What is imported, and what to call it in messages. */
export interface ConfigInput {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface PlannedConfigFile {
  /** Absolute. */
  readonly path: string;
  readonly kind: BundleKind;
  /** `keep`: a secret that the input leaves out. */
  readonly action: 'create' | 'replace' | 'unchanged' | 'keep';
  /** Of configuration, includes, approvals and variables; other files are secret as a whole. */
  readonly changes: readonly ValueChange[];
  /** What is written; undefined when nothing is. */
  readonly content: Buffer | undefined;
  readonly mode: number;
}

export interface SecretPlace {
  readonly file: string;
  /** Key path; '' for a whole file. */
  readonly path: string;
}

export interface ConfigImportPlan {
  readonly form: 'plain' | 'bundle';
  readonly files: readonly PlannedConfigFile[];
  readonly keptSecrets: readonly SecretPlace[];
  readonly missingSecrets: readonly SecretPlace[];
  /** Whether the present `meta` block was added to a configuration without one. */
  readonly keptMeta: boolean;
  /** Of a bundle of another home. */
  readonly paths: MovedConfigPaths;
  readonly warnings: readonly string[];
}

/**
 * @param keepPaths leaves the absolute paths of another home as they are
 * @throws ConfigInputError, ExuviaError for a link in the way
 */
export function planConfigImport(
  home: OpenClawHome,
  input: ConfigInput,
  keepPaths: boolean,
): ConfigImportPlan {
  const { form, files, source } = readInput(input);
  for (const file of files)
    checkFile(file, form === 'plain' ? input.name : `${input.name}, file ${file.path}`);
  const isMoved = source !== undefined && !keepPaths;
  const moved = isMoved
    ? moveConfigPaths(files, source, home)
    : { files, moves: [], changes: [], warnings: [] };
  const planned = moved.files.map((file) => planFile(home, file));
  const config = planned.find(({ file }) => file.kind === 'config');
  return {
    form,
    files: planned.map(({ file }) => file),
    keptSecrets: planned.flatMap(({ file, kept }) => kept.map((path) => ({ file: file.path, path }))),
    missingSecrets: planned.flatMap(({ file, missing }) =>
      missing.map((path) => ({ file: file.path, path })),
    ),
    keptMeta: config?.keptMeta ?? false,
    paths: { moves: moved.moves, changes: moved.changes },
    warnings: [...moved.warnings, ...planned.flatMap((one) => one.warnings)],
  };
}

interface ReadInput {
  readonly form: 'plain' | 'bundle';
  readonly files: readonly BundleFile[];
  /** Where a bundle was made. */
  readonly source: BundleSource | undefined;
}

function readInput({ name, bytes }: ConfigInput): ReadInput {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const value = parseText(textOf(content, name), name);
  if (isBundle(value)) return { form: 'bundle', ...parseBundle(value, name) };
  const file: BundleFile = { path: 'openclaw.json', kind: 'config', mode: 0o600, content };
  return { form: 'plain', files: [file], source: undefined };
}

function textOf(content: Buffer, name: string): string {
  if (content.length === 0 || content.toString('latin1').trim() === '')
    throw new ConfigInputError(name, 'it is empty', {
      hint: 'Write exuvia config import < config-export.json, or name the file.',
    });
  const head = content.subarray(0, 4).toString('latin1');
  if (head.startsWith('\x1f\x8b') || head.startsWith('PK') || head === '(\xb5/\xfd') {
    throw new ConfigInputError(name, 'it is an archive', {
      hint: 'exuvia backup restore ARCHIVE --only config restores the configuration of an archive.',
    });
  }
  const text = content.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(content)) return text;
  const isUtf16 = head.startsWith('\xff\xfe') || head.startsWith('\xfe\xff');
  throw new ConfigInputError(
    name,
    isUtf16 ? 'it is UTF-16 text, and UTF-8 is wanted' : 'it is not UTF-8 text',
    {
      hint: 'Some shells change the encoding of what is redirected with >: export with --output FILE.',
    },
  );
}

function parseText(text: string, name: string): unknown {
  try {
    return parseJson5(text);
  } catch (error) {
    throw new ConfigInputError(name, `it is not JSON5: ${syntaxMessage(error)}`, { cause: error });
  }
}

/** json5 says `JSON5: invalid character 'x' at 3:5`. */
function syntaxMessage(error: unknown): string {
  return messageOf(error)
    .replace(/^JSON5: /, '')
    .replace(/ at (\d+):(\d+)$/, ' at line $1, column $2');
}

function checkFile(file: BundleFile, name: string): void {
  try {
    checkFileText(file);
  } catch (error) {
    throw new ConfigInputError(name, `it is not JSON5: ${syntaxMessage(error)}`, { cause: error });
  }
  const problem =
    file.kind === 'config' ? configProblem(parseJson5(file.content.toString('utf8'))) : undefined;
  if (problem !== undefined) throw new ConfigInputError(name, problem);
}

interface FilePlan {
  readonly file: PlannedConfigFile;
  readonly kept: readonly string[];
  readonly missing: readonly string[];
  readonly keptMeta: boolean;
  readonly warnings: readonly string[];
}

function planFile(home: OpenClawHome, file: BundleFile): FilePlan {
  const { base, path } = placeOf(home, file.path, file.kind);
  refuseLinks(base, path);
  const present = readOptional(path);
  const isUsable = present !== undefined && !(isJsonFile(file) && !isJson5(present));
  const usable = isUsable ? present : undefined;
  const { kept, missing, content: restored } = restoreFile(file, usable);
  const withMeta = file.kind === 'config' ? addMeta(restored, usable) : undefined;
  const content = withMeta ?? restored;
  return {
    file: {
      ...{ path, kind: file.kind, content, mode: modeFor(path, file.mode) },
      action: actionOf(present, content),
      changes: content === undefined ? [] : changesOf(file, present, content),
    },
    ...{ kept, missing, keptMeta: withMeta !== undefined },
    warnings: file.kind === 'config' && content !== undefined ? warningsFor(usable, content) : [],
  };
}

/** No link below `base` is followed, and only a file is replaced. */
function refuseLinks(base: string, path: string): void {
  let at = base;
  const parts = relative(base, path).split(sep);
  for (const [index, part] of parts.entries()) {
    at = join(at, part);
    const stat = lstatSync(at, { throwIfNoEntry: false });
    if (stat === undefined) return;
    const isWanted = index === parts.length - 1 ? stat.isFile() : stat.isDirectory();
    if (isWanted) continue;
    const kind = stat.isSymbolicLink()
      ? 'a symbolic link'
      : index === parts.length - 1
        ? 'no file'
        : 'no folder';
    throw new ExuviaError(`Cannot import into ${path}: ${at} is ${kind}`, {
      code: 'ERR_CONFIG_TARGET',
      hint: 'Links are not followed; name the real file with OPENCLAW_CONFIG_PATH, or remove the link.',
    });
  }
}

function isJson5(content: Buffer): boolean {
  try {
    parseJson5(content.toString('utf8'));
    return true;
  } catch {
    return false; // It has no secrets that could be found, and no values to compare.
  }
}

function addMeta(content: Buffer | undefined, present: Buffer | undefined): Buffer | undefined {
  if (content === undefined || present === undefined) return undefined;
  const text = withMetaOf(present.toString('utf8'), content.toString('utf8'));
  return text === undefined ? undefined : Buffer.from(text);
}

/** Private, and no wider than it is or was. */
function modeFor(path: string, mode: number): number {
  const present = lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0o600;
  return (mode & present & 0o600) | 0o400;
}

function actionOf(present: Buffer | undefined, content: Buffer | undefined): PlannedConfigFile['action'] {
  if (content === undefined) return 'keep';
  if (present === undefined) return 'create';
  return present.equals(content) ? 'unchanged' : 'replace';
}

function changesOf(file: BundleFile, present: Buffer | undefined, content: Buffer): ValueChange[] {
  const [before, after] = [present?.toString('utf8'), content.toString('utf8')];
  if (file.kind === 'env') return changesInEnv(before, after);
  const isOpen = file.kind === 'config' || file.kind === 'include' || file.kind === 'approvals';
  return isOpen ? changesInJson5(before, after) : [];
}

function warningsFor(present: Buffer | undefined, content: Buffer): string[] {
  const before = present === undefined ? undefined : asRecord(parseJson5(present.toString('utf8')));
  return configWarnings(before, parseJson5(content.toString('utf8')));
}
