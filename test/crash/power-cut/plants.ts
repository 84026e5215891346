/** Bugs put into a log, as if the program had them: whoever looks for such bugs must find these. */
import assert from 'node:assert/strict';
import { nameOf, type Operation, parentOf } from './operations.ts';
import { repositoryFolder } from './scene.ts';

export type Plant = (log: readonly Operation[]) => Operation[];

export const plants: Readonly<Record<string, Plant>> = {
  'no fsync of files': (log) => withoutSyncs(log, (path, files) => files.has(path)),
  'no fsync of folders': (log) => withoutSyncs(log, (path, files) => !files.has(path)),
  'snapshot before pack': snapshotBeforePack,
  'packs deleted before what replaces them is there': deleteBeforeRepack,
  'no temporary files': inPlace,
};

/** A prune deletes the packs it has written again before it publishes the new ones. */
function deleteBeforeRepack(log: readonly Operation[]): Operation[] {
  const isOfPacks = (path: string) => path.startsWith(`${repositoryFolder}/packs/`);
  const result = [...log];
  const first = result.findIndex((operation) => operation.kind === 'remove' && isOfPacks(operation.path));
  const after = result.findIndex(
    (operation, index) => index > first && !('path' in operation && isOfPacks(operation.path)),
  );
  const publishing = result.findLastIndex(
    (operation, index) => index < first && operation.kind === 'open' && operation.path.endsWith('.pack'),
  );
  assert.ok(publishing >= 0 && publishing < first && first < after);
  const removals = result.splice(first, after - first);
  result.splice(publishing, 0, ...removals);
  return result;
}

function withoutSyncs(
  log: readonly Operation[],
  isDropped: (path: string, files: ReadonlySet<string>) => boolean,
): Operation[] {
  const files = new Set<string>();
  for (const operation of log) if (operation.kind === 'open') files.add(operation.path);
  return log.filter((operation) => operation.kind !== 'sync' || !isDropped(operation.path, files));
}

/** The snapshot of each run is published before its first pack is. */
function snapshotBeforePack(log: readonly Operation[]): Operation[] {
  const result = [...log];
  const publishing = result.findIndex(
    (operation) => operation.kind === 'rename' && operation.to.endsWith('.pack'),
  );
  const first = result.findIndex(
    (operation) => operation.kind === 'open' && /\/tmp\/[^/]+\/snapshot$/.test(operation.path),
  );
  const last = result.findIndex((operation) => operation.kind === 'acknowledged');
  assert.ok(publishing >= 0 && publishing < first && first < last);
  const snapshot = result.splice(first, last - first + 1);
  result.splice(publishing, 0, ...snapshot);
  return result;
}

/** Files are written under their final names, with every fsync there was. */
function inPlace(log: readonly Operation[]): Operation[] {
  const finalNames = new Map<string, string>();
  const created = new Set<string>();
  for (const operation of log) {
    if (operation.kind === 'open') created.add(operation.path);
    if (operation.kind === 'rename' && created.has(operation.from))
      finalNames.set(operation.from, operation.to);
  }
  const existing = new Set<string>();
  const folders = packFolders(log);
  return log.flatMap((operation): Operation[] => {
    if (operation.kind === 'settled') for (const path of operation.files.keys()) existing.add(path);
    if (operation.kind === 'rename' && finalNames.has(operation.from)) return [];
    if (operation.kind === 'make-folder' && folders.has(operation.path)) return [];
    if (!('path' in operation)) return [operation];
    const path = finalNames.get(operation.path);
    if (path === undefined) return [operation];
    if (operation.kind !== 'open') return [{ ...operation, path }];
    const opened: Operation = { ...operation, path, created: !existing.has(path) };
    existing.add(path);
    return folders.delete(parentOf(path))
      ? [{ kind: 'make-folder', path: parentOf(path) }, opened]
      : [opened];
  });
}

/** Folders of packs are made just before the rename: too late for what is written in place. */
function packFolders(log: readonly Operation[]): Set<string> {
  return new Set(
    log.flatMap((operation) =>
      operation.kind === 'make-folder' && nameOf(parentOf(operation.path)) === 'packs'
        ? [operation.path]
        : [],
    ),
  );
}
