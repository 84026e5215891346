/** `backup diff`: what differs between two backups, folders, archives or the present state. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ContentDiff } from '../diff/content-diff.ts';
import { contentOf, diffTrees, type TreeChange, type TreeChangeKind } from '../diff/tree-diff.ts';
import type { BlobId } from '../model/ids.ts';
import { displayKey, pathOfKey, textOf } from '../model/paths.ts';
import type { SnapshotSource } from '../model/snapshot.ts';
import type { BlobReader } from '../model/store.ts';
import { type FileNode, isoTimeOf, type TreeEntry, type TreeNode } from '../model/tree.ts';
import { parametersName } from '../repository/layout.ts';
import { newChunksOf } from '../tree/content.ts';
import { type ComparedSide, liveName, withComparedSides } from './compared-sides.ts';
import { diffContents } from './diff-contents.ts';
import { type PathSelection, refuseUnknownPaths, selectionOf, type Wants } from './diff-paths.ts';
import type { Environment } from './environment.ts';
import { maskDiff } from './mask-diff.ts';
import { findHome, findRepository, openRepository, type PlaceOptions } from './places.ts';
import { componentsIn } from './restore-deletable.ts';
import { isSecretFile } from './secret-mask.ts';

export interface DiffOptions extends PlaceOptions, PathSelection {
  /** Also what differs inside files that both sides have. */
  readonly content?: boolean;
  /** Secrets are shown as they are; else a fingerprint stands for each. */
  readonly showSecrets?: boolean;
}

export interface DiffEntry {
  readonly change: TreeChangeKind;
  /** Path of the source it is in, as it is on the newer side. */
  readonly source: string;
  readonly path: string;
  readonly type: TreeNode['type'];
  /** Of what was renamed. */
  readonly from?: string;
  readonly similarity?: number;
  readonly before?: DiffState;
  readonly after?: DiffState;
  /** Bytes of the newer content that the older one does not have. */
  readonly newBytes: number;
  readonly components: readonly string[];
  /** With `content`, of files whose content differs. */
  readonly content?: ContentDiff;
}

export interface DiffState {
  readonly type: TreeNode['type'];
  readonly size: number;
  readonly mode: number;
  readonly mtime: string;
  readonly target?: string;
}

export interface DiffTotals {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly renamed: number;
  readonly mode: number;
  readonly time: number;
  readonly newBytes: number;
}

export interface BackupDiff {
  readonly a: Omit<ComparedSide, 'sources'>;
  readonly b: Omit<ComparedSide, 'sources'>;
  readonly totals: DiffTotals;
  /** A path that belongs to two components counts in both. */
  readonly components: Readonly<Record<string, DiffTotals>>;
  readonly changes: readonly DiffEntry[];
}

/** What a name stands for when it is not said: the two newest snapshots, or one and the present state. */
export function comparedNames(names: readonly string[]): readonly [string, string] {
  const [a, b] = names;
  if (a === undefined) return ['latest~1', 'latest'];
  return [a, b ?? liveName];
}

export async function diffBackups(
  environment: Environment,
  options: DiffOptions,
  a: string,
  b: string,
): Promise<BackupDiff> {
  const root = findRepository(environment, options, findHome(environment, options));
  const exists = existsSync(join(root, parametersName));
  await using repository = exists ? await openRepository(environment, root, 'read') : undefined;
  return await withComparedSides(environment, options, [a, b], repository, ({ blobs, sides }) => {
    const [older, newer] = sides as [ComparedSide, ComparedSide];
    refuseUnknownPaths(blobs, [...older.sources, ...newer.sources], options.paths ?? []);
    const wants = selectionOf(options);
    environment.progress.step('Comparing');
    const inside = options.content ? contentsOf(blobs, options, repository?.parameters.id ?? '') : undefined;
    const changes = pairSources(older, newer).flatMap((pair) => diffSource(blobs, pair, wants, inside));
    return { a: nameOf(older), b: nameOf(newer), ...summed(changes), changes };
  });
}

function nameOf({ sources: _sources, ...side }: ComparedSide): Omit<ComparedSide, 'sources'> {
  return side;
}

interface SourcePair {
  readonly before: SnapshotSource | undefined;
  readonly after: SnapshotSource | undefined;
}

/** By what they are (the state directory, the workspace of an agent), then by path; two that are left over are one. */
function pairSources(a: ComparedSide, b: ComparedSide): SourcePair[] {
  const rest = [...a.sources];
  const take = (test: (source: SnapshotSource) => boolean): SnapshotSource | undefined => {
    const at = rest.findIndex(test);
    return at < 0 ? undefined : rest.splice(at, 1)[0];
  };
  const pairs = b.sources.map((after): { before: SnapshotSource | undefined; after: SnapshotSource } => ({
    before:
      take((source) => source.path === after.path) ??
      (after.kind === 'folder'
        ? undefined
        : take((source) => source.kind === after.kind && source.label === after.label)),
    after,
  }));
  const lonely = pairs.filter(({ before }) => before === undefined);
  const [only] = lonely;
  if (lonely.length === 1 && rest.length === 1 && only !== undefined) only.before = rest.pop();
  return [...pairs, ...rest.map((before) => ({ before, after: undefined }))];
}

type Inside = (source: SnapshotSource, entry: DiffEntry, change: TreeChange) => ContentDiff | undefined;

function contentsOf(blobs: BlobReader, { showSecrets }: DiffOptions, key: string): Inside {
  return (source, entry, { before, after }) => {
    if (before?.type !== 'file' || after?.type !== 'file' || contentOf(before) === contentOf(after))
      return undefined;
    const diff = diffContents(blobs, entry.path, before, after);
    return showSecrets ? diff : maskDiff(diff, { key, isSecretFile: isSecretFile(source, entry.path) });
  };
}

function diffSource(
  blobs: BlobReader,
  { before, after }: SourcePair,
  wants: Wants,
  inside: Inside | undefined,
): DiffEntry[] {
  const source = (after ?? before) as SnapshotSource;
  const options = { blobs, wants: (entry: TreeEntry) => wants(source, entry) };
  const changes = diffTrees(options, rootOf(before), rootOf(after));
  return changes.map((change) => {
    const entry = entryOf(blobs, source, change);
    const content = inside?.(source, entry, change);
    return content === undefined ? entry : { ...entry, content };
  });
}

function rootOf(source: SnapshotSource | undefined): BlobId | null {
  return source?.root ?? null;
}

function entryOf(blobs: BlobReader, source: SnapshotSource, change: TreeChange): DiffEntry {
  const { kind, key, before, after, fromKey, similarity } = change;
  const path = displayKey(key);
  return {
    change: kind,
    source: source.path,
    path,
    type: (after ?? before)?.type ?? 'file',
    ...(fromKey === undefined ? {} : { from: displayKey(fromKey) }),
    ...(similarity === undefined ? {} : { similarity: Math.floor(similarity * 100) / 100 }),
    ...(before === undefined ? {} : { before: stateOf(before) }),
    ...(after === undefined ? {} : { after: stateOf(after) }),
    newBytes: after?.type === 'file' ? newBytesOf(blobs, before, after) : 0,
    components: componentsIn(source, textOf(pathOfKey(key))),
  };
}

function stateOf(node: TreeNode): DiffState {
  return {
    type: node.type,
    size: node.type === 'file' ? node.size : 0,
    mode: node.mode,
    mtime: isoTimeOf(node.mtimeNs),
    ...(node.type === 'symlink' ? { target: textOf(node.linkTarget) } : {}),
  };
}

/** By chunks: what of the new content is not in the old one. */
function newBytesOf(blobs: BlobReader, before: TreeNode | undefined, after: FileNode): number {
  if (before?.type !== 'file') return after.size;
  if (after.content.kind === 'inline') return contentOf(before) === contentOf(after) ? 0 : after.size;
  const known = new Set<string | undefined>([undefined]); // holes are never new
  const seen = new Set<string>();
  for (const { id } of newChunksOf(blobs, before, seen)) known.add(id);
  let sum = 0;
  for (const { id, bytes } of newChunksOf(blobs, after, seen)) {
    if (!known.has(id)) sum += bytes;
    known.add(id);
  }
  return sum;
}

const noTotals: DiffTotals = { added: 0, removed: 0, changed: 0, renamed: 0, mode: 0, time: 0, newBytes: 0 };

function summed(changes: readonly DiffEntry[]): Pick<BackupDiff, 'totals' | 'components'> {
  const components: Record<string, DiffTotals> = {};
  let totals = noTotals;
  for (const entry of changes) {
    totals = plus(totals, entry);
    for (const name of entry.components) components[name] = plus(components[name] ?? noTotals, entry);
  }
  return { totals, components };
}

function plus(totals: DiffTotals, { change, newBytes }: DiffEntry): DiffTotals {
  return { ...totals, [change]: totals[change] + 1, newBytes: totals.newBytes + newBytes };
}
