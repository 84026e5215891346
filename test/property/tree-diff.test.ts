import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeNode } from '../../src/codec/node-codec.ts';
import { diffTrees } from '../../src/diff/tree-diff.ts';
import { byteStringOf, keyOfPath, type PathKey } from '../../src/model/paths.ts';
import type { TreeNode } from '../../src/model/tree.ts';
import { TreeBuilder } from '../../src/tree/tree.ts';
import { MemoryStore } from '../helpers/memory-store.ts';

const common = { uid: 1, gid: 1 };
const content = fc.oneof(
  fc.constantFrom('', 'a', 'the same in several places, again and again'),
  fc.string({ minLength: 1, maxLength: 60 }),
  fc
    .array(fc.constantFrom('one line\n', 'another line\n', 'a third line\n'), { maxLength: 30 })
    .map((lines) => lines.join('')),
);
const node = fc.oneof(
  fc.record({ text: content, mode: fc.constantFrom(0o600, 0o644), time: fc.constantFrom(1n, 2n) }),
  fc.record({ target: fc.constantFrom('x', 'y'), time: fc.constantFrom(1n, 2n) }),
);
const name = fc.constantFrom('a', 'b', 'c', 'long-name', 'd e');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const tree = fc.dictionary(path, node, { maxKeys: 40 });

type Described = { text: string; mode: number; time: bigint } | { target: string; time: bigint };

/** Files at paths below which there are others are left out: a path is a file or a folder. */
function nodesOf(store: MemoryStore, described: Readonly<Record<string, Described>>): Map<PathKey, TreeNode> {
  const paths = Object.keys(described).filter(
    (one) => !Object.keys(described).some((other) => other.startsWith(`${one}/`)),
  );
  const nodes = new Map<PathKey, TreeNode>();
  const folder: TreeNode = { type: 'directory', mode: 0o700, mtimeNs: 0n, ...common };
  nodes.set('' as PathKey, folder);
  for (const one of paths) {
    const parts = one.split('/');
    for (let depth = 1; depth < parts.length; depth++)
      nodes.set(key(parts.slice(0, depth).join('/')), folder);
    const value = described[one];
    if (value !== undefined) nodes.set(key(one), nodeOf(store, value));
  }
  return nodes;
}

const key = (one: string): PathKey => keyOfPath(byteStringOf(one));

function nodeOf(store: MemoryStore, value: Described): TreeNode {
  const base = { mtimeNs: value.time, ...common };
  if ('target' in value)
    return { type: 'symlink', mode: 0o777, linkTarget: byteStringOf(value.target), ...base };
  const bytes = Buffer.from(value.text);
  const file = { type: 'file', mode: value.mode, size: bytes.length, state: 'stable', ...base } as const;
  if (bytes.length <= 64) return { ...file, content: { kind: 'inline', bytes } };
  return { ...file, content: { kind: 'blob', id: store.writeBlob('data', bytes) } };
}

function rootOf(store: MemoryStore, nodes: ReadonlyMap<PathKey, TreeNode>) {
  const builder = new TreeBuilder(store);
  for (const [one, value] of [...nodes].sort(([a], [b]) => (a < b ? -1 : 1))) builder.add(one, value);
  return builder.finish();
}

const described = (nodes: ReadonlyMap<PathKey, TreeNode>): string[] =>
  [...nodes].map(([one, value]) => `${one} ${Buffer.from(encodeNode(value)).toString('hex')}`).sort();

test('diffTrees(): applying what it says to A gives B, for any two trees', () => {
  fc.assert(
    fc.property(tree, tree, (a, b) => {
      const store = new MemoryStore();
      const before = nodesOf(store, a as Record<string, Described>);
      const after = nodesOf(store, b as Record<string, Described>);
      const changes = diffTrees({ blobs: store }, rootOf(store, before), rootOf(store, after));
      const applied = new Map(before);
      for (const change of changes) {
        if (change.kind === 'removed') applied.delete(change.key);
        if (change.kind === 'renamed' && change.fromKey !== undefined) applied.delete(change.fromKey);
      }
      for (const { kind, key: at, after: now } of changes)
        if (kind !== 'removed' && now !== undefined) applied.set(at, now);
      assert.deepEqual(described(applied), described(after));
      // Nothing is said of what is the same.
      for (const { before: old, after: now } of changes) {
        if (old !== undefined && now !== undefined) {
          const isMoved = changes.some(({ kind, after: one }) => kind === 'renamed' && one === now);
          assert.ok(isMoved || !Buffer.from(encodeNode(old)).equals(encodeNode(now)));
        }
      }
    }),
    { numRuns: 300, seed: 7 },
  );
});
