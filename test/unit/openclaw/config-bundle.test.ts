import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BundleFile,
  type ConfigBundle,
  checkFileText,
  formatBundle,
  isBundle,
  parseBundle,
  redactFile,
  restoreFile,
} from '../../../src/openclaw/config-bundle.ts';
import { changesInEnv, changesInJson5 } from '../../../src/openclaw/config-changes.ts';
import { configProblem, configWarnings, withMetaOf } from '../../../src/openclaw/config-checks.ts';
import { redactEnv, redactJson5, restoreEnv, restoreJson5 } from '../../../src/openclaw/redaction.ts';
import { isSecretName, looksSecret, redactedMark } from '../../../src/openclaw/secrets.ts';
import { Seeded } from '../../helpers/seeded.ts';

function fileOf(path: string, kind: BundleFile['kind'], content: string | Buffer): BundleFile {
  return { path, kind, mode: 0o600, content: Buffer.from(content as string) };
}

function bundleOf(files: readonly BundleFile[]): ConfigBundle {
  const source = {
    ...{ host: 'h', platform: 'linux', home: '/home/a', stateDir: '/home/a/.openclaw' },
    ...{ configPath: '/home/a/.openclaw/openclaw.json', openclaw: '2026.9.6' },
  };
  return { created: '2026-11-20T00:00:00.000Z', program: 'exuvia 1', source, redacted: false, files };
}

const sample = bundleOf([
  fileOf('openclaw.json', 'config', '\ufeff// own\n{ a: 1 }\r\n'),
  fileOf('credentials/whatsapp/a/key', 'credentials', Buffer.from([0xff, 0x00, 0xfe])),
  fileOf('agents/main/agent/auth-profiles.json', 'auth', '{}'),
]);

test('formatBundle() and parseBundle() keep every byte, text as text', () => {
  const document = JSON.parse(formatBundle(sample));
  assert.ok(isBundle(document));
  assert.deepEqual(
    document.files.map((file: { encoding: string }) => file.encoding),
    ['utf8', 'base64', 'utf8'],
  );
  assert.equal(document.files[0].mode, '0600');
  assert.deepEqual(parseBundle(document, 'x'), sample);
});

test('parseBundle() refuses what is not as it says, and paths that lead elsewhere', () => {
  // biome-ignore lint/suspicious/noExplicitAny: documents from outside have any shape
  const refuse = (change: (document: any) => void, message: RegExp): void => {
    const document = JSON.parse(formatBundle(sample));
    change(document);
    assert.throws(() => parseBundle(document, 'in.json'), { code: 'ERR_CONFIG_INPUT', message });
  };
  refuse((document) => (document.version = 2), /bundle of version 2, and this program reads version 1/);
  refuse((document) => (document.files = []), /lists no files/);
  refuse((document) => (document.files[0] = null), /file 1 has no path/);
  refuse((document) => (document.files[0].content += ' '), /has SHA-256 \w+, and the bundle says/);
  refuse((document) => (document.files[0].encoding = 'hex'), /is not "hex"/);
  refuse((document) => (document.files[1].content = '!'), /is not "base64"/);
  refuse((document) => (document.files[0].mode = '9999'), /the mode of "openclaw.json"/);
  refuse((document) => (document.files[0].kind = 'script'), /unknown kind "script"/);
  refuse((document) => document.files.push(document.files[0]), /is in it twice/);
  refuse(
    (document) => document.files.push({ ...document.files[0], path: 'b.json' }),
    /more than one configuration/,
  );
  const paths: [string, RegExp][] = [
    ['/etc/passwd', /absolute/],
    ['C:/x', /absolute/],
    ['../x', /a part of it is "\.\."/],
    ['credentials/../../x', /a part of it is "\.\."/],
    ['credentials/./x', /a part of it is "\."/],
    ['credentials//x', /a part of it is empty/],
    ['credentials\\x', /backslash/],
    ['credentials/a\0b', /zero byte/],
  ];
  for (const [path, message] of paths) {
    refuse((document) => (document.files[1].path = path), message);
  }
  const kinds: [string, string][] = [
    ['include', 'exuvia.json5'],
    ['include', 'backups/x'],
    ['include', '.env'],
    ['include', 'credentials/x.json'],
    ['env', 'workspace/.env'],
    ['secrets', 'workspace/AGENTS.md'],
    ['auth', 'agents/main/agent/models.json'],
    ['approvals', 'x.json'],
    ['config', 'a/openclaw.json'],
  ];
  for (const [kind, path] of kinds) {
    refuse((document) => Object.assign(document.files[1], { kind, path }), /cannot be of kind/);
  }
});

test('isSecretName() knows names of secrets from names of places, counts and references', () => {
  for (const name of [
    'token',
    'botToken',
    'OPENAI_API_KEY',
    'x-api-key',
    'apikey',
    'key',
    'password',
    'access',
  ])
    assert.ok(isSecretName(name), name);
  for (const name of ['clientSecret', 'privateKeyPem', 'Authorization', 'secretValue', 'APIKey', 'refresh'])
    assert.ok(isSecretName(name), name);
  for (const name of [
    'maxTokens',
    'tokenRef',
    'keyPath',
    'publicKey',
    'mainKey',
    'apiKeyEnv',
    'id',
    'monkey',
  ])
    assert.ok(!isSecretName(name), name);
});

test('looksSecret() knows keys of well-known makers', () => {
  for (const text of [`sk-ant-${'a1'.repeat(12)}`, `123456789:${'Ab_'.repeat(12)}`])
    assert.ok(looksSecret(text), text);
  for (const text of ['https://a:b@host/', 'ws://h/?token=abcdef123', '-----BEGIN EC PRIVATE KEY-----'])
    assert.ok(looksSecret(text), text);
  for (const text of ['https://host/path', 'anthropic/claude', 'agent:main:main', '+15551234567'])
    assert.ok(!looksSecret(text), text);
});

const commented = `// the user's own
{
  // botToken: 'left-in-a-comment',
  gateway: { auth: { mode: 'token', token: 'g1' /* mine */ }, port: 18789 },
  channels: {
    telegram: { "botToken": "b1", allowFrom: ["+1555"], },
    discord: { token: { source: 'env', provider: 'default', id: 'DISCORD_TOKEN' } },
    slack: { appToken: "\${SLACK_APP}", webhookPassword: 1234 },
  },
  env: { vars: { REGION: 'eu' }, shellEnv: { enabled: true } },
  mcp: { servers: { x: { command: 'x', args: ['--api-key', 'k1', '--token=t1', 'plain'], headers: { A: 'Bearer \${T}' } } } },
  models: { providers: { p: { apiKeys: ['k2', 'k3'], maxTokens: 5, baseUrl: 'https://u:p@host' } } },
}
`;

test('redactJson5() replaces secrets and nothing else; references and placeholders stay', () => {
  const { text, redacted, suspiciousLines } = redactJson5(commented);
  assert.deepEqual(redacted, [
    'gateway.auth.token',
    'channels.telegram.botToken',
    'channels.slack.webhookPassword',
    'env.vars.REGION',
    'mcp.servers.x.args[1]',
    'mcp.servers.x.args[2]',
    'models.providers.p.apiKeys[0]',
    'models.providers.p.apiKeys[1]',
    'models.providers.p.baseUrl',
  ]);
  assert.deepEqual(suspiciousLines, [3]);
  let expected = commented;
  for (const literal of [
    `'g1'`,
    `"b1"`,
    '1234',
    `'eu'`,
    `'k1'`,
    `'--token=t1'`,
    `'k2'`,
    `'k3'`,
    `'https://u:p@host'`,
  ])
    expected = expected.replace(literal, `"${redactedMark}"`);
  assert.equal(text, expected);
  assert.deepEqual(redactJson5(text).redacted, [], 'a mark is no secret');
});

test('restoreJson5() puts back what is at the same key path, as it was written', () => {
  const redacted = redactJson5(commented).text;
  const { text, kept, missing } = restoreJson5(redacted, commented);
  assert.equal(text, commented);
  assert.equal(kept.length, 9);
  assert.deepEqual(missing, []);
  const edited = redacted.replace('18789', '1').replace(/^\/\/.*\n/, '');
  assert.equal(
    restoreJson5(edited, commented).text,
    commented.replace('18789', '1').replace(/^\/\/.*\n/, ''),
  );
});

test('restoreJson5() leaves a secret that is not here out of the text, with its key', () => {
  const text = `{ a: "${redactedMark}", /* b */ "b": 1, c: ["${redactedMark}", 2], /* d */ d: "${redactedMark}" /* end */ }`;
  const restored = restoreJson5(text, undefined);
  assert.equal(restored.text, '{  /* b */ "b": 1, c: [ 2], /* d */  /* end */ }');
  assert.deepEqual(restored.missing, ['a', 'c[0]', 'd']);
  const lines = `{\n  a: "${redactedMark}",\r\n  b: 1, // one\n  c: "${redactedMark}"\n}\n`;
  assert.equal(restoreJson5(lines, '{}').text, '{\n  b: 1, // one\n}\n', 'lines of their own go whole');
  const json = restoreJson5(`{"a":1,"token":"${redactedMark}"}`, '{}');
  assert.deepEqual(JSON.parse(json.text), { a: 1 }, 'what was JSON stays JSON');
  assert.deepEqual(restoreJson5(text, text).missing, ['a', 'c[0]', 'd'], 'a mark is no secret to keep');
});

test('redactJson5() then restoreJson5() is the same text, at random', () => {
  const random = new Seeded(7);
  const names = ['token', 'a', 'env', 'apiKey', 'x y', 'tokens', 'list', 'headers'];
  const pick = (count: number): number => random.bytes(1)[0]! % count;
  const randomValue = (depth: number): string => {
    const kind = pick(depth > 3 ? 3 : 5);
    if (kind === 0) return `'s${pick(99)}' /* , } */`;
    if (kind === 1) return String(pick(99));
    if (kind === 2) return `"q\\"${pick(9)}"`;
    const items = Array.from({ length: pick(4) }, () => randomValue(depth + 1));
    if (kind === 3) return `[${items.join(' , ')}]`;
    return `{ ${items.map((item, index) => `"${names[pick(names.length)]}${index}": ${item}`).join(',\n')} }`;
  };
  for (let round = 0; round < 300; round++) {
    const text = `{ token: ${randomValue(0)}, env: ${randomValue(0)}, }`;
    const { text: redacted } = redactJson5(text);
    assert.equal(restoreJson5(redacted, text).text, text);
    assert.deepEqual(redactJson5(restoreJson5(redacted, undefined).text).redacted, []);
  }
});

test('redactEnv() masks every value, also over several lines; restoreEnv() brings them back', () => {
  const text = `# A_TOKEN=abcdefg\nA=1\n\nexport B="x\ny" # c\r\nC=\${A}\nD=\nE='z'`;
  const { text: masked = '', redacted, suspiciousLines } = redactEnv(text) ?? {};
  assert.equal(
    masked,
    `# A_TOKEN=abcdefg\nA=${redactedMark}\n\nexport B=${redactedMark}\r\nC=\${A}\nD=\nE=${redactedMark}`,
  );
  assert.deepEqual([redacted, suspiciousLines], [['A', 'B', 'E'], [1]]);
  assert.equal(restoreEnv(masked, text).text, text);
  const { text: left, missing } = restoreEnv(masked, 'A=5\n');
  assert.equal(left, `# A_TOKEN=abcdefg\nA=5\n\nC=\${A}\nD=\n`);
  assert.deepEqual(missing, ['B', 'E']);
  assert.equal(redactEnv('A=1\nwhat is this\n'), undefined, 'a line of unknown meaning may be a secret');
});

test('redactFile() masks logins as a whole and allow lists by name; restoreFile() keeps the present file', () => {
  const login = fileOf('credentials/whatsapp/a/creds.json', 'credentials', '{"me":1}');
  const masked = { ...login, content: redactFile(login).content };
  assert.equal(masked.content.toString(), redactedMark);
  assert.deepEqual(restoreFile(masked, login.content), { content: undefined, kept: [''], missing: [] });
  assert.deepEqual(restoreFile(masked, undefined), { content: undefined, kept: [], missing: [''] });
  const list = fileOf(
    'credentials/telegram-allowFrom.json',
    'credentials',
    '{"version":1,"allowFrom":["1"]}',
  );
  assert.equal(redactFile(list).content, list.content);
  const auth = fileOf(
    'agents/main/agent/auth-profiles.json',
    'auth',
    '{"profiles":{"a:b":{"type":"oauth","access":"x","refresh":"y","expires":1,"keyRef":"r"}}}',
  );
  assert.deepEqual(redactFile(auth).redacted, ['profiles["a:b"].access', 'profiles["a:b"].refresh']);
  const secrets = fileOf('secrets.json', 'secrets', '{"deep":{"anything":"x"},"n":1}');
  assert.deepEqual(redactFile(secrets).redacted, ['deep.anything']);
});

test('checkFileText() refuses text that is not JSON5, or nested without end', () => {
  assert.throws(() => checkFileText(fileOf('openclaw.json', 'config', '{ a: }')), /1:6/);
  const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  assert.throws(() => checkFileText(fileOf('openclaw.json', 'config', deep)), /nested more than 200 deep/);
  checkFileText(fileOf('.env', 'env', '{'));
});

test('changesInJson5() lists values by key path, secrets without what they are', () => {
  const before = '{ a: { b: 1, token: "x" }, list: [1, 2], gone: true, same: {} }';
  const after = '{ a: { b: 2, token: "y" }, list: [1, 3, 4], same: {}, "odd key": null }';
  assert.deepEqual(changesInJson5(before, after), [
    { path: 'a.b', change: 'changed', from: 1, to: 2, secret: false },
    { path: 'a.token', change: 'changed', secret: true },
    { path: 'list[1]', change: 'changed', from: 2, to: 3, secret: false },
    { path: 'list[2]', change: 'added', to: 4, secret: false },
    { path: '["odd key"]', change: 'added', to: null, secret: false },
    { path: 'gone', change: 'removed', from: true, secret: false },
  ]);
  assert.equal(changesInJson5('{ broken', after).length, 7);
  assert.deepEqual(changesInEnv('A=1\nB=2', 'A=1\nC=3'), [
    { path: 'C', change: 'added', secret: true },
    { path: 'B', change: 'removed', secret: true },
  ]);
});

test('withMetaOf() adds the present meta block where there is none, and changes nothing else', () => {
  const present = "{ meta: { lastTouchedVersion: '1' }, a: 1 }";
  assert.equal(
    withMetaOf(present, '// c\n{ b: 2 }'),
    '// c\n{\n  "meta": { lastTouchedVersion: \'1\' }, b: 2 }',
  );
  assert.deepEqual(JSON.parse(withMetaOf('{"meta":{}}', '{}') ?? ''), { meta: {} });
  assert.equal(withMetaOf(present, '{ meta: {} }'), undefined);
  assert.equal(withMetaOf('{ a: 1 }', '{ b: 2 }'), undefined);
});

test('configProblem() and configWarnings() say what OpenClaw would not take', () => {
  assert.equal(configProblem({}), undefined);
  assert.equal(configProblem({ gateway: {}, newKey: 1 }), undefined);
  assert.match(configProblem([]) ?? '', /holds an array/);
  assert.match(configProblem(null) ?? '', /holds null/);
  assert.match(configProblem({ format: 'exuvia sessions' }) ?? '', /of the format "exuvia sessions"/);
  assert.match(configProblem({ name: 'x', version: '1' }) ?? '', /does not look like a configuration/);
  assert.match(configWarnings({}, { backup: {} }).join(), /belongs into exuvia\.json5/);
  assert.match(configWarnings({ gateway: { mode: 'local' } }, { gateway: {} }).join(), /no gateway\.mode/);
});
