/** The home of one user becomes that of another, and OpenClaw is at home there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { World } from './world.ts';

export function moveToAnotherUser(world: World): void {
  const { openclaw } = world;
  const archive = world.path('transfer.tar.gz');
  world.mustExuvia(['backup', 'create', '--output', archive]);
  const other = world.openclawAt(world.path('another-home'));
  const { paths } = world.measured('backup restore into another home', () =>
    world.mustExuvia(['backup', 'restore', archive, '--json'], other.home),
  ).json;
  assert.ok(paths.changes.length >= 3, JSON.stringify(paths));
  assert.deepEqual(paths.failures, []);
  const config = readFileSync(join(other.stateDir, 'openclaw.json'), 'utf8');
  assert.ok(!config.includes(`${openclaw.home}/`), 'no path of the first home is left in the configuration');
  other.mustRun(['config', 'validate']);
  const keysOf = (home: typeof other): string[] =>
    home
      .mustRun(['sessions', 'list', '--json'])
      .json.sessions.map((session: { key: string }) => session.key)
      .sort();
  assert.deepEqual(keysOf(other), keysOf(openclaw));
  world.note(`${paths.changes.length} paths changed, ${keysOf(other).length} sessions listed`);
}
