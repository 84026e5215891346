/** Folders that hold nothing that is wanted are passed over; what is wanted is found all the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PathKey } from '../../../src/model/paths.ts';
import { pathOfKey } from '../../../src/model/paths.ts';
import { wantedEntries } from '../../../src/restorer/wanted-entries.ts';
import { openTree, TreeBuilder } from '../../../src/tree/tree.ts';
import { compileGlobs } from '../../../src/walker/globs.ts';
import { MemoryStore } from '../../helpers/memory-store.ts';

const common = { mode: 0o700, uid: 0, gid: 0, mtimeNs: 0n };

/** Forty folders of two hundred files, of names that sort right behind one another. */
function buildTree(store: MemoryStore): ReturnType<typeof openTree> {
  const keys = new Map<string, 'directory' | 'file'>([['', 'directory']]);
  for (let folder = 0; folder < 40; folder++) {
    for (const name of [`d${folder}`, `d${folder}\u0001`]) {
      keys.set(name, 'directory');
      for (let file = 0; file < 100; file++) keys.set(`${name}\0f${file}`, 'file');
    }
  }
  const builder = new TreeBuilder(store);
  for (const key of [...keys.keys()].sort()) {
    const content = { kind: 'inline', bytes: Buffer.from(key.slice(0, 60)) } as const;
    if (keys.get(key) === 'directory') builder.add(key as PathKey, { type: 'directory', ...common });
    else
      builder.add(key as PathKey, {
        ...{ type: 'file', ...common, size: content.bytes.length, content, state: 'stable' },
      });
  }
  return openTree(store, builder.finish());
}

for (const [globs, isPart] of [
  [['d7/f3'], true],
  [['d7\u0001/f3', 'd39/*'], true],
  [['d1*/f99'], true],
  [['/d0'], true],
  [['nothing/here'], true],
  [['f3'], false],
  [['**/f3'], false],
] as const) {
  test(`wantedEntries() finds ${JSON.stringify(globs)}${isPart ? ' without reading all' : ''}`, () => {
    const store = new MemoryStore();
    const tree = buildTree(store);
    const { matches, mayContain } = compileGlobs(globs);
    const wanted = (key: PathKey, type: string): boolean => matches(pathOfKey(key), type === 'directory');
    const all = [...tree.entries()];
    const expected = all.filter(({ key, node }) => wanted(key, node.type)).map(({ key }) => key);
    let seen = 0;
    const counted = {
      *entries(from?: PathKey) {
        for (const entry of tree.entries(from)) {
          seen++;
          yield entry;
        }
      },
    };
    const found = wantedEntries(counted, { wanted, mayHold: (folder) => mayContain(pathOfKey(folder)) });
    assert.deepEqual(
      [...found].map(({ key }) => key),
      expected,
    );
    assert.equal(seen < all.length, isPart);
  });
}
