/** What a backup is of: the home and its sources, or folders that were named, and the repository it goes to. */
import { realpathSync, statSync } from 'node:fs';
import { FileSystemError, UsageError } from '../model/errors.ts';
import type { SnapshotRecord } from '../model/snapshot.ts';
import type { OpenClawHome } from '../openclaw/discovery.ts';
import { type PlannedSource, planFolderSources, planSources } from '../openclaw/sources.ts';
import { expandSourcePatterns } from '../walker/globs.ts';
import type { Environment } from './environment.ts';
import type { ExportTarget } from './export-backup.ts';
import { findHome, findRepository, type PlaceOptions, resolvePath } from './places.ts';

export interface CreateOptions extends PlaceOptions {
  readonly only?: readonly string[];
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly sources?: readonly string[];
  readonly tags?: readonly string[];
  readonly message?: string;
  readonly reason?: SnapshotRecord['reason'];
  /** Reads every file, whatever is known of it. */
  readonly force?: boolean;
  readonly dryRun?: boolean;
  /** False stores new data as it is. */
  readonly compress?: boolean;
  /** Whether a repository that is made is encrypted; one that is there must be as this says. Undefined leaves it to the settings. */
  readonly encrypt?: boolean;
  /** Makes no snapshot when nothing differs from the one before; that one is the result. */
  readonly skipIfUnchanged?: boolean;
  /** Writes an archive of the new snapshot as well. */
  readonly output?: ExportTarget;
}

export interface BackupPlan {
  readonly home: OpenClawHome;
  readonly isHome: boolean;
  readonly repositoryRoot: string;
  readonly sources: readonly PlannedSource[];
  readonly options: CreateOptions;
}

export function planBackup(environment: Environment, options: CreateOptions): BackupPlan {
  const home = findHome(environment, options);
  const repositoryRoot = findRepository(environment, options, home);
  const selection = {
    only: options.only ?? [],
    include: options.include ?? [],
    exclude: options.exclude ?? [],
  };
  if (options.sources !== undefined && options.sources.length > 0) {
    if (selection.only.length > 0) {
      throw new UsageError('--only names components of an OpenClaw home and cannot be used with --source');
    }
    if (options.sources.includes(''))
      throw new UsageError('--source has an empty name', 'Name a folder or a file.');
    const patterns = options.sources.map((path) => resolvePath(environment, path));
    const paths = expandSourcePatterns(patterns, environment.cwd).map(resolveSource);
    const sources = planFolderSources([...new Set(paths)], selection, repositoryRoot);
    return { home, isHome: false, repositoryRoot, sources, options };
  }
  if (!home.stateDirExists) {
    throw new UsageError(
      `There is no OpenClaw state directory at ${home.stateDir}`,
      'Name it with --state-dir or OPENCLAW_STATE_DIR, or back up any folder with --source.',
    );
  }
  for (const problem of home.problems) environment.progress.warn(problem);
  return {
    home,
    isHome: true,
    repositoryRoot,
    sources: planSources(home, selection, repositoryRoot),
    options,
  };
}

/** The folder itself, not a link to it. */
function resolveSource(path: string): string {
  try {
    const real = realpathSync(path);
    const stat = statSync(real);
    if (stat.isDirectory() || stat.isFile()) return real;
  } catch (error) {
    throw new FileSystemError('read source', path, error);
  }
  throw new UsageError(`The source ${path} is neither a folder nor a file`);
}
