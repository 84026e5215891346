/** Bugs put into a log, as if the program had them: whoever looks for such bugs must find these. */
import assert from 'node:assert/strict';
import {
  decodePackEnd,
  decodePackTrailer,
  encodePackEnd,
  encodePackHeader,
  packHeaderBytes,
  packTrailerBytes,
} from '../../../src/codec/pack.ts';
import { asBuffer, parsePackId } from '../../../src/model/ids.ts';
import { nameOf, type Operation, parentOf } from './operations.ts';
import { repositoryFolder } from './scene.ts';

export type Plant = (log: readonly Operation[]) => Operation[];

export const plants: Readonly<Record<string, Plant>> = {
  'no fsync of files': (log) => withoutSyncs(log, (path, files) => files.has(path)),
  'no fsync of folders': (log) => withoutSyncs(log, (path, files) => !files.has(path)),
  'snapshot before pack': snapshotBeforePack,
  'old pack deleted before the new one is there': (log) => [...log, ...repack(log, 'delete first')],
  'no temporary files': inPlace,
};

/** A pack written again under another name, and the old one removed: in the right order, or not. */
export function repack(log: readonly Operation[], order: 'right' | 'delete first'): Operation[] {
  const [path, bytes] = lastPack(log);
  const id = parsePackId('feedfacefeedfacefeedfacefeedface');
  const folder = `${repositoryFolder}/packs/fe`;
  const temporary = `${repositoryFolder}/local/tmp/${id}.pack`;
  const removed: Operation[] = [
    { kind: 'remove', path },
    { kind: 'sync', path: parentOf(path) },
  ];
  const published: Operation[] = [
    { kind: 'open', path: temporary, created: true },
    { kind: 'write', path: temporary, position: 0, bytes: renamedPack(bytes, id) },
    { kind: 'sync', path: temporary },
    { kind: 'make-folder', path: folder },
    { kind: 'sync', path: parentOf(folder) },
    { kind: 'rename', from: temporary, to: `${folder}/${id}.pack` },
    { kind: 'sync', path: folder },
  ];
  return order === 'right' ? [...published, ...removed] : [...removed, ...published];
}

function renamedPack(bytes: Buffer, id: ReturnType<typeof parsePackId>): Buffer {
  const trailer = bytes.subarray(-packTrailerBytes);
  const { directoryOffset } = decodePackTrailer(trailer, bytes.length, 'pack');
  const end = bytes.subarray(directoryOffset);
  const directory = decodePackEnd(bytes.subarray(0, packHeaderBytes), end, bytes.length, 'pack');
  return Buffer.concat([
    encodePackHeader(id),
    bytes.subarray(packHeaderBytes, directoryOffset),
    encodePackEnd({ ...directory, id }),
  ]);
}

/** Path and bytes of the pack that came last; it must still be there. */
function lastPack(log: readonly Operation[]): [string, Buffer] {
  const rename = log.findLast((operation) => operation.kind === 'rename' && operation.to.endsWith('.pack'));
  assert.ok(rename?.kind === 'rename');
  assert.ok(!log.some((operation) => operation.kind === 'remove' && operation.path === rename.to));
  const bytes = log.flatMap((operation) =>
    operation.kind === 'write' && operation.path === rename.from ? [operation.bytes] : [],
  );
  return [rename.to, asBuffer(Buffer.concat(bytes))];
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
