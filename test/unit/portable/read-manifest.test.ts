import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArchiveError } from '../../../src/model/errors.ts';
import { byteStringOf } from '../../../src/model/paths.ts';
import { findMissingAssets, manifestBytesMax, parseManifest } from '../../../src/portable/manifest.ts';

const asset = {
  kind: 'state',
  sourcePath: '/home/u/.openclaw',
  archivePath: 'root-backup/payload/posix/home/u/.openclaw',
};
const least = {
  schemaVersion: 1,
  createdAt: '2026-03-09T00:00:00.000Z',
  archiveRoot: 'root-backup',
  assets: [asset],
};
const full = {
  ...least,
  runtimeVersion: '2026.8.2',
  platform: 'linux',
  nodeVersion: 'v24.15.0',
  options: { includeWorkspace: true, onlyConfig: false },
  paths: {
    stateDir: '/home/u/.openclaw',
    configPath: '/home/u/.openclaw/openclaw.json',
    oauthDir: '/home/u/.openclaw/credentials',
    workspaceDirs: ['/home/u/.openclaw/workspace'],
    agentRoots: [{ agentId: 'main', sourcePath: '/home/u/.openclaw/agents/main/agent' }],
  },
  skipped: [
    { kind: 'workspace', sourcePath: '/home/u/w', reason: 'covered', coveredBy: '~/.openclaw' },
    { kind: 'managed state', sourcePath: '/home/u/.openclaw/tmp', reason: 'regenerable' },
  ],
};

const parse = (value: unknown) => parseManifest(Buffer.from(JSON.stringify(value)));

test('parseManifest() reads a whole manifest', () => assert.deepEqual(parse(full), full));

test('parseManifest() is content with what the verifier asks for', () => {
  assert.deepEqual(parse(least), { ...least, skipped: [] });
});

test('parseManifest() lets unknown keys and odd optional values be', () => {
  const odd = {
    ...least,
    runtimeVersion: 7,
    options: 'x',
    paths: {
      stateDir: null,
      agentRoots: ['main', { agentId: 'a' }, full.paths.agentRoots[0]],
      workspaceDirs: [1, '/w'],
    },
    skipped: [{ kind: 'x' }, 'y'],
    externalSymbolicLinks: [],
    future: { a: 1 },
  };
  assert.deepEqual(parse(odd), {
    ...least,
    paths: { agentRoots: full.paths.agentRoots, workspaceDirs: ['/w'] },
    skipped: [{ kind: 'x', sourcePath: 'unknown', reason: 'unknown' }],
  });
});

const malformed: readonly (readonly [string, unknown, RegExp])[] = [
  ['a list', [], /not a JSON object/],
  ['null', null, /not a JSON object/],
  ['a later version', { ...least, schemaVersion: 2 }, /schemaVersion is 2, want 1/],
  ['no version', { ...least, schemaVersion: undefined }, /schemaVersion is missing/],
  ['an empty createdAt', { ...least, createdAt: '' }, /createdAt/],
  ['no root', { ...least, archiveRoot: undefined }, /archiveRoot/],
  ['a root of two folders', { ...least, archiveRoot: 'a/b' }, /not the name of one folder/],
  ['a root that is ..', { ...least, archiveRoot: '..' }, /not the name of one folder/],
  ['an absolute root', { ...least, archiveRoot: '/' }, /not the name of one folder/],
  ['no assets', { ...least, assets: undefined }, /no list of assets/],
  ['assets that are an object', { ...least, assets: { 0: asset } }, /no list of assets/],
  ['an asset that is a text', { ...least, assets: ['x'] }, /asset 1 is not an object/],
  ['an asset without a kind', { ...least, assets: [{ ...asset, kind: '' }] }, /kind/],
  ['an asset at the root', { ...least, assets: [{ ...asset, archivePath: 'root-backup/x' }] }, /not inside/],
  [
    'an asset that is the payload',
    { ...least, assets: [{ ...asset, archivePath: 'root-backup/payload' }] },
    /not inside/,
  ],
  [
    'an asset in another root',
    { ...least, assets: [{ ...asset, archivePath: 'other/payload/x' }] },
    /not inside/,
  ],
  [
    'an asset outside',
    { ...least, assets: [{ ...asset, archivePath: 'root-backup/payload/../../x' }] },
    /not inside/,
  ],
  ['an absolute asset', { ...least, assets: [{ ...asset, archivePath: '/etc' }] }, /not inside/],
];

for (const [what, value, message] of malformed) {
  test(`parseManifest() refuses ${what}`, () => {
    assert.throws(
      () => parse(value),
      (error) => error instanceof ArchiveError && message.test(error.message),
    );
  });
}

test('parseManifest() refuses what is not JSON, not UTF-8, or too large', () => {
  assert.throws(() => parseManifest(Buffer.from('{ not json')), /not JSON in UTF-8/);
  assert.throws(() => parseManifest(Buffer.from([0x22, 0xff, 0x22])), /not JSON in UTF-8/);
  assert.throws(() => parseManifest(Buffer.from('['.repeat(1_000_000))), ArchiveError);
  assert.throws(() => parseManifest(Buffer.alloc(manifestBytesMax + 1, ' ')), /16777217 bytes/);
});

test('parseManifest() takes nothing that is only inherited', () => {
  const text = `{"__proto__": ${JSON.stringify(full)}, "schemaVersion": 1}`;
  assert.throws(() => parseManifest(Buffer.from(text)), /archiveRoot|createdAt/);
  const polluted = parseManifest(
    Buffer.from(JSON.stringify(least).replace('{', '{"__proto__":{"platform":"evil"},')),
  );
  assert.equal(polluted.platform, undefined);
});

test('findMissingAssets() names what the archive does not hold', () => {
  const other = { ...asset, archivePath: 'root-backup/payload/posix/home/u/work' };
  const manifest = parse({ ...least, assets: [asset, other] });
  const paths = [
    'root-backup/manifest.json',
    `${asset.archivePath}/openclaw.json`,
    `${other.archivePath}space/x`,
  ];
  assert.deepEqual(findMissingAssets(manifest, paths.map(byteStringOf)), [other]);
  assert.deepEqual(findMissingAssets(manifest, [asset.archivePath, other.archivePath].map(byteStringOf)), []);
});
