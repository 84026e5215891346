/** The file cache, checked and sealed, against a map: all remember the same, whatever is done to them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PathKey } from '../../../src/model/paths.ts';
import type { KnownFile } from '../../../src/model/store.ts';
import { type Database, inTransaction } from '../../../src/repository/database.ts';
import { checkedBlocks, IndexFileCache } from '../../../src/repository/file-cache.ts';
import { openIndexDatabase, openMemoryIndex } from '../../../src/repository/index-schema.ts';
import { LocalSeal } from '../../../src/repository/local-seal.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

interface Side {
  readonly database: Database;
  readonly cache: IndexFileCache;
}

function open(isSealed: boolean, random: Seeded, key = 7): Side {
  const database = openMemoryIndex({ repositoryId: '00'.repeat(16), isSealed });
  const seal = new LocalSeal(Buffer.alloc(32, key), (count) => random.bytes(count));
  const cache = new IndexFileCache(database, isSealed ? seal : checkedBlocks, () => assert.fail('full'));
  return { database, cache };
}

function flush({ database, cache }: Side): void {
  inTransaction(database, () => cache.flush());
}

function rowsOf(cache: IndexFileCache, source: string): string[] {
  return [...cache.known(source)].map(lineOf);
}

function lineOf({ key, fingerprint, node }: KnownFile): string {
  return [Buffer.from(key, 'latin1'), Buffer.from(fingerprint), Buffer.from(node)]
    .map((part) => part.toString('hex'))
    .join(' ');
}

function fileOf(random: Seeded, key: string): KnownFile {
  return { key: key as PathKey, fingerprint: random.bytes(8), node: random.bytes(1 + random.below(40)) };
}

test('IndexFileCache remembers what a map remembers, checked or sealed', () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = new Seeded(seed);
    const sides = [open(false, random), open(true, random)];
    const model = new Map<string, Map<string, KnownFile>>(
      ['/a', '/b', '/none'].map((source) => [source, new Map()]),
    );
    for (let round = 0; round < 12; round++) {
      const changes: (() => void)[] = [];
      for (let count = random.below(900); count > 0; count--) {
        const source = random.below(3) === 0 ? '/b' : '/a';
        const key = random.below(50) === 0 ? '' : `k${random.below(2000)}\xff`;
        const file = random.below(4) === 0 ? undefined : fileOf(random, key);
        for (const { cache } of sides) {
          if (file === undefined) cache.forget(source, key as PathKey);
          else cache.remember(source, file);
        }
        const rows = model.get(source) as Map<string, KnownFile>;
        changes.push(() => (file === undefined ? rows.delete(key) : rows.set(key, file)));
      }
      if (random.below(6) === 0) for (const { cache } of sides) cache.discard();
      else for (const change of changes) change();
      for (const side of sides) flush(side);
      if (random.below(4) === 0) {
        const isKept = (node: Uint8Array): boolean => (node[0] ?? 0) % 3 !== 0;
        for (const { database, cache } of sides) inTransaction(database, () => cache.dropUnless(isKept));
        for (const rows of model.values())
          for (const [key, { node }] of rows) if (!isKept(node)) rows.delete(key);
      }
      for (const [source, rows] of model) {
        const wanted = [...rows.values()].sort((a, b) => (a.key < b.key ? -1 : 1)).map(lineOf);
        for (const { cache } of sides)
          assert.deepEqual(rowsOf(cache, source), wanted, `seed ${seed}, round ${round}`);
      }
    }
  }
});

test('what was said last of a file counts, also when it is said at once', () => {
  const random = new Seeded(3);
  const side = open(false, random);
  const [first, second, other] = ['k1', 'k1', 'k2'].map((key) => fileOf(random, key));
  side.cache.remember('/a', first!);
  side.cache.remember('/a', second!);
  side.cache.remember('/a', other!);
  flush(side);
  assert.deepEqual(rowsOf(side.cache, '/a'), [second!, other!].map(lineOf));
  side.cache.remember('/a', first!);
  side.cache.forget('/a', first!.key);
  flush(side);
  assert.deepEqual(rowsOf(side.cache, '/a'), [lineOf(other!)]);
});

test('IndexFileCache goes on in order when rows are flushed during the walk', () => {
  const random = new Seeded(3);
  const side = open(true, random);
  const keys = Array.from({ length: 2000 }, (_, index) => `k${String(index).padStart(5, '0')}`);
  for (const key of keys) side.cache.remember('/a', fileOf(random, key));
  flush(side);
  const seen: string[] = [];
  for (const { key } of side.cache.known('/a')) {
    seen.push(key);
    side.cache.remember('/a', fileOf(random, `${key}+`));
    if (seen.length % 100 === 0) flush(side);
  }
  assert.deepEqual(
    seen.filter((key) => !key.endsWith('+')),
    keys,
  );
  assert.deepEqual(seen, seen.toSorted());
});

test('with another key nothing is known, and nothing fails', () => {
  const random = new Seeded(4);
  const side = open(true, random);
  for (let index = 0; index < 500; index++) side.cache.remember('/a', fileOf(random, `k${index}`));
  flush(side);
  const seal = new LocalSeal(Buffer.alloc(32, 9), (count) => random.bytes(count));
  const other = new IndexFileCache(side.database, seal, () => assert.fail('full'));
  assert.deepEqual(rowsOf(other, '/a'), []);
  const tables = side.database.prepare('SELECT source, head, rows FROM known_block').raw().all();
  const text = Buffer.concat((tables as Buffer[][]).flat());
  assert.equal(text.includes('k123'), false);
});

test('a block in which a bit has changed is not known, and the others are', () => {
  const random = new Seeded(5);
  const side = open(false, random);
  for (let index = 0; index < 500; index++)
    side.cache.remember('/a', fileOf(random, `k${String(index).padStart(3, '0')}`));
  flush(side);
  const whole = rowsOf(side.cache, '/a');
  const blocks = side.database.prepare('SELECT no, rows FROM known_block').raw().all() as [number, Buffer][];
  const put = side.database.prepare('UPDATE known_block SET rows = ? WHERE no = ?');
  const [no, rows] = blocks[1]!;
  for (let at = 0; at < rows.length; at += 97) {
    const flipped = Buffer.from(rows);
    flipped[at] = flipped[at]! ^ (1 << (at % 8));
    put.run(flipped, no);
    const left = rowsOf(side.cache, '/a');
    assert.ok(left.length < whole.length && left.length > 200, `${left.length} rows`);
    assert.ok(left.every((row) => whole.includes(row)));
  }
});

test('an index that was of an encrypted repository is not taken for a plain one', (context) => {
  const path = join(temporaryFolder(context), 'local', '..', 'index.sqlite');
  const options = { repositoryId: '11'.repeat(16), nowMs: 0 };
  openIndexDatabase(path, { ...options, isSealed: true }).close();
  openIndexDatabase(path, { ...options, isSealed: true }).close();
  assert.throws(() => openIndexDatabase(path, { ...options, isSealed: false }), /was encrypted/);
});
