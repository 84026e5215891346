/** What was lost on its way to the disk is told, and what cannot be begun does no harm. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BackgroundSync } from '../../../src/io/background-sync.ts';
import { FileSystemError } from '../../../src/model/errors.ts';
import { ArchiveFile } from '../../../src/portable/write-output.ts';
import { loseBytes } from '../../helpers/lost-bytes.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

async function untilDone(sync: BackgroundSync): Promise<void> {
  assert.ok(sync.isRunning);
  while (sync.isRunning) await new Promise(setImmediate);
  assert.ok(sync.isDone);
}

function fileIn(context: TestContext): string {
  const path = join(temporaryFolder(context), 'file');
  writeFileSync(path, 'bytes');
  return path;
}

test('BackgroundSync goes on, and can be begun again', async (context) => {
  const sync = new BackgroundSync(fileIn(context));
  assert.ok(!sync.isRunning && !sync.isDone);
  for (let round = 0; round < 2; round++) {
    sync.begin();
    assert.ok(!sync.isDone);
    await untilDone(sync);
    assert.equal(sync.error, undefined);
  }
});

test('the first loss is told, whatever comes later', async (context) => {
  const sync = new BackgroundSync(fileIn(context));
  const stop = loseBytes(context);
  sync.begin();
  await untilDone(sync);
  const { error } = sync;
  assert.match(String(error), /EIO/);
  stop();
  sync.begin();
  await untilDone(sync);
  assert.equal(sync.error, error);
});

test('where the file cannot be opened once more, nothing is done and nothing said', (context) => {
  const sync = new BackgroundSync(join(temporaryFolder(context), 'not there'));
  sync.begin();
  assert.ok(!sync.isRunning && !sync.isDone && sync.error === undefined);
});

const piece = Buffer.alloc(1 << 20, 'x');

function writePieces(file: ArchiveFile, count: number): void {
  for (let done = 0; done < count; done++) file.write(piece);
}

test('an archive whose first bytes were lost is not written to its end', async (context) => {
  const path = join(temporaryFolder(context), 'archive');
  using file = new ArchiveFile(path, 'unique', false);
  loseBytes(context);
  const writeMuch = async (): Promise<void> => {
    for (let done = 0; done < 3000; done++) {
      file.write(piece);
      await new Promise(setImmediate); // the loss is heard of between two calls
    }
  };
  await assert.rejects(writeMuch, FileSystemError);
  assert.throws(() => file.publish(false), FileSystemError);
});

test('an archive that is longer than what is synced at a time is written whole', async (context) => {
  const folder = temporaryFolder(context);
  mkdirSync(join(folder, 'below'));
  const path = join(folder, 'below', 'archive');
  using file = new ArchiveFile(path, 'unique', false);
  for (let round = 0; round < 3; round++) {
    writePieces(file, 64);
    await new Promise(setImmediate);
  }
  assert.match(file.publish(false), /^[0-9a-f]{64}$/);
  assert.ok(readFileSync(path).equals(Buffer.alloc(192 << 20, 'x')));
});
