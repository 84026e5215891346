import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlobId } from '../../../src/model/ids.ts';
import { inTransaction } from '../../../src/repository/database.ts';
import { checkedBlocks, IndexFileCache } from '../../../src/repository/file-cache.ts';
import { openMemoryIndex } from '../../../src/repository/index-schema.ts';

function contentOf(number: number): BlobId {
  return number.toString(16).padStart(64, '0') as BlobId;
}

function openCache() {
  const database = openMemoryIndex({ repositoryId: '00'.repeat(16), isSealed: false });
  const cache = new IndexFileCache(database, checkedBlocks, () => assert.fail('full'));
  const flush = (): void => inTransaction(database, () => cache.flush());
  return { database, cache, flush };
}

test('digests of blocks are known of the last version, once they were flushed', () => {
  const { cache, flush } = openCache();
  cache.rememberBlockDigests(contentOf(1), Buffer.from('one'), contentOf(0));
  assert.equal(cache.hasPending, true);
  assert.equal(cache.blockDigests(contentOf(1)), undefined);
  flush();
  assert.equal(cache.hasPending, false);
  assert.deepEqual(cache.blockDigests(contentOf(1)), Buffer.from('one'));
  cache.rememberBlockDigests(contentOf(2), Buffer.from('two'), contentOf(1));
  cache.discard();
  flush();
  assert.equal(cache.blockDigests(contentOf(2)), undefined);
  cache.rememberBlockDigests(contentOf(2), Buffer.from('two'), contentOf(1));
  flush();
  assert.equal(cache.blockDigests(contentOf(1)), undefined);
  assert.deepEqual(cache.blockDigests(contentOf(2)), Buffer.from('two'));
});

test('digests of blocks in which a bit has changed are not known', () => {
  const { database, cache, flush } = openCache();
  cache.rememberBlockDigests(contentOf(1), Buffer.alloc(1000, 7), contentOf(0));
  flush();
  const stored = database.prepare('SELECT digests FROM known_digests').pluck().get() as Buffer;
  stored[500] = (stored[500] ?? 0) ^ 1;
  database.prepare('UPDATE known_digests SET digests = ?').run(stored);
  assert.equal(cache.blockDigests(contentOf(1)), undefined);
});

test('digests of blocks are known of a limited number of databases, the last ones', () => {
  const { cache, flush } = openCache();
  for (let number = 1; number <= 100; number++)
    cache.rememberBlockDigests(contentOf(number), Buffer.from(`${number}`), contentOf(1000 + number));
  flush();
  const known = Array.from({ length: 100 }, (_, at) => at + 1).filter((number) =>
    cache.blockDigests(contentOf(number)),
  );
  assert.deepEqual([known.length, known[0]], [64, 37]);
});
