// Speed and ratio of our DEFLATE beside node:zlib at levels 1 and 6. Usage: node bench/deflate/main.ts [file …]
// Prints one JSON object. Each figure is the best of several rounds, interleaved.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { GzipWriter } from '../../src/codec/deflate/gzip.ts';
import { ParallelGzipWriter } from '../../src/codec/deflate/parallel-gzip.ts';
import { inputOf } from '../../test/unit/codec/deflate-inputs.ts';

const rounds = 5;
const bytes = 64 * 1024 * 1024;
const files = process.argv.slice(2);
const inputs: [string, Buffer][] =
  files.length > 0
    ? files.map((file) => [basename(file), readFileSync(file)])
    : (['text', 'jsonl', 'mixed', 'random'] as const).map((kind) => [kind, inputOf(kind, bytes)]);

type Compress = (input: Buffer) => number | Promise<number>;

const tools: Record<string, Compress> = {
  exuvia: (input) => {
    let length = 0;
    const writer = new GzipWriter((part) => {
      length += part.length;
    });
    writer.write(input);
    writer.finish();
    return length;
  },
  exuviaThreads: async (input) => {
    let length = 0;
    await using writer = new ParallelGzipWriter((part) => {
      length += part.length;
    });
    for (let at = 0; at < input.length; at += 65_536) {
      writer.write(input.subarray(at, at + 65_536));
      await writer.drained();
    }
    await writer.finish();
    return length;
  },
  zlib1: (input) => gzipSync(input, { level: 1 }).length,
  zlib6: (input) => gzipSync(input, { level: 6 }).length,
};

const results = [];
for (const [name, input] of inputs) {
  const best: Record<string, { mbPerSecond: number; ratio: number }> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [tool, compress] of Object.entries(tools)) {
      if (tool === 'zlib6' && round > 0) continue;
      const started = performance.now();
      const length = await compress(input);
      const mbPerSecond = Math.round(input.length / (performance.now() - started) / 1000);
      const ratio = Math.round((1000 * input.length) / length) / 1000;
      best[tool] = { mbPerSecond: Math.max(mbPerSecond, best[tool]?.mbPerSecond ?? 0), ratio };
    }
  }
  results.push({ input: name, bytes: input.length, ...best });
}

const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim();
const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
console.log(JSON.stringify({ bench: 'deflate', commit, machine, results }, null, 2));
