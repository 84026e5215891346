/** What a power cut may leave: a short slice of it; the long one is power-cut.slow.ts. */
import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryFolder } from '../helpers/temporary.ts';
import { type Exploration, explore } from './power-cut/explore.ts';
import { recordHistory } from './power-cut/histories.ts';
import type { Operation } from './power-cut/operations.ts';
import { plants } from './power-cut/plants.ts';
import { judgeByProgram } from './power-cut/real-judge.ts';
import { recordedAsIs, unrecordable } from './power-cut/recordable.ts';
import type { Scene } from './power-cut/scene.ts';

const options = { skip: unrecordable };

function assertNoViolations(found: Exploration): void {
  assert.deepEqual(found.found, []);
}

test('every state a power cut leaves of a run has all that was promised', options, (context) => {
  const names = ['create first', 'create later', 'import', 'tag', 'forget', 'prune', 'create later'];
  const scene = recordHistory(realpathSync(temporaryFolder(context)), 11, [...names, 'restore in place']);
  recordedAsIs(scene);
  const found = explore(scene.log, { seed: 1, subsets: 30, samples: 4 });
  context.diagnostic(`${found.operations} operations, ${found.states} states, ${found.different} different`);
  assertNoViolations(found);
  assert.ok(found.states > 2000, 'there is something to judge');
  judgeSamples(found, scene, realpathSync(temporaryFolder(context)));
});

test(
  'packs that are written to disk while the next is filled are there before anything needs them',
  options,
  (context) => {
    const folder = realpathSync(temporaryFolder(context));
    const scene = recordHistory(folder, 14, [
      'create first',
      'create with full packs',
      'create later',
      'prune',
    ]);
    recordedAsIs(scene);
    const renamed = scene.log.filter((one) => one.kind === 'rename' && one.to.endsWith('.pack'));
    assert.ok(renamed.length >= 5, `${renamed.length} packs`);
    assertNoViolations(explore(scene.log, { seed: 4, subsets: 30 }));
  },
);

test('a run that is killed and a power cut after the next one', options, (context) => {
  const names = [
    'first create, killed before the repository is durable',
    'create first',
    'create, killed before its pack is durable',
    'create unchanged',
    'tag, killed before the old one is gone',
    'tag',
    'forget, killed before it is durable',
    'prune',
  ];
  const scene = recordHistory(realpathSync(temporaryFolder(context)), 13, names);
  recordedAsIs(scene);
  assertNoViolations(explore(scene.log, { seed: 3, subsets: 30 }));
});

test('planted bugs are found, and nothing is found without them', options, (context) => {
  const names = [
    'create first',
    'create later',
    'create later',
    'forget by rule',
    'prune',
    'restore in place',
  ];
  const { log } = recordHistory(realpathSync(temporaryFolder(context)), 12, names);
  assertNoViolations(explore(log, { seed: 2, subsets: 30 }));
  assert.deepEqual(Object.keys(plants), [
    'no fsync of files',
    'no fsync of folders',
    'snapshot before pack',
    'packs deleted before what replaces them is there',
    'no temporary files',
  ]);
  for (const [name, plant] of Object.entries(plants)) {
    const planted: readonly Operation[] = plant(log);
    const { counts } = explore(planted, { seed: 2, subsets: 30 });
    context.diagnostic(`${name}: ${JSON.stringify(Object.fromEntries(counts))}`);
    assert.ok(counts.size > 0, `${name} is not found`);
  }
});

function judgeSamples(found: Exploration, scene: Scene, folder: string): void {
  for (const [number, sample] of found.samples.entries()) {
    assert.deepEqual(judgeByProgram(sample, scene, `${folder}/${number}`), []);
  }
}
