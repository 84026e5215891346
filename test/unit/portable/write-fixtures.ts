/** Snapshots in memory for the tests of the archive writer. */
import { parseBlobId } from '../../../src/model/ids.ts';
import {
  type ByteString,
  byteStringFromLatin1,
  byteStringOf,
  keyOfPath,
  type PathKey,
} from '../../../src/model/paths.ts';
import type { Snapshot, SnapshotSource } from '../../../src/model/snapshot.ts';
import type { ContentReader } from '../../../src/model/store.ts';
import type { FileNode, TreeEntry, TreeNode } from '../../../src/model/tree.ts';
import type { ArchiveSource } from '../../../src/portable/archive-writer.ts';

export const someId = parseBlobId('ab'.repeat(32));
export const mtimeNs = 1_760_000_000_123_456_789n;
const owner = { uid: 1000, gid: 1000 };

/** Folders end with a slash: `{ 'a/': folder(), 'a/b': 'text', link: symlink('a/b') }`. Names are UTF-8 unless `latin1:` is before them. */
export type TreeShape = Readonly<Record<string, string | Uint8Array | TreeNode>>;

export function file(bytes: string | Uint8Array, more: Partial<FileNode> = {}): FileNode {
  const content = { kind: 'inline', bytes: Buffer.from(bytes) } as const;
  const node = { type: 'file', mode: 0o600, mtimeNs, ...owner, state: 'stable', content } as const;
  return { ...node, size: content.bytes.length, ...more };
}

export function folder(mode = 0o700, time = mtimeNs): TreeNode {
  return { type: 'directory', mode, mtimeNs: time, ...owner };
}

export function symlink(target: string): TreeNode {
  return { type: 'symlink', mode: 0o777, mtimeNs, ...owner, linkTarget: bytesOf(target) };
}

function bytesOf(name: string): ByteString {
  const raw = name.startsWith('latin1:') ? name.slice('latin1:'.length) : undefined;
  return raw === undefined ? byteStringOf(name) : byteStringFromLatin1(raw);
}

export function memorySource(
  source: Pick<SnapshotSource, 'kind' | 'path'> & Partial<SnapshotSource>,
  shape: TreeShape,
): ArchiveSource {
  const entries: TreeEntry[] = Object.entries(shape).map(([path, value]) => ({
    key: keyOfPath(bytesOf(path)),
    node: typeof value === 'string' || value instanceof Uint8Array ? file(value) : value,
  }));
  entries.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const byKey = new Map(entries.map((entry) => [entry.key, entry]));
  return {
    source: { root: entries.length > 0 ? someId : null, entries: entries.length, ...source },
    tree: {
      entries: (from = '' as PathKey) => entries.filter((entry) => entry.key >= from),
      getEntry: (key) => byKey.get(key),
    },
  };
}

/** Gives what `file` was given, in small pieces, and reuses their memory as a store may. */
export const memoryContent: ContentReader = {
  *readContent(node) {
    if (node.content.kind !== 'inline') throw new Error('only inline content here');
    const { bytes } = node.content;
    const piece = Buffer.alloc(100_000);
    for (let at = 0; at < bytes.length; at += piece.length) {
      const length = Math.min(piece.length, bytes.length - at);
      piece.set(bytes.subarray(at, at + length));
      yield piece.subarray(0, length);
      piece.fill(0xee);
    }
  },
};

export function snapshotOf(sources: readonly ArchiveSource[], more: Partial<Snapshot> = {}): Snapshot {
  return {
    id: 'cd'.repeat(32) as Snapshot['id'],
    version: 1,
    time: '2026-03-09T00:00:00.000Z',
    sequence: 7,
    parent: null,
    sources: sources.map(({ source }) => source),
    host: { name: 'reef', platform: 'linux', home: '/home/u', user: 'u', users: {}, groups: {} },
    program: { name: 'exuvia', version: '0.1.0', node: 'v24.0.0' },
    components: null,
    include: [],
    exclude: [],
    tags: [],
    message: '',
    reason: 'manual',
    openclaw: { version: '2026.9.6', configPath: '/home/u/.openclaw/openclaw.json' },
    stats: {
      files: 1,
      directories: 1,
      links: 0,
      newFiles: 1,
      changedFiles: 0,
      unchangedFiles: 0,
      removedFiles: 0,
      totalBytes: 1,
      readBytes: 1,
      addedBytes: 1,
      storedBytes: 1,
      durationMs: 1,
    },
    unreadable: [],
    unreadableCount: 0,
    ...more,
  };
}

/** A state folder with every kind of entry that a file system can hold. */
export function variedState(path = '/home/u/.openclaw'): ArchiveSource {
  const long = 'n'.repeat(255);
  return memorySource(
    { kind: 'state', path },
    {
      '': folder(),
      'openclaw.json': '{}\n',
      empty: '',
      'read-only': file('x', { mode: 0o400 }),
      'no-mode': file('x', { mode: 0 }),
      setuid: file('x', { mode: 0o4755 }),
      executable: file('#!/bin/sh\n', { mode: 0o755 }),
      'workspace/': folder(0o755, 1_700_000_000_000_000_000n),
      'workspace/MEMORY.md': file('remember\n', { mode: 0o644, mtimeNs: 1_700_000_001_500_000_000n }),
      'workspace/old': file('before 1970', { mtimeNs: -1_500_000_000n }),
      'workspace/future': file('after 2038', { mtimeNs: 5_000_000_000_000_000_001n }),
      'workspace/line\nfeed': 'name with a line feed',
      'workspace/käse 🦞.md': 'name in UTF-8',
      'latin1:workspace/caf\xe9': 'name that is not UTF-8',
      'latin1:workspace/d\xff/': folder(),
      'latin1:workspace/d\xff/inside': 'in a folder whose name is not UTF-8',
      [`${long}/`]: folder(),
      [`${long}/${long}`]: 'long names',
      'blocks-512': Buffer.alloc(512, 'a'),
      'blocks-513': Buffer.alloc(513, 'b'),
      large: Buffer.alloc(1_500_000, 'large and repeated, '),
      'link-relative': symlink('workspace/MEMORY.md'),
      'link-absolute': symlink('/etc/hostname'),
      'link-dangling': symlink('../../nothing/there'),
      'link-long': symlink(`${'t'.repeat(150)}/x`),
      'link-utf8': symlink('käse'),
      'latin1:link-latin1': symlink('latin1:caf\xe9'),
    },
  );
}
