import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelNotes, variablesOfEnvFile } from '../../../src/openclaw/channel-notes.ts';
import {
  isSessionPathKey,
  movedPath,
  movePathsInJson5,
  pathMoves,
} from '../../../src/openclaw/move-paths.ts';

const moves = pathMoves([
  { from: '/home/a', to: '/home/b' },
  { from: '/home/a/.openclaw/', to: '/srv/claw' },
  { from: '/same', to: '/same' },
  { from: '', to: '/x' },
]);

for (const [path, moved] of [
  ['/home/a/.openclaw/workspace', '/srv/claw/workspace'],
  ['/home/a/.openclaw', '/srv/claw'],
  ['/home/a/desk', '/home/b/desk'],
  ['/home/ab/desk', undefined],
  ['/home/a.txt', undefined],
  ['home/a/desk', undefined],
  ['see /home/a/desk', undefined],
  ['/same/x', undefined],
] as const) {
  test(`movedPath() ${path}`, () => assert.equal(movedPath(path, moves), moved));
}

test('movedPath() changes the separators where the systems differ', () => {
  const toWindows = pathMoves([{ from: '/home/a/.openclaw', to: 'C:\\Users\\b\\.openclaw' }]);
  assert.equal(
    movedPath('/home/a/.openclaw/agents/main', toWindows),
    'C:\\Users\\b\\.openclaw\\agents\\main',
  );
  const fromWindows = pathMoves([{ from: 'C:\\Users\\b\\.openclaw', to: '/home/a/.openclaw' }]);
  assert.equal(
    movedPath('C:\\Users\\b\\.openclaw\\agents\\main', fromWindows),
    '/home/a/.openclaw/agents/main',
  );
});

test('movePathsInJson5() changes paths and leaves everything else as it is', () => {
  const text = `// mine: /home/a/.openclaw stays in a comment
{
  agents: { defaults: { workspace: '/home/a/.openclaw/workspace' } }, // here
  "note": "look in /home/a/desk",
  list: ["/home/a/x", 5, '~/y',],
}
`;
  const moved = movePathsInJson5(text, moves);
  assert.equal(
    moved.text,
    text
      .replace("'/home/a/.openclaw/workspace'", '"/srv/claw/workspace"')
      .replace('"/home/a/x"', '"/home/b/x"'),
  );
  assert.deepEqual(
    moved.changes.map(({ where }) => where),
    ['agents.defaults.workspace', 'list.0'],
  );
});

test('movePathsInJson5() looks only at the keys it is told to', () => {
  const text = '{"k":{"sessionFile":"/home/a/s.jsonl","lastMessage":"/home/a/s.jsonl"}}';
  assert.equal(
    movePathsInJson5(text, moves, isSessionPathKey).text,
    '{"k":{"sessionFile":"/home/b/s.jsonl","lastMessage":"/home/a/s.jsonl"}}',
  );
});

const variable = (name: string): string => `\${${name}}`;

test('channelNotes() speaks of the channels that are there, and of keys that are missing', () => {
  const notes = channelNotes(
    {
      channels: { whatsapp: {}, telegram: { botToken: variable('TG_TOKEN') }, discord: { enabled: false } },
      models: { key: `x ${variable('OPENAI_API_KEY')} y` },
    },
    new Set(['OPENAI_API_KEY']),
  );
  assert.equal(notes.length, 3);
  assert.match(notes[0] ?? '', /WhatsApp.*QR/);
  assert.match(notes[1] ?? '', /Telegram.*bot token/);
  assert.equal(notes[2], 'Keys from the environment: TG_TOKEN is not set here');
  assert.match(channelNotes({ discord: { token: 'x' } }, new Set())[0] ?? '', /Discord.*invited/);
  assert.deepEqual(channelNotes({ gateway: {} }, new Set()), []);
});

test('variablesOfEnvFile() names what has a value', () => {
  assert.deepEqual(variablesOfEnvFile('A=1\n# B=2\nexport C = "x"\nD=\n'), ['A', 'C']);
});
