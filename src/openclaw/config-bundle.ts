/**
 * A configuration with all that belongs to it as one JSON document, version 1 (docs/CONFIG-BUNDLE.md). It comes from outside:
 * everything in it is checked before anything is used. Pure.
 */
import { createRequire } from 'node:module';
import { ExuviaError } from '../model/errors.ts';
import { nameProblem } from '../model/paths.ts';
import { asRecord, parseJson5 } from './json5.ts';
import {
  type RedactedText,
  type RestoredText,
  redactEnv,
  redactJson5,
  restoreEnv,
  restoreJson5,
} from './redaction.ts';
import { isRedactedMark, redactedMark } from './secrets.ts';

const require = createRequire(import.meta.url);

export const bundleFormat = 'exuvia config bundle';
export const bundleVersion = 1;

export type BundleKind = 'config' | 'include' | 'env' | 'secrets' | 'credentials' | 'approvals' | 'auth';

export interface BundleFile {
  /** Slash path relative to the state directory. */
  readonly path: string;
  readonly kind: BundleKind;
  /** Permission bits. */
  readonly mode: number;
  readonly content: Buffer;
}

export interface BundleSource {
  readonly host: string;
  readonly platform: string;
  readonly home: string;
  readonly stateDir: string;
  readonly configPath: string;
  /** Version of OpenClaw that last wrote the configuration, where it says. */
  readonly openclaw: string | null;
}

export interface ConfigBundle {
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly program: string;
  readonly source: BundleSource;
  readonly redacted: boolean;
  readonly files: readonly BundleFile[];
}

/** An input that is no configuration, or not one that can be used. */
export class ConfigInputError extends ExuviaError {
  constructor(name: string, detail: string, options: { hint?: string; cause?: unknown } = {}) {
    super(`Cannot import ${name}: ${detail}`, { code: 'ERR_CONFIG_INPUT', ...options });
  }
}

export function formatBundle(bundle: ConfigBundle): string {
  const { created, program, source, redacted, files } = bundle;
  const document = {
    ...{ format: bundleFormat, version: bundleVersion, created, program, source, redacted },
    files: files.map(({ path, kind, mode, content }) => ({
      ...{ path, kind, mode: mode.toString(8).padStart(4, '0') },
      ...encodeContent(content),
      sha256: sha256Of(content),
    })),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function encodeContent(content: Buffer): { encoding: 'utf8' | 'base64'; content: string } {
  const text = content.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(content)) return { encoding: 'utf8', content: text };
  return { encoding: 'base64', content: content.toString('base64') };
}

function sha256Of(content: Buffer): string {
  const { createHash } = require('node:crypto') as typeof import('node:crypto');
  return createHash('sha256').update(content).digest('hex');
}

/** Whether a parsed document says that it is a bundle, of whatever version. */
export function isBundle(value: unknown): boolean {
  return asRecord(value)?.['format'] === bundleFormat;
}

/**
 * @param name what to call the input in messages
 * @throws ConfigInputError naming the first thing that is wrong
 */
export function parseBundle(value: unknown, name: string): ConfigBundle {
  const document = asRecord(value) ?? {};
  const { version, files } = document;
  if (version !== bundleVersion) {
    throw new ConfigInputError(
      name,
      `it is a bundle of version ${JSON.stringify(version)}, and this program reads version ${bundleVersion}`,
      { hint: 'Install a newer version of exuvia.' },
    );
  }
  if (!Array.isArray(files) || files.length === 0) throw new ConfigInputError(name, 'it lists no files');
  const parsed = files.map((file, index) => parseFile(file, name, `file ${index + 1}`));
  checkTogether(parsed, name);
  const source = asRecord(document['source']) ?? {};
  return {
    created: textOf(document['created']),
    program: textOf(document['program']),
    source: {
      host: textOf(source['host']),
      platform: textOf(source['platform']),
      home: textOf(source['home']),
      stateDir: textOf(source['stateDir']),
      configPath: textOf(source['configPath']),
      openclaw: typeof source['openclaw'] === 'string' ? source['openclaw'] : null,
    },
    redacted: document['redacted'] === true,
    files: parsed,
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function parseFile(value: unknown, name: string, place: string): BundleFile {
  const file = asRecord(value) ?? {};
  const { path, kind, mode, encoding, content, sha256 } = file;
  if (typeof path !== 'string') throw new ConfigInputError(name, `${place} has no path`);
  const where = JSON.stringify(path);
  const problem = pathProblem(path);
  if (problem !== undefined) throw new ConfigInputError(name, `the path ${where} is refused: ${problem}`);
  if (!isKind(kind)) throw new ConfigInputError(name, `${where} is of unknown kind ${JSON.stringify(kind)}`);
  if (!isPathOfKind(path, kind)) throw new ConfigInputError(name, `${where} cannot be of kind "${kind}"`);
  if (typeof mode !== 'string' || !/^0?[0-7]{3}$/.test(mode))
    throw new ConfigInputError(
      name,
      `the mode of ${where} is ${JSON.stringify(mode)}, want four octal digits`,
    );
  if (typeof content !== 'string') throw new ConfigInputError(name, `${where} has no content`);
  const bytes = decodeContent(content, encoding);
  if (bytes === undefined)
    throw new ConfigInputError(name, `the content of ${where} is not ${JSON.stringify(encoding)}`);
  const actual = sha256Of(bytes);
  if (sha256 !== actual) {
    throw new ConfigInputError(
      name,
      `the content of ${where} has SHA-256 ${actual}, and the bundle says ${JSON.stringify(sha256)}`,
      { hint: 'It was damaged or edited; to import edited text, give the configuration file itself.' },
    );
  }
  return { path, kind, mode: Number.parseInt(mode, 8), content: bytes };
}

/** Relative, with slashes, and inside on every platform. */
function pathProblem(path: string): string | undefined {
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'it is absolute';
  if (path.includes('\\')) return 'it contains a backslash';
  for (const part of path.split('/')) {
    const problem = nameProblem(part);
    if (problem !== undefined)
      return part === '' ? 'a part of it is empty' : problem.replace(/^it is/, 'a part of it is');
  }
  return undefined;
}

function decodeContent(content: string, encoding: unknown): Buffer | undefined {
  if (encoding === 'utf8') return Buffer.from(content, 'utf8');
  if (encoding !== 'base64') return undefined;
  const bytes = Buffer.from(content, 'base64');
  return bytes.toString('base64') === content ? bytes : undefined;
}

/** Where files of a kind may lie: a bundle does not reach other files of a home. */
const patterns: Readonly<Record<BundleKind, RegExp>> = {
  config: /^[^/]+$/,
  include: /^./s,
  env: /^\.env$/,
  secrets: /^secrets(\.[^/]+|\/.+)?$/s,
  credentials: /^credentials\/./s,
  approvals: /^exec-approvals\.json$/,
  auth: /^agents\/[^/]+\/agent\/auth[^/]*\.json$/,
};
/** An included file is the user's own name for a part of the configuration: never one of these. */
const notIncluded = /^(exuvia\.json5|openclaw\.json|clawdbot\.json|backups(\/.*)?|state(\/.*)?)$/s;

function isKind(kind: unknown): kind is BundleKind {
  return typeof kind === 'string' && Object.hasOwn(patterns, kind);
}

function isPathOfKind(path: string, kind: BundleKind): boolean {
  return (
    patterns[kind].test(path) &&
    !(kind === 'include' && (notIncluded.test(path) || kindOfPath(path) !== undefined))
  );
}

/** The kind of a path by its place, for all but the configuration itself and what it includes. */
export function kindOfPath(path: string): BundleKind | undefined {
  const named = ['env', 'secrets', 'credentials', 'approvals', 'auth'] as const;
  return named.find((kind) => patterns[kind].test(path));
}

function checkTogether(files: readonly BundleFile[], name: string): void {
  const seen = new Set<string>();
  for (const { path } of files) {
    if (seen.has(path)) throw new ConfigInputError(name, `${JSON.stringify(path)} is in it twice`);
    seen.add(path);
  }
  if (files.filter(({ kind }) => kind === 'config').length > 1)
    throw new ConfigInputError(name, 'it holds more than one configuration');
}

/** JSON5 text, read as such. Of credentials and secrets only what is named so. */
export function isJsonFile({ path, kind }: Pick<BundleFile, 'path' | 'kind'>): boolean {
  if (kind === 'config' || kind === 'include' || kind === 'approvals' || kind === 'auth') return true;
  return kind === 'secrets' && /\.json5?$/.test(path);
}

export interface RedactedFile {
  readonly content: Buffer;
  /** Key paths; `undefined` when the whole content was replaced. */
  readonly redacted: readonly string[] | undefined;
  readonly suspiciousLines: readonly number[];
}

/** @throws SyntaxError when a file that is JSON5 by its kind does not parse */
export function redactFile(file: Pick<BundleFile, 'path' | 'kind' | 'content'>): RedactedFile {
  const text = file.content.toString('utf8');
  const redacted = redactText(file, text);
  if (redacted === undefined)
    return { content: Buffer.from(redactedMark), redacted: undefined, suspiciousLines: [] };
  const isSame = redacted.redacted.length === 0;
  return {
    content: isSame ? file.content : Buffer.from(redacted.text),
    redacted: redacted.redacted,
    suspiciousLines: redacted.suspiciousLines,
  };
}

/** Undefined for what is secret as a whole: logins of channels, and all whose parts have no names. */
function redactText(file: Pick<BundleFile, 'path' | 'kind'>, text: string): RedactedText | undefined {
  if (file.kind === 'env') return redactEnv(text);
  if (isAllowList(file)) return redactJson5(text);
  return isJsonFile(file) ? redactJson5(text, file.kind === 'secrets') : undefined;
}

/** Who may write to the agent: settings, although they lie among the credentials. */
function isAllowList({ path, kind }: Pick<BundleFile, 'path' | 'kind'>): boolean {
  return kind === 'credentials' && /^credentials\/[^/]+-allowFrom\.json$/.test(path);
}

export interface RestoredFile extends Omit<RestoredText, 'text'> {
  /** Undefined when nothing is to be written: the whole file is a secret that was left out. */
  readonly content: Buffer | undefined;
}

/**
 * Puts the secrets of the file that is there now in the place of the marks.
 * @throws SyntaxError when the present file is needed and is not JSON5
 */
export function restoreFile(
  file: Pick<BundleFile, 'path' | 'kind' | 'content'>,
  present: Buffer | undefined,
): RestoredFile {
  const text = file.content.toString('utf8');
  if (isRedactedMark(text.trim())) {
    const isThere = present !== undefined;
    return { content: undefined, kept: isThere ? [''] : [], missing: isThere ? [] : [''] };
  }
  if (file.kind !== 'env' && !isJsonFile(file) && !isAllowList(file))
    return { content: file.content, kept: [], missing: [] };
  const restore = file.kind === 'env' ? restoreEnv : restoreJson5;
  const restored = restore(text, present?.toString('utf8'));
  const isSame = restored.kept.length + restored.missing.length === 0;
  return { ...restored, content: isSame ? file.content : Buffer.from(restored.text) };
}

/** @throws SyntaxError with line and column when a file that is JSON5 by its kind does not parse */
export function checkFileText(file: Pick<BundleFile, 'path' | 'kind' | 'content'>): void {
  const text = file.content.toString('utf8');
  if (!isJsonFile(file) || isRedactedMark(text.trim())) return;
  parseJson5(text);
}
