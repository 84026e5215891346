import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeFrame } from '../../../src/codec/frame.ts';
import { salvageFrames } from '../../../src/codec/salvage-frames.ts';
import { limits } from '../../../src/model/limits.ts';
import { Seeded } from '../../helpers/seeded.ts';

const content = new Seeded(5).text(50_000);
const frame = encodeFrame('data', [content], { level: 3 });

/** How many frames are found, and how often there was a pause. */
function salvage(...parts: readonly Buffer[]): { frames: number; pauses: number } {
  const found = [...salvageFrames(Buffer.concat(parts))];
  const frames = found.filter((one) => one !== undefined);
  for (const { blobs } of frames)
    assert.ok(blobs.length === 1 && content.equals(blobs[0] ?? Buffer.alloc(0)));
  return { frames: frames.length, pauses: found.length - frames.length };
}

/** Claims all that it may, and is no zstd. */
function falseFrame(): Buffer {
  const bytes = Buffer.alloc(40);
  bytes.write('XFRM', 'latin1');
  bytes.writeUInt32LE(28, 4);
  bytes.writeUInt8(1, 12);
  bytes.writeUInt32LE(limits.frameRawBytesMax, 16);
  return bytes;
}

describe('salvageFrames()', () => {
  test('finds frames between anything else, whatever their checksum says', () => {
    const wrong = Buffer.from(frame);
    wrong.writeUInt32LE(1, 8);
    assert.deepEqual(
      salvage(Buffer.from('XFRMXFR'), wrong, Buffer.from('junk'), frame, frame.subarray(0, 99)),
      {
        frames: 2,
        pauses: 0,
      },
    );
  });

  test('passes by a frame whose content is damaged, and finds the next', () => {
    const damaged = Buffer.from(frame);
    damaged.fill(0xff, 2000);
    assert.deepEqual(salvage(damaged, frame), { frames: 1, pauses: 0 });
  });

  test('pauses where there are many false frames, and ends where there are more than damage can make', () => {
    const most = Math.floor(limits.salvageFailedBytesMax / (limits.frameRawBytesMax + 64 * 1024 + 28));
    const falseFrames = (count: number) => Array.from({ length: count }, falseFrame);
    assert.deepEqual(salvage(...falseFrames(most), frame), { frames: 1, pauses: most >> 8 });
    assert.deepEqual(salvage(...falseFrames(most + 1), frame), { frames: 0, pauses: most >> 8 });
  });
});
