/** What is run and recorded. A new command that changes a repository is one more entry of the table. */
import { rmSync } from 'node:fs';
import { Seeded } from '../../helpers/seeded.ts';
import { Scene } from './scene.ts';

export const runs: Readonly<Record<string, (scene: Scene) => void>> = {
  'create first': (scene) => {
    for (let index = 0; index < 24; index++) writeOne(scene, index);
    scene.write('workspace/long.bin', scene.random.bytes(300_000));
    scene.changeDatabase(60);
    scene.run(['backup', 'create', '--quiet']);
  },
  'create later': (scene) => {
    changeSome(scene);
    scene.run(['backup', 'create', '--quiet']);
  },
  'create with full packs': (scene) => {
    changeSome(scene);
    scene.write('workspace/large.bin', scene.random.bytes(fullPacksBytes));
    scene.run(['backup', 'create', '--quiet']);
    scene.remove('workspace/large.bin');
  },
  'create unchanged': (scene) => {
    scene.run(['backup', 'create', '--quiet']);
  },
  import: (scene) => {
    changeSome(scene);
    const archive = `${scene.home}-export.tar.gz`;
    const exported = scene.pickSnapshot();
    scene.runUnrecorded(['backup', 'export', exported, archive]);
    scene.run(['backup', 'import', archive, '--quiet'], { stored: scene.copies.get(exported) });
    rmSync(archive);
  },
  forget: (scene) => {
    const snapshot = scene.pickForgettable();
    if (snapshot !== undefined) scene.run(['backup', 'forget', snapshot, '--quiet']);
  },
  'forget by rule': (scene) => {
    scene.run(['backup', 'forget', '--keep-last', '2', '--quiet']);
  },
  'create, killed': (scene) => {
    changeSome(scene);
    scene.runKilled(['backup', 'create', '--quiet'], 40);
  },
  'first create, killed': (scene) => {
    writeOne(scene, 1);
    scene.runKilled(['backup', 'create', '--quiet'], 30);
  },
  'first create, killed before the repository is durable': (scene) => {
    scene.run(['backup', 'create', '--quiet'], { stopAfter: 'rename /exuvia-repository.json' });
  },
  'create, killed before its pack is durable': (scene) => {
    changeSome(scene);
    scene.run(['backup', 'create', '--quiet'], { stopAfter: 'rename .pack' });
  },
  'forget, killed before it is durable': (scene) => {
    const snapshot = scene.pickForgettable();
    if (snapshot === undefined) return;
    scene.run(['backup', 'forget', snapshot, '--quiet'], { stopAfter: 'remove /snapshots/' });
  },
  'tag, killed before the old one is gone': (scene) => {
    const words = ['backup', 'tag', scene.pickSnapshot(), '--add', 'twice', '--quiet'];
    scene.run(words, { replaces: true, stopAfter: 'sync /snapshots' });
  },
  'tag, killed': (scene) => {
    scene.runKilled(['backup', 'tag', scene.pickSnapshot(), '--add', 'killed', '--quiet'], 12, {
      replaces: true,
    });
  },
  'forget, killed': (scene) => {
    const snapshot = scene.pickForgettable();
    if (snapshot !== undefined) scene.runKilled(['backup', 'forget', snapshot, '--quiet'], 10);
  },
  prune: (scene) => {
    scene.run(['backup', 'prune', '--max-unused', '0', '--quiet']);
  },
  'prune, killed': (scene) => {
    scene.runKilled(['backup', 'prune', '--max-unused', '0', '--quiet'], 30);
  },
  repair: (scene) => {
    scene.damage();
    scene.runRepair();
    scene.run(['backup', 'create', '--quiet']);
  },
  tag: (scene) => {
    scene.run(['backup', 'tag', scene.pickSnapshot(), '--add', `t${scene.random.below(99)}`, '--quiet'], {
      replaces: true,
    });
  },
  pin: (scene) => {
    scene.run(['backup', 'pin', scene.pickSnapshot(), '--quiet'], { replaces: true });
  },
  purge: (scene) => {
    scene.run(['backup', 'purge', `workspace/d${scene.random.below(4)}/*.txt`, '--quiet'], {
      replaces: true,
    });
  },
  'restore in place': (scene) => {
    changeSome(scene);
    scene.runRestore(['backup', 'restore', scene.pickSnapshot(), '--delete', '--quiet']);
  },
  'restore without a snapshot': (scene) => {
    changeSome(scene);
    scene.runRestore(['backup', 'restore', scene.pickSnapshot(), '--no-snapshot', '--quiet']);
  },
};

/** More than two packs, so that one is written to disk while the next is filled, and threads compress. */
const fullPacksBytes = 36 * 1024 * 1024;

function writeOne(scene: Scene, index: number): void {
  const { random } = scene;
  const bytes = index % 5 === 0 ? random.below(60) : 500 + random.below(9000);
  scene.write(`workspace/d${index % 4}/${index}.txt`, random.text(bytes));
}

function changeSome(scene: Scene): void {
  const { random } = scene;
  for (let count = 0; count < 6; count++) writeOne(scene, random.below(28));
  scene.remove(`workspace/d1/${1 + 4 * random.below(6)}.txt`);
  if (random.below(2) === 0) scene.changeDatabase(5);
}

const later = Object.keys(runs).filter((name) => !name.startsWith('first') && name !== 'create first');

/** A first backup, perhaps after one that was killed, and `count` runs drawn by `seed`. */
export function drawHistory(seed: number, count: number): string[] {
  const random = new Seeded(seed);
  const drawn = Array.from({ length: count }, () => later[random.below(later.length)] ?? '');
  return [
    ...(random.below(2) === 0 ? ['first create, killed'] : []),
    'create first',
    'create later',
    ...drawn,
  ];
}

/** Carries out the runs of these names. */
export function recordHistory(folder: string, seed: number, names: readonly string[]): Scene {
  const scene = new Scene(folder, seed);
  for (const name of names) {
    const run = runs[name];
    if (run === undefined) throw new Error(`No such run: ${name}`);
    run(scene);
  }
  return scene;
}
