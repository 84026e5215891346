/** A gateway is at work: snapshots are sound all the same, and nothing is replaced under it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
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
  // Stopped, it holds nothing any more, although its lock databases stay.
  assert.ok(lockNames(world).some((name) => name.endsWith('gateway.state.lock.sqlite')));
  world.mustExuvia(['backup', 'restore', 'latest', '--delete']);
  world.openclaw.mustRun(['sessions', 'list', '--json']);
}

function lockNames(world: World): string[] {
  return readdirSync(world.inState('tmp'), { recursive: true, encoding: 'utf8' });
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
  const contents = ids.map((id, index) => soundContents(world, id, world.path(`live-${index}`)));
  const jobs = contents.at(-1)?.flatMap((content) => content.get('cron_jobs') ?? []) ?? [];
  assert.ok(
    jobs.some((row) => row.includes('What is new?')),
    'the job is in the snapshot',
  );
  const events = contents.map((databases) =>
    databases.reduce((sum, content) => sum + (content.get('transcript_events')?.length ?? 0), 0),
  );
  assert.deepEqual(
    events,
    [...events].sort((a, b) => a - b),
    'a later snapshot has no less of the conversation',
  );
  world.note(`${ids.length} snapshots during a turn; events in them: ${events.join(', ')}`);
}

/** What the databases of a snapshot hold; fails when one of them is not sound. */
function soundContents(world: World, id: string, target: string): Map<string, string[]>[] {
  world.mustExuvia(['backup', 'restore', id, '--target', target]);
  return readdirSync(target, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.sqlite'))
    .map((path) => contentOf(join(target, path)));
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

/** A gateway that is killed cannot clean up. */
export async function afterGatewayIsKilled(world: World): Promise<void> {
  const gateway = await world.openclaw.startGateway(world.gatewayPort);
  await gateway.stop('SIGKILL');
  const lock = lockNames(world).find((name) => name.endsWith('gateway.state.lock'));
  assert.ok(lock !== undefined, 'it left its lock behind');
  world.mustExuvia(['backup', 'restore', 'latest']);
  // Its process id may be another process's by now.
  const path = world.inState('tmp', lock);
  const content = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...content, pid: process.pid }));
  world.mustExuvia(['backup', 'restore', 'latest']);
  const { snapshots, packBytes, restorableBytes } = world.mustExuvia(['backup', 'stats', '--json']).json;
  world.note(`the repository at the end: ${snapshots} snapshots of ${restorableBytes} bytes in ${packBytes}`);
}
