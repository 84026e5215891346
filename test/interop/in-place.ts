/** A home is damaged, restored in place, and OpenClaw works on as before; `--undo` brings even the damage back. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareFolders } from '../helpers/compare-folders.ts';
import { compareHomes, contentOf } from './compare-homes.ts';
import { touchedFolders } from './snapshots.ts';
import type { World } from './world.ts';

const agentDatabase = 'agents/main/agent/openclaw-agent.sqlite';

interface Session {
  readonly key: string;
  readonly sessionId: string;
}

function sessionsOf(world: World): Session[] {
  const { sessions } = world.openclaw.mustRun(['sessions', 'list', '--json']).json;
  return (sessions as Session[])
    .map(({ key, sessionId }) => ({ key, sessionId }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

export function restoreDamagedHome(world: World): void {
  const { openclaw } = world;
  const sessions = sessionsOf(world);
  assert.ok(sessions.length >= 2);
  const findings = doctorFindings(world);
  const { copy, leftOut } = world.checkpoint();
  damage(world);
  assert.notEqual(openclaw.run(['sessions', 'list', '--json']).status, 0, 'OpenClaw notices the damage');
  const damaged = world.copyState('damaged');

  const restored = world.measured('backup restore in place', () =>
    world.mustExuvia(['backup', 'restore', 'latest', '--delete', '--json']),
  ).json;
  assert.ok(restored.before !== null);
  assert.deepEqual(
    compareHomes(copy, openclaw.stateDir, { leftOut: [...leftOut, ...notKept], touchedFolders }).differences,
    [],
  );
  worksAgain(world, sessions);

  // What OpenClaw wrote meanwhile has to go as well.
  world.measured('backup restore --undo', () => world.mustExuvia(['backup', 'restore', '--undo']));
  isDamagedAgain(world, damaged);
  world.mustExuvia(['backup', 'restore', restored.snapshot, '--delete']);
  worksAgain(world, sessions);
  assert.deepEqual(doctorFindings(world), findings, 'the doctor says what it said before the damage');
}

function doctorFindings(world: World): string[] {
  const { json } = world.measured('openclaw doctor --lint', () =>
    world.openclaw.run(['doctor', '--lint', '--json']),
  );
  assert.ok(json.checksRun > 20);
  return json.findings.map((one: { checkId: string; message: string }) => `${one.checkId}: ${one.message}`);
}

/** The sound database is one file now; the broken one is what it was, byte by byte, with what lay beside it. */
function isDamagedAgain(world: World, damaged: string): void {
  const { stateDir } = world.openclaw;
  const sound = 'state/openclaw.sqlite';
  const differences = compareFolders(damaged, stateDir, {
    ignore: (path) =>
      [...notKept, `${sound}-wal`].some((one) => path === one || path.startsWith(`${one}/`)) ||
      path.endsWith('.sqlite-shm'),
    skipContent: (path) => path === sound,
  });
  assert.deepEqual(
    differences.filter((line) => !touchedFolders.some((path) => line.startsWith(`"${path}": time`))),
    [],
  );
  assert.deepEqual(contentOf(join(stateDir, sound)), contentOf(join(damaged, sound)));
}

/** Never in a snapshot, so never restored or removed. */
const notKept = ['backups', 'tmp'];

/** The configuration is gone, a database is garbage, another has the log of an older self beside it, files are lost. */
function damage(world: World): void {
  rmSync(world.inState('openclaw.json'));
  for (const name of readdirSync(world.inState('.')).filter((one) => one.startsWith('openclaw.json.')))
    rmSync(world.inState(name));
  writeFileSync(world.inState(agentDatabase), Buffer.alloc(40_960, 'garbage '));
  writeFileSync(world.inState(`${agentDatabase}-wal`), Buffer.alloc(8192, 1));
  rmSync(world.inState('workspace'), { recursive: true });
  writeFileSync(world.inState('workspace'), 'A file where a folder was.\n');
  writeFileSync(world.inState('leftover.txt'), 'Not in the snapshot.\n');
}

function worksAgain(world: World, sessions: readonly Session[]): void {
  const { openclaw } = world;
  assert.equal(openclaw.mustRun(['config', 'get', 'gateway.port']).stdout.trim(), String(world.gatewayPort));
  openclaw.mustRun(['config', 'validate']);
  assert.deepEqual(sessionsOf(world), sessions);
}

/** The strongest sign of health: a conversation that goes on. */
export function conversesAgain(world: World): void {
  const before = world.model.answers;
  world.openclaw.converse('Do you still know the lobster?');
  assert.ok(world.model.answers > before);
}
