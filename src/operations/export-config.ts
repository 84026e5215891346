/** `config export`: the configuration as it is, or with all that belongs to it in one document. */
import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { publishFile, temporaryBeside, withPath } from '../io/files.ts';
import { ExuviaError, messageOf, UsageError } from '../model/errors.ts';
import {
  type BundleFile,
  type BundleKind,
  formatBundle,
  kindOfPath,
  type RedactedFile,
  redactFile,
} from '../openclaw/config-bundle.ts';
import { type OpenClawHome, pathInside } from '../openclaw/discovery.ts';
import { redactedMark } from '../openclaw/secrets.ts';
import { agentFolders, namesIn } from './config-places.ts';
import type { Environment } from './environment.ts';
import { findHome, type PlaceOptions, resolvePath } from './places.ts';
import { readOptional } from './settings.ts';
import { exuviaVersion } from './version.ts';

export interface ExportConfigOptions extends PlaceOptions {
  /** With included files, credentials, secrets and approvals, as one document. */
  readonly full?: boolean;
  readonly redact?: boolean;
  /** Written there, readable by its owner only. */
  readonly output?: string;
  readonly overwrite?: boolean;
}

export interface ExportedConfig {
  readonly form: 'plain' | 'bundle';
  readonly configPath: string;
  /** The whole of what is exported. */
  readonly content: Buffer;
  readonly files: readonly { readonly path: string; readonly kind: BundleKind; readonly bytes: number }[];
  /** What was replaced: key paths, or '' for a whole file. */
  readonly redacted: readonly { readonly file: string; readonly path: string }[];
  readonly leftOut: readonly { readonly path: string; readonly reason: string }[];
  readonly warnings: readonly string[];
  readonly output: string | undefined;
}

export function exportConfig(environment: Environment, options: ExportConfigOptions): ExportedConfig {
  const home = findHome(environment, options);
  const output = options.output === undefined ? undefined : resolveOutput(environment, options);
  const exported = new Exporter(home, options.redact ?? false);
  exported.addConfig();
  if (options.full) exported.addTheRest();
  if (exported.files.length === 0) {
    throw new ExuviaError(`There is no configuration at ${home.configPath}`, {
      code: 'ERR_NO_CONFIG',
      hint: 'Name the state directory with --state-dir or the profile with --profile.',
    });
  }
  const content = options.full ? bundleText(environment, home, exported) : exported.files[0]?.content;
  const result = {
    form: options.full ? 'bundle' : 'plain',
    configPath: home.configPath,
    content: content ?? Buffer.alloc(0),
    files: exported.files.map(({ path, kind, content: { length: bytes } }) => ({ path, kind, bytes })),
    redacted: exported.redacted,
    leftOut: exported.leftOut,
    warnings: exported.warnings,
    output,
  } as const;
  if (output !== undefined)
    publishFile(output, result.content, temporaryBeside(output, uniqueName(environment)));
  return result;
}

export function uniqueName(environment: Environment): string {
  return Buffer.from(environment.random(6)).toString('hex');
}

/** Where an export is to be written. @throws UsageError when it is a folder, or is there already */
export function resolveOutput(
  environment: Environment,
  { output = '', overwrite }: Pick<ExportConfigOptions, 'output' | 'overwrite'>,
): string {
  if (output === '') throw new UsageError('--output has an empty name', 'Name a file.');
  const path = resolvePath(environment, output);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) throw new UsageError(`The output ${path} is a folder`, 'Name a file in it.');
  if (stat !== undefined && !overwrite)
    throw new UsageError(`The output ${path} exists already`, 'Choose another name, or give --overwrite.');
  return path;
}

function bundleText(environment: Environment, home: OpenClawHome, { files, isRedacted }: Exporter): Buffer {
  const text = formatBundle({
    created: new Date(environment.clock.nowMs()).toISOString(),
    program: `exuvia ${exuviaVersion}`,
    source: {
      host: environment.host,
      platform: environment.platform,
      home: home.home,
      stateDir: home.stateDir,
      configPath: home.configPath,
      openclaw: home.version ?? null,
    },
    redacted: isRedacted,
    files,
  });
  return Buffer.from(text);
}

/** Collects the files of one export, and what there is to say about them. */
class Exporter {
  readonly files: BundleFile[] = [];
  readonly redacted: { file: string; path: string }[] = [];
  readonly leftOut: { path: string; reason: string }[] = [];
  readonly warnings: string[] = [];
  readonly isRedacted: boolean;
  readonly #home: OpenClawHome;

  constructor(home: OpenClawHome, isRedacted: boolean) {
    this.#home = home;
    this.isRedacted = isRedacted;
  }

  addConfig(): void {
    const { configPath, stateDir } = this.#home;
    if (!existsSync(configPath)) return;
    const inside = pathInside(stateDir, configPath);
    const path = inside !== undefined && !inside.includes('/') ? inside : 'openclaw.json';
    // A configuration that is a link, as on NixOS, is read through it: it is the user's own.
    this.#add(
      path,
      'config',
      withPath('read', configPath, () => readFileSync(configPath)),
      configPath,
    );
  }

  addTheRest(): void {
    const { stateDir, includes, credentialsDir, problems } = this.#home;
    this.warnings.push(...problems);
    for (const path of includes) this.#addInclude(path);
    for (const name of namesIn(stateDir)) {
      const kind = kindOfPath(name);
      if (kind !== undefined) this.#addTree(name, join(stateDir, name), kind);
    }
    this.#addTree('credentials', credentialsDir, 'credentials');
    for (const { prefix, folder } of agentFolders(this.#home)) {
      for (const name of namesIn(folder)) {
        if (kindOfPath(prefix + name) === 'auth') this.#addTree(prefix + name, join(folder, name), 'auth');
      }
    }
  }

  #addInclude(path: string): void {
    const inside = pathInside(this.#home.stateDir, path);
    if (inside !== undefined && kindOfPath(inside) !== undefined) return; // comes with the others of its kind
    const content = inside === undefined || inside === '' ? undefined : this.#read(inside, path);
    if (inside === undefined || inside === '')
      this.leftOut.push({ path, reason: 'it lies outside the state directory' });
    else if (content !== undefined) this.#add(inside, 'include', content, path);
  }

  /** A file, or all files below a folder. Links are not followed: what they lead to is not of this home. */
  #addTree(path: string, place: string, kind: BundleKind): void {
    const stat = lstatSync(place, { throwIfNoEntry: false });
    if (stat?.isDirectory()) {
      for (const name of namesIn(place)) this.#addTree(`${path}/${name}`, join(place, name), kind);
    } else if (stat?.isFile()) {
      const content = this.#read(path, place);
      if (content !== undefined) this.#add(path, kind, content, place);
    } else if (stat !== undefined) {
      this.leftOut.push({ path, reason: stat.isSymbolicLink() ? 'it is a symbolic link' : 'it is no file' });
    }
  }

  #read(path: string, place: string): Buffer | undefined {
    if (path.includes('\ufffd') || path.includes('\\')) {
      this.leftOut.push({ path, reason: 'a bundle cannot hold its name' });
      return undefined;
    }
    try {
      return readOptional(place);
    } catch (error) {
      this.leftOut.push({ path, reason: messageOf(error) });
      return undefined;
    }
  }

  #add(path: string, kind: BundleKind, content: Buffer, place: string): void {
    const mode = statSync(place).mode & 0o777;
    if (!this.isRedacted) {
      this.files.push({ path, kind, mode, content });
      return;
    }
    const { redacted, suspiciousLines, ...rest } = this.#redact(path, kind, content, place);
    this.files.push({ path, kind, mode, content: rest.content });
    for (const key of redacted ?? ['']) this.redacted.push({ file: path, path: key });
    for (const line of suspiciousLines)
      this.warnings.push(`${place}, line ${line}: this comment looks as if it held a secret, and is kept`);
  }

  #redact(path: string, kind: BundleKind, content: Buffer, place: string): RedactedFile {
    try {
      return redactFile({ path, kind, content });
    } catch (error) {
      // Of what has no structure nobody can tell what is secret.
      if (kind !== 'config')
        return { content: Buffer.from(redactedMark), redacted: undefined, suspiciousLines: [] };
      throw new ExuviaError(`Cannot redact ${place}: it is not JSON5 (${messageOf(error)})`, {
        code: 'ERR_CONFIG_INPUT',
        hint: 'Without --redact it is exported as it is.',
        cause: error,
      });
    }
  }
}
