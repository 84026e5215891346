/** Repositories that somebody crafted: refused or told as damage, in bounded time and memory, with nothing outside touched. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { ByteWriter } from '../../src/codec/bytes.ts';
import { blobIdOf } from '../../src/codec/hash.ts';
import { encodeListInner, encodeListLeaf } from '../../src/codec/map-codec.ts';
import {
  backupStats,
  checkRepository,
  diffBackups,
  ExuviaError,
  exportBackup,
  grepBackups,
  listBackups,
  listFiles,
  logPath,
  pruneRepository,
  purgePaths,
  repairRepository,
  restoreBackup,
  showBackup,
  verifyBackup,
} from '../../src/index.ts';
import type { BlobId } from '../../src/model/ids.ts';
import type { FileContent, TreeNode } from '../../src/model/tree.ts';
import { buildRecord } from '../helpers/records.ts';
import { CraftedRepository, file, folder, link } from './crafted-repository.ts';
import { Fence } from './fence.ts';

const timeMs = 20_000;
const memoryBytes = 700 * 1024 * 1024;

interface Attack {
  /** What it tries. */
  readonly name: string;
  readonly craft: (made: CraftedRepository, fence: Fence) => void;
  /** What at least one of the commands says, or what the restored target has in it; neither where it is simply harmless. */
  readonly told?: RegExp;
  /** A file that is as long as files may be, all of it readable: what reads all of it is as slow as for an honest one. */
  readonly isLong?: boolean;
}

const node = (content: FileContent, size: number): TreeNode => ({ ...file(''), content, size }) as TreeNode;

function one(name: string, key: string, value: TreeNode | Buffer = file('evil')): Attack {
  return {
    name: `a key ${name}`,
    craft: (made) =>
      made.snapshot(
        made.leaf([
          ['', folder],
          [key, value],
        ]),
      ),
    told: /a key that is no path|keys are not in order/,
  };
}

/** Nodes that stand in many places: of n levels with f children, f^n entries from n × f nodes. */
function blowUp(made: CraftedRepository): BlobId {
  const names = Array.from({ length: 40 }, (_, index) => `k${String(index).padStart(2, '0')}`);
  let below = names.map((name) => made.leaf([[name, file('x')]]));
  for (let level = 1; level < 16; level++) {
    below = names.map((_, index) =>
      made.inner(
        level,
        names.slice(0, index + 1).map((name, at) => [name, below[at] as BlobId]),
      ),
    );
  }
  return below.at(-1) as BlobId;
}

function listBomb(made: CraftedRepository, levels: number, leaf: { bytes: number; id: BlobId }): TreeNode {
  let child = leaf;
  for (let level = 1; level <= levels; level++) {
    const children = Array.from({ length: 16 }, () => child);
    child = { bytes: child.bytes * 16, id: made.blob('tree', encodeListInner(level, children)) };
  }
  const hash = '0'.repeat(64) as BlobId;
  return node({ kind: 'list', profile: 0, root: child.id, hash }, child.bytes);
}

const attacks: readonly Attack[] = [
  one('of a parent', '..\0evil'),
  one('of parents', '..\0..\0outside\0x'),
  one('of a parent alone', '..'),
  one('of a dot', '.'),
  one('with a slash', 'a/../../../outside/x'),
  one('that is absolute', '/outside/x'),
  one('with an empty part', 'a\0\0b'),
  one('that ends empty', 'a\0'),
  one('of a parent inside', 'a\0..\0..\0evil'),
  {
    name: 'keys out of order',
    craft: (made) =>
      made.snapshot(
        made.leaf([
          ['b', file('x')],
          ['a', file('x')],
        ]),
      ),
    told: /not in order/,
  },
  {
    name: 'a key twice, first as a link',
    craft: (made, fence) =>
      made.snapshot(
        made.leaf([
          ['l', link(fence.outside)],
          ['l', folder],
          ['l\0x', file('evil')],
        ]),
      ),
    told: /not in order/,
  },
  {
    name: 'a file below a link',
    craft: (made, fence) =>
      made.snapshot(
        made.leaf([
          ['', folder],
          ['l', link(fence.outside)],
          ['l\0x', file('evil')],
        ]),
      ),
    told: /symbolic link/,
  },
  {
    name: 'a file below a link to a folder inside',
    craft: (made) =>
      made.snapshot(
        made.leaf([
          ['', folder],
          ['d', folder],
          ['l', link('d')],
          ['l\0x', file('evil')],
        ]),
      ),
    told: /symbolic link/,
  },
  {
    name: 'a file below a file',
    craft: (made) =>
      made.snapshot(
        made.leaf([
          ['', folder],
          ['f', file('x')],
          ['f\0x', file('evil')],
        ]),
      ),
    told: /not a folder/,
  },
  {
    name: 'a file without its folder',
    craft: (made) =>
      made.snapshot(
        made.leaf([
          ['', folder],
          ['f\0x', file('evil')],
        ]),
      ),
    told: /no such file or folder/,
  },
  {
    name: 'a root that is a link',
    craft: (made, fence) =>
      made.snapshot(
        made.leaf([
          ['', link(fence.outside)],
          ['x', file('evil')],
        ]),
      ),
  },
  {
    name: 'nodes that repeat, as more entries than can be read',
    craft: (made) => made.snapshot(blowUp(made)),
    told: /begins before the node before it ends/,
  },
  {
    name: 'nodes of the wrong level',
    craft: (made) => made.snapshot(made.inner(3, [['a', made.leaf([['a', file('x')]])]])),
    told: /is of level 0, want 2/,
  },
  {
    name: 'a child that does not end where its parent says',
    craft: (made) => made.snapshot(made.inner(1, [['z', made.leaf([['a', file('x')]])]])),
    told: /does not end where its parent says/,
  },
  {
    name: 'a node of level 200',
    craft: (made) => made.snapshot(made.blob('tree', new ByteWriter().u8(0x4d).u8(200).varint(1).finish())),
    told: /level 200/,
  },
  {
    name: 'a node of 2^50 entries',
    craft: (made) =>
      made.snapshot(
        made.blob(
          'tree',
          new ByteWriter()
            .u8(0x4d)
            .u8(0)
            .varint(2 ** 50)
            .finish(),
        ),
      ),
    told: /1125899906842624 entries/,
  },
  {
    name: 'a value longer than its node',
    craft: (made) =>
      made.snapshot(
        made.blob(
          'tree',
          new ByteWriter()
            .u8(0x4d)
            .u8(0)
            .varint(1)
            .varint(0)
            .varint(1)
            .u8(97)
            .varint(2 ** 40)
            .finish(),
        ),
      ),
    told: /too early/,
  },
  {
    name: 'a node that is a data blob',
    craft: (made) => made.snapshot(made.blob('data', Buffer.from('no node at all'))),
    told: /starts with/,
  },
  {
    name: 'a root that is not there',
    craft: (made) => made.snapshot(blobIdOf(Buffer.from('?'))),
    told: /no readable pack|no pack holds it/,
  },
  {
    name: 'a value that is no node',
    craft: (made) =>
      made.snapshot(
        made.leaf([
          ['', folder],
          ['a', Buffer.from([9, 9, 9])],
        ]),
      ),
    told: /Damaged entry a/,
  },
  {
    name: 'an owner beyond 32 bits',
    craft: (made) =>
      made.snapshot(
        made.leaf([
          ['', folder],
          ['a', { ...file('x'), uid: 2 ** 40 }],
        ]),
      ),
    told: /owner 1099511627776/,
  },
  {
    name: 'a time that no file can have',
    craft: (made) =>
      made.snapshot(
        made.leaf([
          ['', folder],
          ['a', { ...file('x'), mtimeNs: 4_000_000_000_000_000n * 1_000_000_000n }],
        ]),
      ),
  },
  {
    name: 'a file of holes, 16 TiB long',
    craft: (made) => {
      const hash = '0'.repeat(64) as BlobId;
      made.snapshot(
        made.leaf([
          ['', folder],
          ['a', node({ kind: 'chunks', chunks: [{ bytes: 2 ** 44, id: undefined }], hash }, 2 ** 44)],
        ]),
      );
    },
    told: /bytes are needed/,
    isLong: true,
  },
  {
    name: 'a list whose nodes repeat: 2^44 bytes of one chunk',
    craft: (made) => {
      const id = made.blob('data', Buffer.alloc(65_536, 'x'));
      const leaf = made.blob('tree', encodeListLeaf([{ bytes: 65_536, id }]));
      made.snapshot(
        made.leaf([
          ['', folder],
          ['a', listBomb(made, 7, { bytes: 65_536, id: leaf })],
        ]),
      );
    },
    told: /bytes are needed/,
    isLong: true,
  },
  {
    name: 'a list whose sizes do not add up',
    craft: (made) => {
      const id = made.blob('data', Buffer.alloc(100, 'x'));
      const leaf = made.blob('tree', encodeListLeaf([{ bytes: 100, id }]));
      const hash = '0'.repeat(64) as BlobId;
      made.snapshot(
        made.leaf([
          ['', folder],
          ['a', node({ kind: 'list', profile: 0, root: leaf, hash }, 500)],
        ]),
      );
    },
    told: /describes 100 bytes, want 500/,
  },
  {
    name: 'a list that has itself for a child',
    craft: (made) => {
      // Ids are hashes, so the best that can be had is a node with another under the same name in a later pack.
      const hash = '0'.repeat(64) as BlobId;
      const leaf = made.blob('tree', encodeListInner(1, [{ bytes: 10, id: hash }]));
      made.snapshot(
        made.leaf([
          ['', folder],
          ['a', node({ kind: 'list', profile: 0, root: leaf, hash }, 10)],
        ]),
      );
    },
    told: /no readable pack|no pack holds it/,
  },
  {
    name: 'a whole-file hash that is another',
    craft: (made) => {
      const id = made.blob('data', Buffer.alloc(100, 'x'));
      const hash = '0'.repeat(64) as BlobId;
      made.snapshot(
        made.leaf([
          ['', folder],
          ['a', node({ kind: 'chunks', chunks: [{ bytes: 100, id }], hash }, 100)],
        ]),
      );
    },
    told: /hash is not that of the file/,
  },
  {
    name: 'a blob shorter than its file',
    craft: (made) =>
      made.snapshot(
        made.leaf([
          ['', folder],
          ['a', node({ kind: 'blob', id: made.blob('data', Buffer.from('x')) }, 5)],
        ]),
      ),
    told: /is 1 bytes, want 5/,
  },
  {
    name: 'pages of a list that is too short',
    craft: (made) =>
      made.snapshot(
        made.leaf([
          ['', folder],
          ['a', pages(made, 2 ** 40, 1)],
        ]),
      ),
    told: /bytes in units of 512|says nothing of unit/,
  },
  {
    name: 'layers of pages beyond the file',
    craft: (made) => {
      const page = made.blob('data', Buffer.alloc(512, 'p'));
      const layer = new ByteWriter()
        .u8(0x50)
        .varint(2)
        .varint(1_000_000)
        .id(page)
        .varint(2 ** 40)
        .id(page)
        .finish();
      made.snapshot(
        made.leaf([
          ['', folder],
          ['a', pages(made, 1024, 2, [made.blob('tree', layer)])],
        ]),
      );
    },
  },
  {
    name: 'a layer of 2^40 pages',
    craft: (made) => {
      const layer = made.blob(
        'tree',
        new ByteWriter()
          .u8(0x50)
          .varint(2 ** 40)
          .finish(),
      );
      made.snapshot(
        made.leaf([
          ['', folder],
          ['a', pages(made, 1024, 2, [layer])],
        ]),
      );
    },
    told: /1099511627776 changes/,
  },
  {
    name: 'a list of pages that names 131,072 segments',
    craft: (made) => {
      const segment = Buffer.alloc(32 * 1024);
      const base = Buffer.alloc(4 * 1024 * 1024);
      const id = Buffer.from(made.blob('tree', segment), 'hex');
      for (let at = 0; at < base.length; at += 32) id.copy(base, at);
      const hash = '0'.repeat(64) as BlobId;
      const content: FileContent = {
        kind: 'pages',
        unitBytes: 512,
        base: made.blob('tree', base),
        layers: [],
        hash,
      };
      made.snapshot(
        made.leaf([
          ['', folder],
          ['a', node(content, 512 * 1024 * 1024)],
        ]),
      );
    },
    told: /no readable pack|no pack holds it/,
  },
  {
    name: 'sources called .. and .',
    craft: (made) => {
      const root = made.leaf([
        ['', folder],
        ['evil', file('evil')],
        ['x', file('evil')],
      ]);
      const source = (path: string) => ({ path, kind: 'folder', root, entries: 3 }) as const;
      made.snapshot([source('/data/..'), source('/data/.'), source('/'), source('..'), source('/a/../..')]);
    },
  },
  {
    name: 'a source whose path has a zero byte',
    craft: (made) => made.snapshot([{ path: '/data/\0x', kind: 'folder', root: null, entries: 0 }]),
    told: /no valid \\?"sources/,
  },
  {
    name: '100,000 sources',
    craft: (made) =>
      made.snapshot(
        Array.from(
          { length: 100_000 },
          () => ({ path: '/d', kind: 'folder', root: null, entries: 0 }) as const,
        ),
      ),
    told: /no valid \\?"sources|lengths do not add up/,
  },
  {
    name: '500 sources of one name',
    craft: (made) => {
      const root = made.leaf([['', folder]]);
      made.snapshot(
        Array.from({ length: 500 }, () => ({ path: '/d', kind: 'folder', root, entries: 1 }) as const),
      );
    },
  },
  {
    name: 'a record whose numbers are texts',
    craft: (made) =>
      made.writeSnapshot({ ...buildRecord({}), stats: { ...buildRecord({}).stats, newFiles: 'many' } }),
    told: /no valid \\?"stats/,
  },
  {
    name: 'a record whose version is a number',
    craft: (made) => made.writeSnapshot({ ...buildRecord({}), openclaw: { version: 5 } }),
    told: /no valid \\?"openclaw/,
  },
  { name: 'a record that is a list', craft: (made) => made.writeSnapshot([]), told: /not an object/ },
  {
    name: 'a record with __proto__',
    craft: (made) => made.writeSnapshot(JSON.parse('{"__proto__": {"version": 1}, "version": 1}')),
    told: /no valid/,
  },
  {
    name: 'snapshots that replace one another in a circle',
    craft: (made) => {
      const a = made.snapshot(null);
      made.snapshot(null, { replaces: a, original: a });
    },
  },
  {
    name: 'control characters in names and messages',
    craft: (made) =>
      made.snapshot(
        made.leaf([
          ['', folder],
          ['\x1b]0;evil\x07', file('x')],
          ['\xc2\x9b31m', file('x')],
        ]),
        { message: '\x1b[2J', tags: ['\x1b[2J'] },
      ),
  },
  {
    name: 'a very deep tree',
    craft: (made) => {
      const key = Array.from({ length: 4000 }, () => 'd').join('\0');
      made.snapshot(
        made.leaf([
          ['', folder],
          [key, folder],
        ]),
      );
    },
    told: /too long|no such file/,
  },
  {
    name: 'frames that claim 8 MiB each, 60 times',
    craft: (made) => {
      const frames = Array.from({ length: 60 }, (_, index) => {
        const blobs = [0, 1].map((half) => {
          const bytes = Buffer.alloc(4 * 1024 * 1024 - 8);
          bytes.writeUInt32LE(index * 2 + half);
          return bytes;
        });
        return { kind: 'data' as const, blobs };
      });
      made.packOf(frames);
      made.snapshot(made.leaf([['', folder]]));
    },
  },
];

function pages(
  made: CraftedRepository,
  size: number,
  units: number,
  layers: readonly BlobId[] = [],
): TreeNode {
  const page = Buffer.from(made.blob('data', Buffer.alloc(512, 'p')), 'hex');
  const segment = made.blob('tree', Buffer.concat(Array.from({ length: units }, () => page)));
  const base = made.blob('tree', Buffer.from(segment, 'hex'));
  return node({ kind: 'pages', unitBytes: 512, base, layers, hash: '0'.repeat(64) as BlobId }, size);
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one)) ?? 'nothing';
}

/** What each command says of the repository: its error, or what it reports. Other errors than ours are bugs. */
async function sayings(fence: Fence, repository: string, isLong: boolean): Promise<string[]> {
  const { environment, target } = fence;
  const place = { repository };
  const said: string[] = [];
  const attempt = async (
    name: string,
    open: readonly string[],
    work: () => Promise<unknown>,
  ): Promise<void> => {
    const startedMs = performance.now();
    try {
      said.push(`${name}: ${jsonOf(await fence.guard([repository, fence.scratch, ...open], work))}`);
    } catch (error) {
      assert.ok(
        error instanceof ExuviaError,
        `${name}: ${error instanceof Error ? error.stack : String(error)}`,
      );
      said.push(`${name}: ${error.message}`);
    }
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < timeMs, `${name} took ${Math.round(tookMs)} ms`);
  };
  await attempt('list', [], () => listBackups(environment, place));
  await attempt('show', [], () => showBackup(environment, place, 'latest'));
  await attempt(
    'ls',
    [],
    async () => (await listFiles(environment, { ...place, recursive: true }, 'latest', '')).entries.length,
  );
  await attempt('stats', [], () => backupStats(environment, place));
  await attempt('check', [], () => checkRepository(environment, { ...place, readData: true }, []));
  await attempt('verify', [], () => verifyBackup(environment, place, 'latest'));
  await attempt('diff', [], () => diffBackups(environment, { ...place, content: true }, 'latest', './home/'));
  if (!isLong) await attempt('grep', [], () => grepBackups(environment, { ...place }, 'x'));
  await attempt('log', [], () => logPath(environment, place, 'a'));
  await attempt('restore', [target], () => restoreBackup(environment, { ...place, target }, 'latest'));
  await attempt('restore dry', [], () =>
    restoreBackup(environment, { ...place, dryRun: true, target: `${target}2` }, 'latest'),
  );
  if (!isLong)
    await attempt('export', [fence.at('inner/x.tar')], () =>
      exportBackup(environment, place, 'latest', { path: fence.at('inner/x.tar') }),
    );
  await attempt('prune', [], () => pruneRepository(environment, { ...place, dryRun: true }));
  await attempt('prune', [], () => pruneRepository(environment, place));
  await attempt('purge', [], () => purgePaths(environment, place, ['**/x']));
  await attempt('repair', [], () => repairRepository(environment, place));
  await attempt('check again', [], () => checkRepository(environment, place, []));
  return said;
}

describe('a crafted repository with', () => {
  for (const { name, craft, told, isLong = false } of attacks) {
    test(name, async () => {
      using fence = new Fence();
      const made = new CraftedRepository(fence.at('repository'));
      craft(made, fence);
      made.pack();
      const said = await sayings(fence, made.root, isLong);
      if (told !== undefined) assert.match(said.join('\n'), told);
      assert.ok(process.memoryUsage().rss < memoryBytes, `${process.memoryUsage().rss} bytes of memory`);
    });
  }
});

describe('check names a map node in a place that is not its own', () => {
  /** A leaf of two entries, which can only stand where nothing is before. */
  const both = (made: CraftedRepository): BlobId =>
    made.leaf([
      ['', folder],
      ['x', file('x')],
    ]);
  const only = (made: CraftedRepository): BlobId => made.leaf([['', folder]]);
  const crafts: Readonly<Record<string, (made: CraftedRepository) => BlobId>> = {
    'after the leaf before it': (made) =>
      made.inner(1, [
        ['', only(made)],
        ['x', both(made)],
      ]),
    'first below an inner node, after the end of another': (made) =>
      made.inner(2, [
        ['', made.inner(1, [['', only(made)]])],
        ['x', made.inner(1, [['x', both(made)]])],
      ]),
    'before what is in it': (made) =>
      made.inner(1, [
        ['w', both(made)],
        ['z', made.leaf([['z', file('z')]])],
      ]),
  };
  for (const [name, craft] of Object.entries(crafts)) {
    test(name, async () => {
      using fence = new Fence();
      const { environment } = fence;
      const made = new CraftedRepository(fence.at('repository'));
      const place = { repository: made.root };
      const sound = made.snapshot(both(made));
      const crafted = made.snapshot(craft(made));
      made.pack();
      const checked = await checkRepository(environment, place, []);
      assert.equal(checked.isSound, false);
      assert.deepEqual(
        checked.findings.map(({ step, severity, snapshot, path, entries }) => ({
          ...{ step, severity, snapshot, path, entries },
        })),
        [
          {
            ...{ step: 'trees', severity: 'damage', snapshot: crafted },
            ...{ path: name.startsWith('before') ? 'w' : 'x', entries: 1 },
          },
        ],
      );
      const wrongPlace = /begins before the node before it ends|does not end where its parent says/;
      assert.match(checked.findings[0]?.message ?? '', wrongPlace);
      const { replaced } = await repairRepository(environment, place);
      assert.deepEqual(
        replaced.map(({ before, lostCount }) => [before, lostCount]),
        [[crafted, 1]],
      );
      assert.equal((await checkRepository(environment, place, [])).isSound, true);
      const { target } = fence;
      assert.deepEqual((await restoreBackup(environment, { ...place, target }, sound)).failures, []);
    });
  }
});

describe('the folder local/ of a strange repository', () => {
  const repository = (fence: Fence): CraftedRepository => {
    const made = new CraftedRepository(fence.at('repository'));
    made.snapshot(made.leaf([['', folder]]));
    made.pack();
    return made;
  };
  const useAll = async ({ environment }: Fence, made: CraftedRepository): Promise<void> => {
    const place = { repository: made.root };
    assert.equal((await listBackups(environment, place)).snapshots.length, 1);
    await checkRepository(environment, { ...place, readData: true }, []);
    await pruneRepository(environment, place);
  };
  const database = (path: string): void => {
    const opened = new Database(path);
    opened.exec("CREATE TABLE precious (v); INSERT INTO precious VALUES ('mine')");
    opened.close();
  };

  for (const name of ['local', 'local/tmp']) {
    test(`is not followed where ${name} is a link`, async () => {
      using fence = new Fence();
      const made = repository(fence);
      fence.put('outside/tmp/1-precious/x', 'mine');
      if (name !== 'local') mkdirSync(join(made.root, 'local'));
      symlinkSync(fence.outside, join(made.root, name));
      await fence.guard([made.root, fence.scratch], () => useAll(fence, made));
    });
  }

  for (const name of ['index.sqlite', 'locks.sqlite', 'maintenance.sqlite', 'index.sqlite-journal']) {
    test(`writes nothing through a link called ${name}`, async () => {
      using fence = new Fence();
      const made = repository(fence);
      database(fence.at('outside/mine.sqlite'));
      mkdirSync(join(made.root, 'local'));
      symlinkSync(fence.at('outside/mine.sqlite'), join(made.root, 'local', name));
      await fence.guard([made.root, fence.scratch], () => useAll(fence, made));
    });
  }
});
