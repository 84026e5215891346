/** A million states that a power cut may leave, of runs drawn at random. */
import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../helpers/temporary.ts';
import { explore } from './power-cut/explore.ts';
import { drawHistory, recordHistory } from './power-cut/histories.ts';
import { recordedAsIs, unrecordable } from './power-cut/recordable.ts';

const statesMin = 1_000_000;
const historiesMin = 20;

test('a million states after power cuts hold all that was promised', { skip: unrecordable }, (context) => {
  const folder = realpathSync(temporaryFolder(context));
  const sum = { histories: 0, operations: 0, states: 0, different: 0, judgingMs: 0 };
  for (let seed = 1; sum.states < statesMin || sum.histories < historiesMin; seed++) {
    const place = join(folder, `${seed}`);
    mkdirSync(place);
    const names = drawHistory(seed, 8);
    const scene = recordHistory(place, seed, names);
    recordedAsIs(scene);
    const startMs = performance.now();
    const found = explore(scene.log, { seed, subsets: 2000 });
    sum.judgingMs += performance.now() - startMs;
    assert.deepEqual(found.found, [], `seed ${seed}: ${names.join(', ')}`);
    sum.histories++;
    sum.operations += found.operations;
    sum.states += found.states;
    sum.different += found.different;
    rmSync(place, { recursive: true });
  }
  const perSecond = Math.round((sum.states / sum.judgingMs) * 1000);
  context.diagnostic(`${JSON.stringify(sum)}, ${perSecond} states a second`);
});
