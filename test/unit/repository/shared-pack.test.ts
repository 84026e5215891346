/** Frames of a pack that several threads prove: each goes to one of them, and none is left without an answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blobIdOf, blobProof } from '../../../src/codec/hash.ts';
import type { PackedFrame } from '../../../src/codec/pack.ts';
import { DamageError } from '../../../src/model/errors.ts';
import { idBytes, idToBytes } from '../../../src/model/ids.ts';
import { proveNextFrame, provePack } from '../../../src/repository/prove-pack.ts';
import { SharedPack, sharedDirectory } from '../../../src/repository/shared-pack.ts';
import { listed } from '../../helpers/listed.ts';
import { Seeded } from '../../helpers/seeded.ts';

const random = new Seeded(11);
/** Blobs of seven frames: one, two, … of them. */
const contents = Array.from({ length: 7 }, (_, frame) =>
  Array.from({ length: frame + 1 }, (_, blob) => random.bytes(10 * frame + blob)),
);
const frames = contents.map(
  (blobs, number): PackedFrame => ({
    offset: 100 * number,
    bytes: 90 + number,
    kind: number % 2 === 0 ? 'data' : 'tree',
    blobs: blobs.map((bytes) => ({ id: blobIdOf(bytes), bytes: bytes.length })),
  }),
);

/** What would be decoded, by where it is. */
const decoding = {
  decode: ({ offset }: { offset: number }) => ({
    kind: frames[offset / 100]!.kind,
    blobs: contents[offset / 100]!,
  }),
  release: () => undefined,
};
const goesOn = () => true;

function sharedPack(): [SharedPack, SharedPack] {
  const parts = { path: 'pack', memory: sharedDirectory({ frames: frames.map(listed) }) };
  return [new SharedPack(parts), new SharedPack(parts)];
}

test('a shared pack says of each frame what the directory says, and gives it once', () => {
  const takers = sharedPack();
  const taken = frames.map((_, turn) => takers[turn % 2]!.take()!);
  assert.deepEqual(
    taken.map(({ number }) => number),
    [0, 1, 2, 3, 4, 5, 6],
  );
  for (const { number, firstBlob, blobs, ...fields } of taken) {
    const { blobs: packed, ...wanted } = frames[number]!;
    assert.deepEqual(fields, wanted);
    assert.equal(blobs, packed.length);
    for (const [position, { id, bytes }] of packed.entries()) {
      assert.equal(takers[1].lengthOf(firstBlob + position), bytes);
      const at = idBytes * (firstBlob + position);
      assert.deepEqual([...takers[1].ids.subarray(at, at + idBytes)], [...idToBytes(id)]);
    }
  }
  assert.ok(takers.every((pack) => pack.isTaken && pack.take() === undefined));
});

test('what one finds in a frame of a shared pack the others see', () => {
  const [one, other] = sharedPack();
  const first = one.take()!;
  provePack(other, undefined, decoding, goesOn);
  assert.deepEqual([other.stateOf(first.number), Atomics.load(one.doneCount, 0)], ['open', 6]);
  one.note(first.number, 'unproven');
  assert.deepEqual(
    frames.map((_, number) => other.stateOf(number)),
    ['unproven', 'sound', 'sound', 'sound', 'sound', 'sound', 'sound'],
  );
  assert.equal(Atomics.load(other.doneCount, 0), 7);
});

test('a frame that is not as listed, or cannot be decoded, is unproven, and the others are proven', () => {
  const [pack] = sharedPack();
  provePack(
    pack,
    undefined,
    {
      ...decoding,
      decode: (task) => {
        const { kind, blobs } = decoding.decode(task);
        const number = task.offset / 100;
        if (number === 1) throw new DamageError('frame', 'cut short');
        if (number === 3) return { kind, blobs: blobs.toReversed() };
        if (number === 4) return { kind, blobs: blobs.slice(1) };
        if (number === 5) return { kind: 'data', blobs };
        return { kind, blobs };
      },
    },
    goesOn,
  );
  assert.deepEqual(
    frames.map((_, number) => pack.stateOf(number)),
    ['sound', 'unproven', 'sound', 'unproven', 'unproven', 'unproven', 'sound'],
  );
});

test('a frame that was taken is answered for also when something else fails', () => {
  const [pack] = sharedPack();
  const failing = {
    ...decoding,
    decode: () => {
      throw new Error('a bug');
    },
  };
  assert.throws(() => proveNextFrame(pack, blobProof(undefined), failing), /a bug/);
  assert.equal(pack.stateOf(0), 'unproven');
});
