import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type DiscoveryOptions, discoverHome, type OpenClawHome } from '../../../src/openclaw/discovery.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

/** Files below a home, by their paths, and what is found there. `{home}` in texts is the home itself. */
function discover(
  context: TestContext,
  files: Readonly<Record<string, string>>,
  options: Partial<DiscoveryOptions> = {},
): OpenClawHome & { readonly at: (path: string) => string } {
  const home = temporaryFolder(context);
  const at = (path: string): string => join(home, path);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(at(path)), { recursive: true });
    if (path.endsWith('/')) mkdirSync(at(path), { recursive: true });
    else writeFileSync(at(path), content.replaceAll('{home}', home));
  }
  const env = Object.fromEntries(
    Object.entries({ HOME: '{home}', ...options.env }).map(([name, value]) => [
      name,
      value?.replaceAll('{home}', home),
    ]),
  );
  const { stateDir, ...rest } = options;
  const named = stateDir === undefined ? {} : { stateDir: stateDir.replaceAll('{home}', home) };
  return { ...discoverHome({ osHome: home, ...rest, ...named, env }), at };
}

for (const [name, files, options, stateDir] of [
  ['the default', { '.openclaw/openclaw.json': '{}' }, {}, '.openclaw'],
  ['nothing at all', {}, {}, '.openclaw'],
  ['an older name', { '.clawdbot/clawdbot.json': '{}' }, {}, '.clawdbot'],
  ['the name between', { '.moltbot/openclaw.json': '{}' }, {}, '.moltbot'],
  ['both names: the newer one', { '.clawdbot/x': '', '.openclaw/x': '' }, {}, '.openclaw'],
  ['OPENCLAW_STATE_DIR', { 'x/y/': '' }, { env: { OPENCLAW_STATE_DIR: ' {home}/x/y ' } }, 'x/y'],
  ['OPENCLAW_STATE_DIR with ~', {}, { env: { OPENCLAW_STATE_DIR: '~/x' } }, 'x'],
  ['a variable that says undefined', {}, { env: { OPENCLAW_STATE_DIR: 'undefined' } }, '.openclaw'],
  ['OPENCLAW_HOME', {}, { env: { OPENCLAW_HOME: '~/other' } }, 'other/.openclaw'],
  ['a profile', { '.openclaw/x': '' }, { profile: 'work' }, '.openclaw-work'],
  ['OPENCLAW_PROFILE', {}, { env: { OPENCLAW_PROFILE: 'work' } }, '.openclaw-work'],
  ['the profile named default', {}, { profile: 'default' }, '.openclaw'],
  [
    'the option beats the variable',
    {},
    { stateDir: '{home}/a', env: { OPENCLAW_STATE_DIR: '{home}/b' } },
    'a',
  ],
] as const) {
  test(`discoverHome() finds the state directory: ${name}`, (context) => {
    const found = discover(context, files as Record<string, string>, options as Partial<DiscoveryOptions>);
    assert.equal(found.stateDir, found.at(stateDir));
    assert.deepEqual(found.problems, []);
  });
}

for (const [name, files, options, configPath] of [
  ['in the state directory', { '.openclaw/openclaw.json': '{}' }, {}, '.openclaw/openclaw.json'],
  ['by its older name', { '.openclaw/clawdbot.json': '{}' }, {}, '.openclaw/clawdbot.json'],
  [
    'OPENCLAW_CONFIG_PATH',
    { 'etc/c.json5': '{}' },
    { env: { OPENCLAW_CONFIG_PATH: '~/etc/c.json5' } },
    'etc/c.json5',
  ],
  [
    'of the default home, for a state directory without one',
    { '.openclaw/openclaw.json': '{}', 'state/x': '' },
    { env: { OPENCLAW_STATE_DIR: '{home}/state' } },
    '.openclaw/openclaw.json',
  ],
  [
    'never of another home than the one named',
    { '.openclaw/openclaw.json': '{}' },
    { profile: 'p' },
    '.openclaw-p/openclaw.json',
  ],
] as const) {
  test(`discoverHome() finds the configuration: ${name}`, (context) => {
    const found = discover(context, files as Record<string, string>, options as Partial<DiscoveryOptions>);
    assert.equal(found.configPath, found.at(configPath));
  });
}

test('discoverHome() finds workspaces, agent folders and stores of new configurations', (context) => {
  const found = discover(context, {
    '.openclaw/openclaw.json': `{
      // comments and all: JSON5
      meta: { lastTouchedVersion: '2026.9.6' },
      gateway: { port: 18999 },
      session: { store: '~/stores/{agentId}/sessions.json' },
      cron: { store: '{home}/cron/jobs.json' },
      agents: {
        defaults: { workspace: '~/desk' },
        entries: { Work: { workspace: '/srv/work', agentDir: '/srv/agents/work' }, idle: {} },
      },
    }`,
  });
  assert.deepEqual(found.workspaces, [
    { id: 'main', path: found.at('desk') },
    { id: 'work', path: '/srv/work' },
    { id: 'idle', path: found.at('.openclaw/workspace-idle') },
  ]);
  assert.deepEqual(found.agents, [
    { id: 'main', path: found.at('.openclaw/agents/main/agent') },
    { id: 'work', path: '/srv/agents/work' },
    { id: 'idle', path: found.at('.openclaw/agents/idle/agent') },
  ]);
  assert.deepEqual(found.stores, [found.at('stores'), found.at('cron/jobs.json')]);
  assert.equal(found.version, '2026.9.6');
  assert.equal(found.gatewayPort, 18_999);
});

test('discoverHome() reads agents.list of older configurations, and no names that are paths', (context) => {
  const { workspaces } = discover(context, {
    '.clawdbot/clawdbot.json':
      '{"agents":{"list":[{"id":"main","workspace":"/w"},{"id":"../x","workspace":"/y"}]}}',
  });
  assert.deepEqual(workspaces.map(({ path }) => path).slice(1), ['/w']);
});

test('discoverHome() finds the workspace of very old installations', (context) => {
  const found = discover(context, {
    '.clawdbot/clawdbot.json': '{}',
    'clawd/AGENTS.md': '',
    'openclaw/README': '',
  });
  assert.ok(found.workspaces.some(({ path }) => path === found.at('clawd')));
  assert.ok(
    !found.workspaces.some(({ path }) => path === found.at('openclaw')),
    'somebody’s folder of that name',
  );
});

test('discoverHome() works when the configuration does not parse, and says where', (context) => {
  const found = discover(context, { '.openclaw/openclaw.json': '{\n  agents: {,}\n}' });
  assert.equal(found.config, undefined);
  assert.equal(found.problems.length, 1);
  assert.match(
    found.problems[0] ?? '',
    /openclaw\.json does not parse \(.*2:\d+.*\); it is backed up as it is/,
  );
  assert.deepEqual(found.workspaces, [{ id: 'main', path: found.at('.openclaw/workspace') }]);
});

test('discoverHome() follows what the configuration includes, and says what it does not follow', (context) => {
  const found = discover(context, {
    '.openclaw/openclaw.json': `{ a: { $include: './one.json5' }, b: { $include: ['two.json', '/etc/hostname', 'gone.json'] } }`,
    '.openclaw/one.json5': '{ $include: "sub/three.json5" }',
    '.openclaw/sub/three.json5': '{ $include: "../one.json5" }',
    '.openclaw/two.json': '{}',
  });
  assert.deepEqual(
    [...found.includes].sort(),
    ['.openclaw/one.json5', '.openclaw/sub/three.json5', '.openclaw/two.json'].map(found.at),
  );
  assert.equal(found.problems.length, 3, found.problems.join('\n'));
  assert.ok(found.problems.some((problem) => /one\.json5.*it includes itself/.test(problem)));
  assert.ok(found.problems.some((problem) => /hostname.*outside/.test(problem)));
  assert.ok(found.problems.some((problem) => /gone\.json.*there is no such file/.test(problem)));
});

test('discoverHome() takes a configuration that is a link', (context) => {
  const elsewhere = temporaryFolder(context);
  writeFileSync(join(elsewhere, 'c.json'), '{"gateway":{"port":1234}}');
  const home = temporaryFolder(context);
  mkdirSync(join(home, '.openclaw'));
  symlinkSync(join(elsewhere, 'c.json'), join(home, '.openclaw/openclaw.json'));
  assert.equal(discoverHome({ env: { HOME: home }, osHome: home }).gatewayPort, 1234);
});
