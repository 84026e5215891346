/** Archives go both ways between Exuvia and `openclaw backup`. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compareFolders } from '../helpers/compare-folders.ts';
import { officiallyRestored } from '../helpers/real-openclaw.ts';
import { compareHomes } from './compare-homes.ts';
import { touchedFolders } from './snapshots.ts';
import type { World } from './world.ts';

/** What Exuvia exports, OpenClaw verifies and restores. */
export function exportToOpenClaw(world: World): void {
  const { openclaw, checkpoints } = world;
  const archive = world.path('exported.tar.gz');
  world.measured('backup export', () => world.mustExuvia(['backup', 'export', 'latest', archive]));
  world.noteSize(archive);
  openclaw.mustRun(['backup', 'verify', archive]);
  const verified = world.measured('openclaw backup verify', () =>
    openclaw.mustRun(['backup', 'verify', archive, '--json']),
  ).json;
  assert.ok(verified.ok && verified.assetCount === 1);
  world.note(`openclaw backup verify: ${verified.entryCount} entries, ${verified.symlinkCount} links`);
  const target = world.path('official-restore');
  const restored = openclaw.mustRun(['backup', 'restore', archive, '--target', target, '--json']).json;
  assert.ok(restored.ok);
  const found = officiallyRestored(target, restored.archiveRoot, openclaw.stateDir);
  const last = checkpoints.at(-1);
  assert.ok(last !== undefined);
  const { differences, files } = compareHomes(last.copy, found, { leftOut: last.leftOut, touchedFolders });
  assert.deepEqual(differences.filter(isNotFolderTime), []);
  world.note(`openclaw backup restore: ${files} paths equal to the home`);
  assert.deepEqual(compareFolders(world.path('restored-3'), found).filter(isNotFolderTime), []);
}

/** `openclaw backup` writes no times of folders into archives, and does not restore them. */
function isNotFolderTime(line: string): boolean {
  return !/: time /.test(line);
}

/** What OpenClaw archives, Exuvia imports and restores. */
export function importFromOpenClaw(world: World): void {
  const { openclaw } = world;
  const archive = world.path('official.tar.gz');
  world.measured('openclaw backup create', () =>
    openclaw.mustRun(['backup', 'create', '--output', archive, '--json']),
  );
  const target = world.path('official-of-official');
  const { archiveRoot } = openclaw.mustRun(['backup', 'restore', archive, '--target', target, '--json']).json;
  const expected = officiallyRestored(target, archiveRoot, openclaw.stateDir);
  const home = world.path('import-home');
  const imported = world.measured('backup import', () =>
    world.mustExuvia(['backup', 'import', archive, '--json'], home),
  ).json;
  assert.equal(imported.snapshot.sources[0].kind, 'state');
  for (const [name, reference] of [
    ['from-snapshot', 'latest'],
    ['from-archive', archive],
  ] as const) {
    const found = world.path(name);
    world.mustExuvia(['backup', 'restore', reference, '--target', found], home);
    const differences = compareFolders(expected, found).filter(isNotFolderTime);
    assert.deepEqual(differences.filter(isNotWiderFolder), []);
  }
}

/** Its own archives name some files before their folders; then its restore leaves the folder open to all. The archive says 0700. */
function isNotWiderFolder(line: string): boolean {
  return !/^"(|state|agents\/main\/agent)": mode 755 and 700$/.test(line);
}

/** node-tar, which OpenClaw uses, leaves times blank when it is told to. */
export async function importBlankTimes(world: World): Promise<void> {
  const require = createRequire(join(world.installed, 'package.json'));
  const tar = require('tar') as { create(options: object, paths: readonly string[]): Promise<void> };
  const archive = world.path('blank.tar.gz');
  const source = world.path('restored-3');
  const options = { gzip: true, portable: true, noMtime: true, file: archive, cwd: dirname(source) };
  await tar.create(options, ['restored-3']);
  const found = world.path('from-blank');
  world.mustExuvia(['backup', 'restore', archive, '--target', found], world.path('blank-home'));
  assert.deepEqual(compareFolders(source, found, { skipTimes: true }), []);
}
