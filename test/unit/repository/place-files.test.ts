/** What a thread does with a task. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DecodedFrame } from '../../../src/codec/frame.ts';
import { blobIdOf } from '../../../src/codec/hash.ts';
import { byteStringOf } from '../../../src/model/paths.ts';
import type { FilesOfFrames } from '../../../src/repository/frame-threads.ts';
import { placeFiles } from '../../../src/repository/place-files.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

test('placeFiles() puts files in place that begin in one frame and go on in others', (context) => {
  const folder = temporaryFolder(context);
  const random = new Seeded(1);
  const blobs = Array.from({ length: 12 }, () => random.bytes(20_000));
  const decoded: number[] = [];
  const released: DecodedFrame[] = [];
  const frames = {
    decode({ offset }: { readonly offset: number }): DecodedFrame {
      decoded.push(offset);
      return { kind: 'data', blobs: [new Uint8Array(blobs[offset]!)] };
    },
    release: (frame: DecodedFrame) => void released.push(frame),
  };
  const wholes = blobs.slice(1).map((blob) => Buffer.concat([blobs[0]!, blob]));
  const task: FilesOfFrames = {
    frames: blobs.map((_, offset) => ({ do: 'decode', path: '', offset, bytes: 0 })),
    files: wholes.map((whole, index) => ({
      place: {
        path: byteStringOf(join(folder, `f${index}`)),
        temporary: byteStringOf(join(folder, `.t${index}`)),
        attributes: { mode: 0o600, mtime: 0 },
        obsolete: [],
      },
      size: whole.length,
      hash: blobIdOf(whole),
      content: [0, index + 1].map((frame) => ({
        ...{ bytes: 20_000, frame, position: 0 },
        id: blobIdOf(blobs[frame]!),
      })),
    })),
  };
  let steps = 0;
  assert.deepEqual(
    placeFiles(task, frames, () => ++steps > 0),
    [],
  );
  assert.equal(steps, wholes.length);
  for (const [index, whole] of wholes.entries())
    assert.ok(readFileSync(join(folder, `f${index}`)).equals(whole));
  assert.deepEqual(
    decoded,
    blobs.map((_, offset) => offset),
    'and the frame that all begin in is decoded once',
  );
  assert.equal(released.length, decoded.length, 'and the memory of all is free again');
  assert.deepEqual(
    placeFiles(task, frames, () => --steps > 8),
    [2, 3, 4, 5, 6, 7, 8, 9, 10],
    'and none is begun when it is to stop',
  );
});
