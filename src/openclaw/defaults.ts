/** What is left out of a home unless it is asked for: what can be made again, and what means nothing later. */
import type { SkipReason } from '../model/selection.ts';

export interface DefaultExclusion {
  readonly pattern: RegExp;
  readonly reason: Extract<SkipReason, 'rebuildable' | 'volatile' | 'repository'>;
  readonly why: string;
}

const uuid = '[0-9a-f]{8}-[0-9a-f-]{27,}';

/** Ours, and so the one that is left out of workspaces too. */
const leftover: DefaultExclusion = {
  pattern: /(^|\/)\.exuvia-[0-9a-f]{12}-\d+$/,
  reason: 'volatile',
  why: 'what an interrupted restore left',
};

/** On slash paths relative to the state directory. Conversations, logs and job runs are never among them. */
export const defaultExclusions: readonly DefaultExclusion[] = [
  {
    pattern: /^backups$/,
    reason: 'repository',
    why: 'backups of this home, also where another repository is used',
  },
  {
    pattern: /^(dev|git|npm|npm-runtime|tools|plugin-runtime-deps|archived)$/,
    reason: 'rebuildable',
    why: 'installed again when missing',
  },
  { pattern: /^tmp$/, reason: 'volatile', why: 'temporary files and locks of running processes' },
  { pattern: /^(plugin-skills|completions)$/, reason: 'rebuildable', why: 'made again at start' },
  { pattern: /^cache\/control-ui-assets$/, reason: 'rebuildable', why: 'unpacked again by the gateway' },
  { pattern: /^extensions\/(.*\/)?node_modules$/, reason: 'rebuildable', why: 'installed packages' },
  { pattern: /^models\/.*\.gguf$/i, reason: 'rebuildable', why: 'downloaded models' },
  { pattern: /^sandbox\/skills-workspaces$/, reason: 'rebuildable', why: 'made again for each sandbox' },
  { pattern: /^agents\/[^/]+\/agent\/(.*\/)?(tmp|\.tmp)$/, reason: 'volatile', why: 'temporary files' },
  { pattern: /^agents\/[^/]+\/agent\/(cache|shell_snapshots)$/, reason: 'rebuildable', why: 'a cache' },
  {
    pattern: /^agents\/[^/]+\/qmd$/,
    reason: 'rebuildable',
    why: 'an index made from sessions and workspace',
  },
  {
    pattern: /^browser\/[^/]+\/user-data\/Singleton(Lock|Socket|Cookie)$/,
    reason: 'volatile',
    why: 'marks of a running browser',
  },
  {
    pattern:
      /^browser\/[^/]+\/user-data\/(.*\/)?(Cache|Code Cache|GPUCache|ShaderCache|GrShaderCache|DawnCache|DawnGraphiteCache|DawnWebGPUCache|CacheStorage|component_crx_cache|Crashpad)$/,
    reason: 'rebuildable',
    why: 'a browser cache',
  },
  leftover,
  {
    pattern: /\.jsonl\.lock$|^openclaw\.json\.clobber\.lock$|\.usage-cost-cache[^/]*\.tmp$/,
    reason: 'volatile',
    why: 'a lock or temporary file',
  },
  {
    pattern: new RegExp(`\\.sqlite\\.(tmp|backup|memory-reindex)-${uuid}(-wal|-shm|-journal)?$`),
    reason: 'volatile',
    why: 'a database in the making',
  },
  {
    pattern:
      /(^|\/)[^/]*\.memory-reindex-[^/]*$|\.sqlite\.(reindex-lock|generation-lock|generation-writer)\.sqlite(-wal|-shm|-journal)?$/,
    reason: 'volatile',
    why: 'a database in the making, or its lock',
  },
  { pattern: /(^|\/)[^/]+\.update-captures$/, reason: 'rebuildable', why: 'copies made by an update' },
];

/** Only inside what the user does not own: a workspace is the user's. */
export function findDefaultExclusion(path: string): DefaultExclusion | undefined {
  if (/^workspace(-[^/]*)?\//.test(path)) return leftover.pattern.test(path) ? leftover : undefined;
  return defaultExclusions.find((exclusion) => exclusion.pattern.test(path));
}
