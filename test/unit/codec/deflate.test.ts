import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gunzipSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { GzipWriter, gzipBytes } from '../../../src/codec/deflate/gzip.ts';
import { ParallelGzipWriter } from '../../../src/codec/deflate/parallel-gzip.ts';
import {
  deflateEnd,
  dictionaryBytesMax,
  PieceCutter,
  PieceKernel,
  pieceBytesMax,
  windowBytesMax,
} from '../../../src/codec/deflate/pieces.ts';
import { type InputKind, inputKinds, inputOf, seededRandom } from './deflate-inputs.ts';

/** Compresses what comes after the first `dictionaryBytes`. The result is valid until the next call. */
function createPieceCompressor(): (window: Uint8Array, dictionaryBytes: number) => Uint8Array {
  const kernel = new PieceKernel();
  return (window, dictionaryBytes) => {
    kernel.window.set(window, dictionaryBytesMax - dictionaryBytes);
    return kernel.compress(window.length - dictionaryBytes, dictionaryBytes);
  };
}

const sizes = [0, 1, 2, 3, 4, 7, 8, 9, 15, 257, 258, 259, 65_535, 65_536, 65_537, 300_001];

function hasCommand(name: string, ...args: string[]): boolean {
  return spawnSync(name, args, { stdio: 'ignore' }).status === 0;
}

describe('gzipBytes()', () => {
  for (const kind of inputKinds) {
    it(`gives back ${kind} of every size`, () => {
      for (const bytes of sizes) {
        const input = inputOf(kind, bytes);
        assert.ok(gunzipSync(gzipBytes(input)).equals(input), `${kind} of ${bytes} bytes`);
      }
    });
  }

  it('gives back inputs that end at, before and after the end of a piece', () => {
    for (const bytes of [pieceBytesMax - 1, pieceBytesMax, pieceBytesMax + 1, 2 * pieceBytesMax]) {
      const input = inputOf('mixed', bytes);
      assert.ok(gunzipSync(gzipBytes(input)).equals(input), `${bytes} bytes`);
    }
  });

  // What comes again is found late, in the long steps that noise is searched in, and reaches back further than one match may be.
  for (const seed of [1, 2, 3, 4]) {
    it(`gives back noise that comes again after any distance (seed ${seed})`, () => {
      const random = seededRandom(seed);
      for (let count = 0; count < 40; count++) {
        const period = 1 + (random() % dictionaryBytesMax);
        const input = Buffer.alloc(100_000 + (random() % 100_000), inputOf('random', period, random()));
        assert.ok(gunzipSync(gzipBytes(input)).equals(input), `${input.length} bytes, again after ${period}`);
      }
    });
  }

  it('is read by gzip, and by zlib in Python', (context) => {
    const input = inputOf('mixed', 2 * pieceBytesMax + 12_345);
    const packed = gzipBytes(input);
    const judges: string[][] = [
      ['gzip', '-dc'],
      ['python3', '-c', 'import sys,gzip; sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))'],
    ];
    for (const [name = '', ...args] of judges) {
      if (!hasCommand(name, '--version')) {
        context.diagnostic(`${name} is not installed`);
        continue;
      }
      const result = spawnSync(name, args, { input: packed, maxBuffer: 2 ** 26 });
      assert.equal(result.status, 0, result.stderr.toString());
      assert.ok(result.stdout.equals(input), name);
    }
  });

  it('gives the vectors, byte for byte', () => {
    const vectors = JSON.parse(
      readFileSync(new URL('../../golden/deflate/vectors.json', import.meta.url), 'utf8'),
    ) as {
      kind: InputKind;
      seed: number;
      bytes: number;
      inputSha256: string;
      gzipBytes: number;
      gzipSha256: string;
    }[];
    assert.ok(vectors.length >= 20);
    for (const vector of vectors) {
      const input = inputOf(vector.kind, vector.bytes, vector.seed);
      assert.equal(sha256(input), vector.inputSha256, `input ${vector.kind} ${vector.bytes}`);
      const packed = gzipBytes(input);
      assert.equal(packed.length, vector.gzipBytes);
      assert.equal(sha256(packed), vector.gzipSha256, `${vector.kind} ${vector.bytes}`);
    }
  });

  it('costs at most 5 bytes in 64 KiB, and a few, for what cannot be compressed', () => {
    for (const bytes of [1, 100, 65_536, 3_000_000]) {
      const allowed = bytes + 5 * Math.ceil(bytes / 65_000) + 5 * Math.ceil(bytes / pieceBytesMax) + 25;
      assert.ok(gzipBytes(inputOf('random', bytes)).length <= allowed, `${bytes} bytes`);
    }
  });

  it('compresses at least as well as zlib at level 1 would', () => {
    assert.ok(gzipBytes(inputOf('zeros', pieceBytesMax)).length < 3_000);
    assert.ok(gzipBytes(inputOf('farRepeats', pieceBytesMax)).length < 45_000);
    assert.ok(gzipBytes(inputOf('nibbles', pieceBytesMax)).length < pieceBytesMax * 0.55);
    assert.ok(gzipBytes(inputOf('jsonl', pieceBytesMax)).length < pieceBytesMax * 0.4);
  });
});

describe('GzipWriter', () => {
  it('gives the same bytes however its input is cut', () => {
    const input = inputOf('mixed', 2 * pieceBytesMax + 777);
    const random = seededRandom(9);
    const parts: Buffer[] = [];
    const writer = new GzipWriter((bytes) => parts.push(Buffer.from(bytes)));
    for (let at = 0; at < input.length; ) {
      const part = input.subarray(at, at + (random() % 100_000));
      writer.write(part);
      at += part.length;
    }
    writer.finish();
    assert.ok(Buffer.concat(parts).equals(gzipBytes(input)));
  });

  it('does not depend on what was compressed before', () => {
    const compress = createPieceCompressor();
    const input = inputOf('text', 5_003);
    const first = Buffer.from(compress(input, 0));
    for (const kind of inputKinds) {
      compress(inputOf(kind, pieceBytesMax), 0);
      assert.ok(first.equals(compress(input, 0)), `after ${kind}`);
      compress(inputOf(kind, pieceBytesMax + dictionaryBytesMax), dictionaryBytesMax);
      assert.ok(first.equals(compress(input, 0)), `after ${kind} with a dictionary`);
    }
  });
});

describe('PieceKernel', () => {
  it('gives back any bytes after any dictionary', () => {
    const compress = createPieceCompressor();
    // Few different values and repeated parts: matches of all lengths, at all places.
    const piece = fc
      .array(
        fc.oneof(
          fc.uint8Array({ maxLength: 40 }),
          fc.uint8Array({ maxLength: 300, max: 3 }),
          fc
            .tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 400 }))
            .map(([unit, times]) => new Uint8Array(Buffer.alloc(unit.length * times, unit))),
        ),
        { maxLength: 12 },
      )
      .map((parts) => Buffer.concat(parts));
    fc.assert(
      fc.property(piece, piece, (dictionary, input) => {
        const window = Buffer.concat([dictionary, input]);
        const packed = Buffer.concat([compress(window, dictionary.length), deflateEnd]);
        const options = dictionary.length > 0 ? { dictionary } : {};
        assert.ok(inflateRawSync(packed, options).equals(input));
      }),
      { numRuns: 400 },
    );
  });

  it('finds matches in the dictionary', () => {
    const dictionary = inputOf('random', dictionaryBytesMax);
    const packed = createPieceCompressor()(Buffer.concat([dictionary, dictionary]), dictionaryBytesMax);
    assert.ok(packed.length < 600, `${packed.length} bytes`);
  });
});

describe('PieceCutter', () => {
  it('emits full pieces with the 32 KiB before them', () => {
    const seen: [number, number][] = [];
    const cutter = new PieceCutter(new Uint8Array(windowBytesMax), (window, bytes, dictionaryBytes) => {
      seen.push([bytes, dictionaryBytes]);
      return window;
    });
    for (let written = 0; written < 2 * pieceBytesMax; written += 4096) cutter.write(new Uint8Array(4096));
    cutter.flush();
    cutter.write(new Uint8Array(10));
    cutter.flush();
    assert.deepEqual(seen, [
      [pieceBytesMax, 0],
      [pieceBytesMax, dictionaryBytesMax],
      [10, dictionaryBytesMax],
    ]);
  });
});

describe('ParallelGzipWriter', () => {
  it('gives the same bytes as GzipWriter, with any number of threads', async () => {
    const input = inputOf('mixed', 6 * pieceBytesMax + 999);
    const wanted = gzipBytes(input);
    for (const [threads, inlinePieces] of [
      [0, 0],
      [1, 0],
      [3, 0],
      [2, 4],
      [2, 100],
    ] as const) {
      const parts: Buffer[] = [];
      await using writer = new ParallelGzipWriter((bytes) => parts.push(Buffer.from(bytes)), {
        threads,
        inlinePieces,
      });
      for (let at = 0; at < input.length; at += 70_000) {
        writer.write(input.subarray(at, at + 70_000));
        await writer.drained();
      }
      await writer.finish();
      assert.ok(Buffer.concat(parts).equals(wanted), `${threads} threads, ${inlinePieces} pieces here`);
    }
  });

  it('gives the same bytes where the caller does pieces instead of waiting', async () => {
    const input = inputOf('mixed', 9 * pieceBytesMax + 5);
    const parts: Buffer[] = [];
    await using writer = new ParallelGzipWriter((bytes) => parts.push(Buffer.from(bytes)), {
      threads: 1,
      expectedBytes: 2 ** 40,
    });
    let done = 0;
    for (let at = 0; at < input.length; at += pieceBytesMax) {
      writer.write(input.subarray(at, at + pieceBytesMax));
      while (writer.doSome()) done++;
      await writer.drained();
    }
    await writer.finish();
    assert.ok(Buffer.concat(parts).equals(gzipBytes(input)));
    assert.ok(done > 0, 'while the thread starts, pieces are done here'); // it takes longer than the first of them
    assert.equal(writer.doSome(), false);
  });

  it('reports an error of the receiver', async () => {
    let calls = 0;
    await using writer = new ParallelGzipWriter(
      () => {
        if (++calls > 2) throw new Error('no space');
      },
      { threads: 1, inlinePieces: 0 },
    );
    writer.write(inputOf('text', 3 * pieceBytesMax));
    await assert.rejects(writer.finish(), /no space/);
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
