import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  type DiscoveryOptions,
  discoverHome,
  type OpenClawHome,
  pathInside,
} from '../../../src/openclaw/discovery.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

interface Found extends OpenClawHome {
  /** A path relative to the home. */
  readonly short: (path: string) => string;
}

/** `{home}` in contents and variables is the home; a path that ends in a slash is a folder; `-> x` is a link to x. */
function discover(
  context: TestContext,
  files: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv = {},
  options: Partial<DiscoveryOptions> = {},
): Found {
  const home = temporaryFolder(context);
  for (const [path, content] of Object.entries(files)) {
    const at = join(home, path);
    mkdirSync(path.endsWith('/') ? at : dirname(at), { recursive: true });
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), at);
    else if (!path.endsWith('/')) writeFileSync(at, content.replaceAll('{home}', home));
  }
  const variables = Object.entries(env).map(([name, value]) => [name, value?.replaceAll('{home}', home)]);
  const found = discoverHome({ env: Object.fromEntries(variables), osHome: home, ...options });
  return { ...found, short: (path) => relative(home, path) };
}

const config = (value: string): Record<string, string> => ({ '.openclaw/openclaw.json': value });

for (const [name, files, env, options, stateDir, configPath] of [
  ['HOME before the system’s', {}, { HOME: '{home}/h' }, {}, 'h/.openclaw', 'h/.openclaw/openclaw.json'],
  ['USERPROFILE', {}, { USERPROFILE: '{home}/u' }, {}, 'u/.openclaw', 'u/.openclaw/openclaw.json'],
  ['OPENCLAW_HOME is null', {}, { OPENCLAW_HOME: 'null' }, {}, '.openclaw', '.openclaw/openclaw.json'],
  ['OPENCLAW_HOME is blank', {}, { OPENCLAW_HOME: ' ' }, {}, '.openclaw', '.openclaw/openclaw.json'],
  [
    'an older name below OPENCLAW_HOME',
    { 'o/.clawdbot/clawdbot.json': '{}' },
    { OPENCLAW_HOME: '{home}/o' },
    {},
    'o/.clawdbot',
    'o/.clawdbot/clawdbot.json',
  ],
  [
    'OPENCLAW_STATE_DIR before OPENCLAW_PROFILE',
    {},
    { OPENCLAW_STATE_DIR: '{home}/s', OPENCLAW_PROFILE: 'p' },
    {},
    's',
    's/openclaw.json',
  ],
  [
    'a profile does not fall back to older names',
    { '.clawdbot/clawdbot.json': '{}' },
    {},
    { profile: 'p' },
    '.openclaw-p',
    '.openclaw-p/openclaw.json',
  ],
  [
    'the option before OPENCLAW_PROFILE',
    {},
    { OPENCLAW_PROFILE: 'a' },
    { profile: 'b' },
    '.openclaw-b',
    '.openclaw-b/openclaw.json',
  ],
  [
    'Default, however it is written',
    {},
    { OPENCLAW_PROFILE: 'DEFAULT' },
    {},
    '.openclaw',
    '.openclaw/openclaw.json',
  ],
  [
    'both names of the configuration: the newer one',
    { '.clawdbot/clawdbot.json': '{}', '.clawdbot/openclaw.json': '{}' },
    {},
    {},
    '.clawdbot',
    '.clawdbot/openclaw.json',
  ],
  [
    'OPENCLAW_CONFIG_PATH leaves the state directory where it is',
    { 'etc/c.json': '{}', '.openclaw/openclaw.json': '{}' },
    { OPENCLAW_CONFIG_PATH: '{home}/etc/c.json' },
    {},
    '.openclaw',
    'etc/c.json',
  ],
  [
    'OPENCLAW_CONFIG_PATH that is not there',
    {},
    { OPENCLAW_CONFIG_PATH: '{home}/gone.json' },
    {},
    '.openclaw',
    'gone.json',
  ],
] as const) {
  test(`discoverHome() ${name}`, (context) => {
    const found = discover(context, files, env, options);
    assert.equal(found.short(found.stateDir), stateDir);
    assert.equal(found.short(found.configPath), configPath);
    assert.deepEqual(found.problems, []);
  });
}

test('discoverHome() says whether the state directory is there', (context) => {
  assert.equal(discover(context, {}).stateDirExists, false);
  assert.equal(discover(context, { '.openclaw/': '' }).stateDirExists, true);
  assert.equal(discover(context, { '.openclaw': 'a file' }).stateDirExists, false);
  assert.equal(discover(context, { 'real/': '', '.openclaw': '-> real' }).stateDirExists, true);
  assert.throws(
    () => discover(context, { '.openclaw': '-> .openclaw' }),
    /^FileSystemError: Cannot look at .*\.openclaw: a symbolic link is in the way$/,
  );
});

test('discoverHome() finds credentials in the state directory, or where OPENCLAW_OAUTH_DIR says', (context) => {
  const inside = discover(context, {});
  assert.equal(inside.short(inside.credentialsDir), '.openclaw/credentials');
  const outside = discover(context, {}, { OPENCLAW_OAUTH_DIR: '~/keys' });
  assert.equal(outside.short(outside.credentialsDir), 'keys');
});

for (const [name, text, env, workspaces] of [
  ['OPENCLAW_WORKSPACE_DIR', '{}', { OPENCLAW_WORKSPACE_DIR: '~/w' }, ['main w']],
  [
    'the configuration before OPENCLAW_WORKSPACE_DIR',
    '{agents: {defaults: {workspace: "~/c"}}}',
    { OPENCLAW_WORKSPACE_DIR: '~/w' },
    ['main c'],
  ],
  [
    'a relative path is one in the state directory',
    '{agents: {defaults: {workspace: "desk"}}}',
    {},
    ['main .openclaw/desk'],
  ],
  [
    'one of main itself, beside the default',
    '{agents: {entries: {main: {workspace: "~/m"}}}}',
    {},
    ['main .openclaw/workspace', 'main m'],
  ],
  [
    'an entry is named by its key',
    '{agents: {entries: {kim: {id: "lee", workspace: "~/k"}}}}',
    {},
    ['main .openclaw/workspace', 'kim k'],
  ],
  [
    'words that are not texts',
    '{agents: {defaults: {workspace: 5}, list: [{id: 7}, "x", null, {id: "a", workspace: ["b"]}], entries: []}}',
    {},
    ['main .openclaw/workspace', 'a .openclaw/workspace-a'],
  ],
] as const) {
  test(`discoverHome() workspaces: ${name}`, (context) => {
    const found = discover(context, config(text), env);
    assert.deepEqual(
      found.workspaces.map(({ id, path }) => `${id} ${found.short(path)}`),
      workspaces,
    );
  });
}

for (const [name, text, stores] of [
  ['a file', '{session: {store: "~/s/sessions.json"}}', ['s/sessions.json']],
  ['a folder for each agent', '{session: {store: "~/s/{agentId}/sessions.json"}}', ['s']],
  ['a name that begins with more', '{session: {store: "~/s/of-{agentId}/sessions.json"}}', ['s']],
  ['memory', '{agents: {defaults: {memorySearch: {store: {path: "~/m/{agentId}.sqlite"}}}}}', ['m']],
  ['jobs', '{cron: {store: "~/jobs.json"}}', ['jobs.json']],
  ['nothing but the agent', '{session: {store: "{agentId}/x"}}', []],
  [
    'never the whole home',
    '{agents: {list: [{id: "kim"}], defaults: {memorySearch: {store: {path: "~/m-{agentId}.sqlite"}}}}}',
    ['m-kim.sqlite', 'm-main.sqlite'],
  ],
  [
    'never the folder of the state directory',
    '{session: {store: "{home}/{agentId}/sessions.json"}}',
    ['main/sessions.json'],
  ],
] as const) {
  test(`discoverHome() stores: ${name}`, (context) => {
    const found = discover(context, config(text));
    assert.deepEqual(found.stores.map(found.short).sort(), stores);
  });
}

for (const [name, text, profile, port] of [
  ['as configured', '{gateway: {port: 1}}', undefined, 1],
  ['not a number', '{gateway: {port: "80"}}', undefined, 18_789],
  ['out of range', '{gateway: {port: 65536}}', undefined, 18_789],
  ['of the profile dev', '{}', 'dev', 19_001],
] as const) {
  test(`discoverHome() port: ${name}`, (context) => {
    const found = discover(context, config(text), {}, profile === undefined ? {} : { profile });
    assert.equal(found.gatewayPort, port);
  });
}

test('discoverHome() says that a configuration is not an object, or cannot be read', (context) => {
  for (const text of ['[]', '5', 'null', '"x"']) {
    const found = discover(context, config(text));
    assert.equal(found.config, undefined);
    assert.match(found.problems.join(), /is not an object; it is backed up as it is$/);
  }
  const folder = discover(context, { '.openclaw/openclaw.json/': '' });
  assert.match(folder.problems.join(), /^The configuration .* cannot be read: /);
});

test('discoverHome() takes keys named __proto__ for keys', (context) => {
  const found = discover(
    context,
    config(
      '{"__proto__": {"gateway": {"port": 5}}, "agents": {"entries": {"__proto__": {"workspace": "/x"}}}}',
    ),
  );
  assert.equal(found.gatewayPort, 18_789);
  assert.equal(found.workspaces.length, 1);
  assert.equal(({} as Record<string, unknown>)['gateway'], undefined);
});

test('pathInside() tells what lies in a folder, also over links and by names with dots', (context) => {
  const root = temporaryFolder(context);
  mkdirSync(join(root, 'a/b'), { recursive: true });
  symlinkSync(join(root, 'a'), join(root, 'link'));
  assert.equal(pathInside(join(root, 'a'), join(root, 'a')), '');
  assert.equal(pathInside(join(root, 'a'), join(root, 'link/b')), 'b');
  assert.equal(pathInside(join(root, 'a'), join(root, 'a/..b')), '..b');
  assert.equal(pathInside(join(root, 'a'), join(root, 'ab')), undefined);
  assert.equal(pathInside(join(root, 'a'), root), undefined);
});
