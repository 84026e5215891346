import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BundledSession } from '../../../../src/openclaw/sessions/bundle.ts';
import {
  adaptSession,
  type PresentSessions,
  planSessions,
  type SessionConflictPolicy,
} from '../../../../src/openclaw/sessions/plan.ts';

function session(key: string, sessionId: string): BundledSession {
  return {
    key,
    agent: 'main',
    sessionId,
    entry: { sessionId },
    events: [{ type: 'session', id: sessionId }],
  };
}

function present(
  keys: Readonly<Record<string, string>>,
  more: Partial<PresentSessions> = {},
): PresentSessions {
  return {
    keys: new Map(Object.entries(keys)),
    sessionIds: new Set(Object.values(keys)),
    same: new Set(),
    ...more,
  };
}

function plan(
  sessions: readonly BundledSession[],
  there: PresentSessions,
  policy: SessionConflictPolicy = 'skip',
): string[] {
  let count = 0;
  return planSessions(sessions, there, policy, () => `new${++count}`).map(
    ({ action, session: { key, sessionId, entry, events } }) => {
      assert.equal(entry['sessionId'], sessionId);
      assert.equal(events[0]?.['id'], sessionId);
      return `${action} ${key} ${sessionId}`;
    },
  );
}

test('planSessions() creates what is not there, and takes no id of another conversation', () => {
  assert.deepEqual(plan([session('a', '1'), session('b', '2')], present({ c: '2' })), [
    'create a 1',
    'create b new1',
  ]);
  assert.deepEqual(plan([session('a', '1')], present({}, { sessionIds: new Set(['1']) })), ['create a new1']);
});

test('planSessions() leaves what is the same, and follows the policy where it differs', () => {
  const same = present({ a: '1' }, { same: new Set(['a']) });
  assert.deepEqual(plan([session('a', '1')], same, 'replace'), ['unchanged a 1']);
  const other = present({ a: '9', 'a-imported': '8' });
  assert.deepEqual(plan([session('a', '1')], other), ['skip a 1']);
  assert.deepEqual(plan([session('a', '9')], other, 'replace'), ['replace a 9']);
  assert.deepEqual(plan([session('a', '8')], other, 'replace'), ['replace a new1']);
  assert.deepEqual(plan([session('a', '9')], other, 'rename'), ['rename a-imported-2 new1']);
});

test('planSessions() keeps both of two sessions that get the same key', () => {
  const two = [session('a', '1'), session('a', '1')];
  assert.deepEqual(plan(two, present({}), 'replace'), ['create a 1', 'rename a-imported new1']);
});

test('adaptSession() changes the agent of the key, and the paths of where it ran only', () => {
  const moves = [{ from: '/old', to: '/new' }];
  const from: BundledSession = {
    ...{ key: 'agent:main:x:agent:main:y', agent: 'main', sessionId: '1' },
    entry: { sessionFile: '/old/s/1.jsonl', label: '/old' },
    events: [
      { type: 'session', cwd: '/old/w' },
      { type: 'message', cwd: '/old/w' },
    ],
  };
  assert.deepEqual(adaptSession(from, 'work', moves), {
    ...{ key: 'agent:work:x:agent:main:y', agent: 'work', sessionId: '1' },
    entry: { sessionFile: '/new/s/1.jsonl', label: '/old', sessionId: '1' },
    events: [
      { type: 'session', cwd: '/new/w' },
      { type: 'message', cwd: '/old/w' },
    ],
  });
  assert.equal(adaptSession({ ...from, key: 'global' }, 'work', []).key, 'global');
});
