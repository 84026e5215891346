/**
 * `manifest.json` of the archives that `openclaw backup create` writes, schema version 1. Reading asks for what OpenClaw's own
 * verifier asks for and takes everything else as it comes: the file grows with OpenClaw's versions.
 */
import { countJsonValues } from '../codec/json-count.ts';
import { ArchiveError } from '../model/errors.ts';
import { limits } from '../model/limits.ts';
import { type ByteString, byteStringOf } from '../model/paths.ts';
import { defaultArchiveLimits } from './archive-limits.ts';
import { displayName, pathProblem } from './entry-rules.ts';

export const manifestBytesMax = 16 * 1024 * 1024;
/** 4096 assets make about 20,000; OpenClaw lists links and what it skipped as well. */
const manifestValuesMax = 1_000_000;
/** Its name below the archive root. */
export const manifestName = 'manifest.json';
/** The folder below the archive root that holds the files. */
export const payloadName = 'payload';

export interface ManifestAsset {
  /** `state`, `config`, `credentials`, `workspace`, `agent`, or what a later version adds. */
  readonly kind: string;
  /** Absolute path on the machine the archive was made on. */
  readonly sourcePath: string;
  /** Path inside the archive, below `<archiveRoot>/payload`. */
  readonly archivePath: string;
}

export interface ManifestSkipped {
  readonly kind: string;
  readonly sourcePath: string;
  readonly reason: string;
  readonly coveredBy?: string;
}

export interface ManifestAgentRoot {
  readonly agentId: string;
  readonly sourcePath: string;
}

export interface ManifestPaths {
  readonly stateDir?: string;
  readonly configPath?: string;
  readonly oauthDir?: string;
  readonly workspaceDirs?: readonly string[];
  readonly agentRoots?: readonly ManifestAgentRoot[];
}

export interface OfficialManifest {
  readonly schemaVersion: 1;
  /** ISO 8601. */
  readonly createdAt: string;
  /** The one folder at the top of the archive. */
  readonly archiveRoot: string;
  readonly runtimeVersion?: string;
  readonly platform?: string;
  readonly nodeVersion?: string;
  readonly options?: { readonly includeWorkspace?: boolean; readonly onlyConfig?: boolean };
  readonly paths?: ManifestPaths;
  readonly assets: readonly ManifestAsset[];
  readonly skipped: readonly ManifestSkipped[];
}

type JsonObject = Readonly<Record<string, unknown>>;

/** @throws ArchiveError when it is too large, not JSON, of another version, or names something outside its own payload */
export function parseManifest(bytes: Uint8Array): OfficialManifest {
  const json = parseJson(bytes);
  if (!isObject(json)) throw malformed('it is not a JSON object');
  const version = own(json, 'schemaVersion');
  if (version !== 1) {
    const shown = JSON.stringify(version)?.slice(0, 40) ?? 'missing';
    throw new ArchiveError(`Cannot read ${manifestName}: its schemaVersion is ${shown}, want 1`, {
      hint: 'Install a newer version of exuvia.',
    });
  }
  const archiveRoot = archiveRootOf(json);
  return {
    schemaVersion: 1,
    createdAt: mustBeText(json, 'createdAt'),
    archiveRoot,
    ...texts(json, ['runtimeVersion', 'platform', 'nodeVersion']),
    ...optional('options', optionsOf(own(json, 'options'))),
    ...optional('paths', pathsOf(own(json, 'paths'))),
    assets: assetsOf(own(json, 'assets'), archiveRoot),
    skipped: objects(own(json, 'skipped')).map(skippedOf),
  };
}

/** The assets that no entry of the archive lies at or below. `paths` are the paths of all entries. */
export function findMissingAssets(manifest: OfficialManifest, paths: Iterable<ByteString>): ManifestAsset[] {
  const missing = new Map<string, ManifestAsset>();
  for (const asset of manifest.assets) missing.set(byteStringOf(asset.archivePath), asset);
  for (const path of paths) {
    if (missing.size === 0) break;
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      missing.delete(path.slice(0, end));
    }
  }
  return [...missing.values()];
}

function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length > manifestBytesMax) {
    throw malformed(`it has ${bytes.length} bytes, at most ${manifestBytesMax} are read`);
  }
  if (countJsonValues(bytes, manifestValuesMax) > manifestValuesMax)
    throw malformed(`it has more than ${manifestValuesMax} values`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw malformed('it is not JSON in UTF-8', error);
  }
}

function archiveRootOf(json: JsonObject): string {
  const root = mustBeText(json, 'archiveRoot');
  const problem = pathProblem(byteStringOf(root), defaultArchiveLimits);
  if (root.includes('/') || problem !== undefined) {
    throw malformed(`archiveRoot ${displayName(byteStringOf(root))} is not the name of one folder`);
  }
  return root;
}

function assetsOf(value: unknown, archiveRoot: string): ManifestAsset[] {
  if (!Array.isArray(value)) throw malformed('it has no list of assets');
  if (value.length > limits.sourcesMax)
    throw malformed(`it names ${value.length} assets, at most ${limits.sourcesMax} are read`);
  return value.map((item: unknown, index) => {
    if (!isObject(item)) throw malformed(`asset ${index + 1} is not an object`);
    const asset = {
      kind: mustBeText(item, 'kind'),
      sourcePath: mustBeText(item, 'sourcePath'),
      archivePath: mustBeText(item, 'archivePath'),
    };
    mustBeBelow(asset.archivePath, `${archiveRoot}/${payloadName}`);
    return asset;
  });
}

function mustBeBelow(archivePath: string, payload: string): void {
  const problem = pathProblem(byteStringOf(archivePath), defaultArchiveLimits);
  if (problem === undefined && archivePath.startsWith(`${payload}/`)) return;
  const shown = displayName(byteStringOf(archivePath));
  throw malformed(`archivePath ${shown} is not inside ${displayName(byteStringOf(payload))}`);
}

function optionsOf(value: unknown): OfficialManifest['options'] {
  if (!isObject(value)) return undefined;
  const includeWorkspace = own(value, 'includeWorkspace');
  const onlyConfig = own(value, 'onlyConfig');
  return {
    ...(typeof includeWorkspace === 'boolean' ? { includeWorkspace } : {}),
    ...(typeof onlyConfig === 'boolean' ? { onlyConfig } : {}),
  };
}

function pathsOf(value: unknown): ManifestPaths | undefined {
  if (!isObject(value)) return undefined;
  const workspaceDirs = own(value, 'workspaceDirs');
  const agentRoots = own(value, 'agentRoots');
  return {
    ...texts(value, ['stateDir', 'configPath', 'oauthDir']),
    ...(Array.isArray(workspaceDirs) ? { workspaceDirs: workspaceDirs.filter(isText) } : {}),
    ...(Array.isArray(agentRoots) ? { agentRoots: objects(agentRoots).flatMap(agentRootOf) } : {}),
  };
}

function agentRootOf(value: JsonObject): ManifestAgentRoot[] {
  const agentId = own(value, 'agentId');
  const sourcePath = own(value, 'sourcePath');
  return isText(agentId) && isText(sourcePath) ? [{ agentId, sourcePath }] : [];
}

function skippedOf(value: JsonObject): ManifestSkipped {
  const {
    kind = 'unknown',
    sourcePath = 'unknown',
    reason = 'unknown',
    coveredBy,
  } = texts(value, skippedKeys);
  return { kind, sourcePath, reason, ...optional('coveredBy', coveredBy) };
}

const skippedKeys = ['kind', 'sourcePath', 'reason', 'coveredBy'] as const;

function mustBeText(json: JsonObject, key: string): string {
  const value = own(json, key);
  if (!isText(value)) throw malformed(`${key} is not a text, or empty`);
  return value;
}

/** The keys that hold a text. */
function texts<K extends string>(json: JsonObject, keys: readonly K[]): { readonly [key in K]?: string } {
  const found: { [key in K]?: string } = {};
  for (const key of keys) {
    const value = own(json, key);
    if (isText(value)) found[key] = value;
  }
  return found;
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [key in K]: V });
}

function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Only what the file itself says: never what an object inherits. */
function own(json: JsonObject, key: string): unknown {
  return Object.hasOwn(json, key) ? json[key] : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(detail: string, cause?: unknown): ArchiveError {
  return new ArchiveError(`Cannot read ${manifestName}: ${detail}`, { cause });
}
