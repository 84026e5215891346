/** The program itself on some hundred of the states that a power cut may leave, without any `local/`. */
import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../helpers/temporary.ts';
import { explore } from './power-cut/explore.ts';
import { drawHistory, recordHistory } from './power-cut/histories.ts';
import { judgeByProgram } from './power-cut/real-judge.ts';
import { unrecordable } from './power-cut/recordable.ts';

const histories = 10;
const samplesEach = 20;

test('the program lists, restores and goes on after a power cut', { skip: unrecordable }, (context) => {
  const folder = realpathSync(temporaryFolder(context));
  let restored = 0;
  for (let seed = 101; seed <= 100 + histories; seed++) {
    const place = join(folder, `${seed}`);
    mkdirSync(place);
    const names = drawHistory(seed, 4);
    const scene = recordHistory(place, seed, names);
    const { samples } = explore(scene.log, { seed, subsets: 100, samples: samplesEach });
    for (const [number, sample] of samples.entries()) {
      const wrong = judgeByProgram(sample, scene, join(place, `sample-${number}`));
      assert.deepEqual(wrong, [], `seed ${seed}: ${names.join(', ')}`);
      restored += sample.promises.acknowledged.size;
    }
    rmSync(place, { recursive: true });
  }
  context.diagnostic(`${histories * samplesEach} states, ${restored} snapshots restored`);
});
