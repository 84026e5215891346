import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findStateInside } from '../../../src/openclaw/locate.ts';

/** Paths below a folder. */
const below = (folder: string, ...paths: readonly string[]): string[] =>
  paths.map((path) => (folder === '' ? path : `${folder}/${path}`));

for (const [what, paths, wanted] of [
  [
    'an archive of the official tool',
    below(
      '2026-03-09T00-00-00.000Z-openclaw-backup',
      'manifest.json',
      'payload/posix/home/kim/.openclaw/openclaw.json',
      'payload/posix/home/kim/.openclaw/agents/main/sessions/sessions.json',
      'payload/posix/srv/desk/AGENTS.md',
    ),
    '2026-03-09T00-00-00.000Z-openclaw-backup/payload/posix/home/kim/.openclaw',
  ],
  ['a profile', below('home/kim/.openclaw-work', 'workspace/a.md'), 'home/kim/.openclaw-work'],
  ['the name between', below('.moltbot', 'credentials/x'), '.moltbot'],
  ['a renamed folder with the configuration', below('copy of claw', 'openclaw.json'), 'copy of claw'],
  ['a renamed folder without it', below('old', 'agents/main/x', 'credentials/y'), 'old'],
  ['an older configuration', below('', 'clawdbot.json', 'sessions/a.jsonl'), ''],
  ['folders named on their own', ['x', 'x/agents', 'x/credentials'], 'x'],
  [
    'a copy of the home in a workspace: the home',
    below('.openclaw', 'openclaw.json', 'agents/a', 'workspace/old/.openclaw/openclaw.json'),
    '.openclaw',
  ],
  [
    'the same twice: the one that is less deep',
    [...below('b/c', 'openclaw.json'), ...below('a', 'openclaw.json')],
    'a',
  ],
  [
    'a home with two eras: the one that holds more',
    [...below('.clawdbot', 'clawdbot.json'), ...below('.openclaw', 'openclaw.json', 'state/x')],
    '.openclaw',
  ],
  ['a project that has some of the names', below('app', 'agents/a.ts', 'logs/x'), undefined],
  ['one conversation', ['a.jsonl'], undefined],
  ['a workspace alone', below('desk', 'AGENTS.md', 'MEMORY.md', 'memory/2026-03-09.md'), undefined],
  ['names of objects', ['__proto__/constructor/toString', 'hasOwnProperty'], undefined],
  ['a mark in the middle of a name', below('x', 'my-openclaw.json', 'agents2/a', 'OPENCLAW.JSON'), undefined],
] as const) {
  test(`findStateInside() ${what}`, () => assert.equal(findStateInside(paths), wanted));
}

test('findStateInside() does not depend on the order of the paths, nor on how many there are', () => {
  const paths = [
    ...below('a', 'openclaw.json', 'logs/1'),
    ...below('b', 'openclaw.json', 'agents/1'),
    ...Array.from({ length: 5000 }, (_, index) => `a/logs/${index}/sessions`),
  ];
  assert.equal(findStateInside(paths), 'b');
  assert.equal(findStateInside(paths.toReversed()), 'b');
});

test('findStateInside() reads any iterable once', () => {
  function* paths(): Generator<string> {
    yield 'x/openclaw.json';
  }
  assert.equal(findStateInside(paths()), 'x');
});
