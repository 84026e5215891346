/** A gateway is at work: snapshots are sound all the same, and nothing is replaced under it. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunningGateway } from '../helpers/real-openclaw.ts';
import { contentOf } from './compare-homes.ts';
import type { World } from './world.ts';

export async function whileGatewayRuns(world: World): Promise<void> {
  const startedMs = performance.now();
  const gateway = await world.openclaw.startGateway(world.gatewayPort);
  try {
    world.note(`gateway ready: ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    world.openclaw.mustRun([
      ...['cron', 'add', '--name', 'daily', '--cron', '0 9 * * *', '--session', 'isolated'],
      ...['--message', 'What is new?', '--json'],
    ]);
    await snapshotsDuringConversation(world);
    refusesInPlace(world, gateway);
    const forced = world.mustExuvia(['backup', 'restore', 'latest', '--force', '--json']).json;
    assert.equal(forced.failures.length, 0);
  } finally {
    await gateway.stop();
  }
  staleLockIsNoGateway(world);
}

/** Snapshot after snapshot while an agent answers; every database of every one of them is sound. */
async function snapshotsDuringConversation(world: World): Promise<void> {
  const turn = world.openclaw.start(['agent', '--agent', 'main', '-m', 'Tell me a long story.']);
  let hasEnded = false;
  const ended = turn.ended.then((status) => {
    hasEnded = true;
    return status;
  });
  const ids: string[] = [];
  while (!hasEnded) {
    ids.push(world.mustExuvia(['backup', 'create', '--json']).json.snapshot.id);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  assert.equal(await ended, 0);
  ids.push(world.mustExuvia(['backup', 'create', '--json']).json.snapshot.id);
  assert.ok(ids.length >= 3);
  const events = ids.map((id, index) => eventsIn(world, id, world.path(`live-${index}`)));
  assert.deepEqual(
    events,
    [...events].sort((a, b) => a - b),
    'a later snapshot has no less of the conversation',
  );
  world.note(`${ids.length} snapshots during a turn; events in them: ${events.join(', ')}`);
}

/** Rows of transcripts in a snapshot; fails when one of its databases is not sound. */
function eventsIn(world: World, id: string, target: string): number {
  world.mustExuvia(['backup', 'restore', id, '--target', target]);
  const databases = readdirSync(target, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.sqlite'),
  );
  const contents = databases.map((path) => contentOf(join(target, path)));
  return contents.reduce((sum, content) => sum + (content.get('transcript_events')?.length ?? 0), 0);
}

function refusesInPlace(world: World, gateway: RunningGateway): void {
  const refused = world.measured('refusal', () => world.exuvia(['backup', 'restore', 'latest']));
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^exuvia: Cannot restore while an OpenClaw gateway is running: process /);
  assert.match(refused.stderr, new RegExp(`process ${gateway.pid} \\(port ${world.gatewayPort}\\) holds `));
  assert.match(refused.stderr, /--force/);
  assert.doesNotMatch(refused.stderr, /\n\s+at /);
  const undo = world.exuvia(['backup', 'restore', '--undo']);
  assert.equal(undo.status, 1);
  world.mustExuvia(['backup', 'restore', 'latest', '--dry-run']);
  world.mustExuvia(['backup', 'restore', 'latest', '--target', world.path('beside-gateway')]);
}

/** As a killed gateway leaves it: the files are there, and their process is not. */
function staleLockIsNoGateway(world: World): void {
  world.mustExuvia(['backup', 'restore', 'latest']);
}

/** A gateway that is killed cannot clean up. */
export async function afterGatewayIsKilled(world: World): Promise<void> {
  const gateway = await world.openclaw.startGateway(world.gatewayPort);
  await gateway.stop('SIGKILL');
  const folder = world.inState('tmp');
  const locks = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  assert.ok(
    locks.some((name) => name.endsWith('gateway.state.lock')),
    'it left its lock behind',
  );
  world.mustExuvia(['backup', 'restore', 'latest']);
  // The same lock, of a process that lives but is another one.
  const lock = locks.find((name) => name.endsWith('gateway.state.lock')) ?? '';
  assert.ok(existsSync(join(folder, lock)));
  writeFileSync(join(folder, lock), JSON.stringify({ pid: process.pid, startTime: 1 }));
  world.mustExuvia(['backup', 'restore', 'latest']);
}
