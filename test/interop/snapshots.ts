/** A home is made and used by OpenClaw itself; each snapshot gives back what was there when it was taken. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { compareHomes } from './compare-homes.ts';
import type { World } from './world.ts';

/** Captures may make and remove `-shm` files beside databases, and the first snapshot makes `backups`. */
export const touchedFolders = ['', 'state', 'agents/main/agent', 'agents/helper/agent'];

export function makeHome(world: World): void {
  const { openclaw } = world;
  world.measured('openclaw setup', () => openclaw.setUp(world.model.url, world.gatewayPort));
  openclaw.mustRun(['config', 'set', 'logging.level', 'debug']);
  world.measured('a turn of a conversation', () => openclaw.converse('Hello, remember the lobster.'));
  mkdirSync(world.inState('workspace/memory'), { recursive: true });
  writeFileSync(world.inState('workspace/MEMORY.md'), '# Memory\n\nThe lobster is called Homard.\n');
  writeFileSync(world.inState('workspace/memory/2026-11-20.md'), 'Grew a new shell.\n'.repeat(200));
  writeFileSync(world.inState('workspace/run.sh'), '#!/bin/sh\n', { mode: 0o755 });
  symlinkSync('MEMORY.md', world.inState('workspace/link'));
  symlinkSync('/nowhere/at/all', world.inState('workspace/dangling'));
}

export function changeHome(world: World): void {
  const { openclaw } = world;
  const helper = world.inState('workspace-helper');
  openclaw.mustRun(['agents', 'add', 'helper', '--non-interactive', '--workspace', helper, '--json']);
  openclaw.mustRun(['config', 'set', 'logging.level', 'info']);
  openclaw.converse('And now in another conversation.', 'agent:main:work');
  appendFileSync(world.inState('workspace/MEMORY.md'), 'It eats kelp.\n');
  renameSync(world.inState('workspace/memory/2026-11-20.md'), world.inState('workspace/memory/moved.md'));
  chmodSync(world.inState('workspace/run.sh'), 0o700);
  rmSync(world.inState('workspace/dangling'));
}

export function changeHomeAgain(world: World): void {
  world.openclaw.mustRun(['memory', 'index', '--agent', 'main']);
  world.openclaw.mustRun(['config', 'unset', 'logging.level']);
  rmSync(world.inState('workspace/memory'), { recursive: true });
  writeFileSync(world.inState('workspace/big.bin'), Buffer.alloc(3_000_000, 'shell'));
}

export function restoreEach(world: World): void {
  const { snapshots } = world.mustExuvia(['backup', 'list', '--json']).json;
  assert.deepEqual(
    snapshots.map((one: { id: string }) => one.id),
    world.checkpoints.map(({ id }) => id),
  );
  for (const [index, { id, copy, leftOut }] of world.checkpoints.entries()) {
    const target = world.path(`restored-${index + 1}`);
    world.measured(`backup restore --target, snapshot ${index + 1}`, () =>
      world.mustExuvia(['backup', 'restore', id.slice(0, 12), '--target', target]),
    );
    const { differences, files, databases, rows } = compareHomes(copy, target, { leftOut, touchedFolders });
    assert.deepEqual(differences, []);
    assert.ok(databases >= 2 && rows > 100, 'the databases were compared');
    world.note(`snapshot ${index + 1}: ${files} paths equal, ${rows} rows of ${databases} databases equal`);
  }
}
