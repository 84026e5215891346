import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FrameCache } from '../../../src/repository/frame-cache.ts';
import { runCli } from '../../helpers/cli.ts';
import { compareFolders } from '../../helpers/compare-folders.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

function frame(kind: 'data' | 'tree'): { readonly kind: 'data' | 'tree'; readonly blobs: Uint8Array[] } {
  const memory = new Uint8Array(200_000);
  return { kind, blobs: [memory.subarray(0, 50_000), memory.subarray(50_000)] };
}

for (const areContentsDone of [false, true]) {
  const what = areContentsDone
    ? 'gives back the memory of contents'
    : 'leaves what it drops to whoever has it';
  test(`FrameCache ${what}`, () => {
    const cache = new FrameCache(500_000);
    cache.areContentsDone = areContentsDone;
    const frames = [frame('data'), frame('tree'), frame('data'), frame('data')];
    for (const [number, one] of frames.entries()) cache.set(`${number}`, one);
    assert.deepEqual(
      frames.map((_, number) => cache.has(`${number}`)),
      [false, false, true, true],
    );
    const lengths = frames.map(({ blobs }) => blobs[1]?.length);
    assert.deepEqual(lengths, [areContentsDone ? 0 : 150_000, 150_000, 150_000, 150_000]);
  });
}

for (const [how, words] of [
  ['plain', []],
  ['encrypted', ['--encrypt']],
] as const) {
  test(`more is restored and checked than the cache of frames holds: ${how}`, (context) => {
    const home = temporaryFolder(context);
    const source = join(home, 'source');
    mkdirSync(source);
    for (let file = 0; file < 40; file++) {
      // Frames that compress and frames that do not, and files that are in several of them.
      const bytes = randomBytes(700_000 + file);
      writeFileSync(join(source, `random-${file}`), bytes);
      writeFileSync(join(source, `text-${file}`), bytes.toString('hex'));
    }
    const env = { EXUVIA_REPOSITORY: join(home, 'repository'), EXUVIA_PASSPHRASE: 'a passphrase' };
    const run = (...all: readonly string[]): void => {
      const { status, stderr } = runCli(['backup', ...all, '--quiet'], { home, env });
      assert.equal(status, 0, stderr);
    };
    run('create', '--source', source, ...words);
    run('restore', 'latest', '--target', join(home, 'restored'));
    assert.deepEqual(compareFolders(source, join(home, 'restored')), []);
    run('check', '--read-data');
  });
}
