import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BundledSession,
  formatSessions,
  parseSessions,
} from '../../../../src/openclaw/sessions/bundle.ts';

const head = {
  created: '2026-11-20T12:00:00.000Z',
  program: 'exuvia 0.1.0',
  source: { host: 'h', platform: 'linux', home: '/home/a', stateDir: '/home/a/.openclaw', openclaw: null },
};
const session: BundledSession = {
  key: 'agent:main:main',
  agent: 'main',
  sessionId: 'a-1',
  entry: { sessionId: 'a-1', label: 'line\nbreak ü' },
  events: [{ type: 'session', id: 'a-1' }, { type: 'message' }],
};

function format(sessions: readonly BundledSession[]): string {
  return [...formatSessions(head, sessions)].join('');
}

/** The document with the first session changed. */
function changed(change: Readonly<Record<string, unknown>>): string {
  const document = JSON.parse(format([session]));
  return JSON.stringify({ ...document, sessions: [{ ...document.sessions[0], ...change }] });
}

test('parseSessions() reads what formatSessions() wrote', () => {
  for (const sessions of [
    [],
    [session],
    [session, { ...session, key: 'global', sessionId: 'b', events: [] }],
  ])
    assert.deepEqual(parseSessions(format(sessions), 'x'), { ...head, sessions });
});

test('parseSessions() ignores what it does not know', () => {
  assert.deepEqual(parseSessions(`\ufeff${changed({ more: 1 })}`, 'x').sessions, [session]);
});

test('parseSessions() names the first thing that is wrong', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /^Cannot import x: it is empty$/],
    ['{', /it is not JSON$/],
    ['[]', /not a bundle of sessions$/],
    ['{"format":"exuvia config bundle"}', /not a bundle of sessions$/],
    ['{"format":"exuvia sessions bundle","version":2}', /version 2, and this program reads version 1$/],
    ['{"format":"exuvia sessions bundle","version":1}', /no list of sessions$/],
    [changed({ key: '' }), /session 1 has no usable key$/],
    [changed({ key: '__proto__' }), /session 1 has no usable key$/],
    [changed({ agent: '../x' }), /the agent of session 1 \("agent:main:main"\) is "\.\.\/x"$/],
    [changed({ sessionId: '../../x' }), /the session id of .* is "\.\.\/\.\.\/x"$/],
    [changed({ entry: [] }), /has no entry$/],
    [changed({ events: {} }), /has no list of events$/],
    [changed({ events: [{}, 1] }), /event 2 of session 1 .* is not an object$/],
    [format([session, session]), /is in it twice$/],
    [format([session, { ...session, key: 'other' }]), /is in it twice$/],
  ];
  for (const [text, message] of cases)
    assert.throws(() => parseSessions(text, 'x'), { code: 'ERR_SESSIONS_INPUT', message });
});
