/** What OpenClaw thinks of sessions that were exported and imported: beside the present ones, and in a home that has none. */
import assert from 'node:assert/strict';
import type { RealOpenClaw } from '../helpers/real-openclaw.ts';
import type { World } from './world.ts';

interface Listed {
  readonly key: string;
  readonly sessionId: string;
}

function listed(openclaw: RealOpenClaw): Listed[] {
  const { sessions } = openclaw.mustRun(['sessions', 'list', '--json']).json as { sessions: Listed[] };
  return sessions.map(({ key, sessionId }) => ({ key, sessionId })).sort((a, b) => (a.key < b.key ? -1 : 1));
}

export function exportAndImportSessions(world: World): void {
  const { openclaw } = world;
  const bundle = world.path('sessions.json');
  const before = listed(openclaw);
  assert.ok(before.length > 0);
  const exported = world.mustExuvia(['sessions', 'export', '--all', '--output', bundle, '--json']).json;
  assert.equal(exported.sessions.length, before.length);
  assert.equal(world.mustExuvia(['sessions', 'import', bundle, '--json']).json.unchanged, true);

  const changed = world.path('one-session.json');
  world.mustExuvia(['sessions', 'export', before[0]?.key ?? '', '--output', changed]);
  openclaw.converse('One more turn, so that it is another one now.', before[0]?.key);
  world.mustExuvia(['sessions', 'import', changed, '--on-conflict', 'rename']);
  const after = listed(openclaw);
  assert.equal(after.length, before.length + 1);
  assert.ok(after.some(({ key }) => key === `${before[0]?.key}-imported`));

  importElsewhere(world, bundle, before);
  world.mustExuvia(['backup', 'restore', '--undo']);
  assert.deepEqual(listed(openclaw), before);
  world.note('sessions import: listed by OpenClaw beside the present ones, and in a new home');
}

/** A new home has no agent's database yet: OpenClaw takes the files in. */
function importElsewhere(world: World, bundle: string, sessions: readonly Listed[]): void {
  const other = world.openclawAt(world.path('home-for-sessions'));
  other.mustRun(['setup', '--baseline']);
  const { notes } = world.mustExuvia(['sessions', 'import', bundle, '--json'], other.home).json;
  assert.match(notes.join(), /openclaw doctor --session-sqlite import/);
  other.mustRun(['doctor', '--session-sqlite', 'import', '--session-sqlite-agent', 'main']);
  assert.deepEqual(listed(other), sessions);
}
