/** What is installed with Exuvia: little, pinned, without programs that run at installation, and none with a known hole. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compareVersions } from '../../src/operations/verify-backup.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(`${root}/${path}`, 'utf8');

interface Locked {
  readonly version: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly hasInstallScript?: boolean;
}

const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string | boolean>>;
const lock = JSON.parse(read('package-lock.json')) as {
  lockfileVersion: number;
  packages: Record<string, Locked>;
};
const packages = Object.entries(lock.packages)
  .filter(([path]) => path !== '')
  .map(([path, entry]) => ({ path, name: path.replace(/^.*node_modules\//, ''), ...entry }));

/** Binaries of the hash for other platforms: where one is missing or refused, the portable implementation does its work. */
const isHashBinary = (name: string): boolean => name.startsWith('@napi-rs/blake-hash-');

test('every package has a checksum in the lock file, and none the name of a registry', () => {
  const bare = packages.filter(({ integrity }) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''));
  assert.deepEqual(
    bare.filter(({ name, optional }) => !(optional && isHashBinary(name))).map(({ name }) => name),
    [],
  );
  const resolved = packages.filter(
    (one) => one.resolved !== undefined && !one.resolved.startsWith('https://registry.npmjs.org/'),
  );
  assert.deepEqual(resolved, []);
  assert.equal(lock.lockfileVersion, 3);
});

test('versions are exact', () => {
  for (const kind of ['dependencies', 'devDependencies'])
    for (const [name, version] of Object.entries(manifest[kind] ?? {}))
      assert.match(String(version), /^\d+\.\d+\.\d+$/, name);
});

test('programs that run at installation are allowed by name', () => {
  const allowed = manifest['allowScripts'] ?? {};
  const withScripts = packages.filter(({ hasInstallScript }) => hasInstallScript);
  assert.deepEqual(
    withScripts.filter(({ name }) => !Object.hasOwn(allowed, name)).map(({ name }) => name),
    [],
  );
  const runtime = withScripts.filter(({ dev }) => !dev).map(({ name }) => name);
  assert.deepEqual(runtime, [], 'nothing runs when Exuvia is installed');
});

test('few packages are installed with Exuvia, and each direct one has its reasons written down', () => {
  const direct = Object.keys(manifest['dependencies'] ?? {});
  const reasons = read('docs/decisions/0002-dependencies.md');
  assert.deepEqual(
    direct.filter((name) => !reasons.includes(name)),
    [],
  );
  const installed = packages.filter(({ dev, os }) => !dev && (os === undefined || os.includes('linux')));
  assert.ok(installed.length <= 60, `${installed.length} packages`);
});

/** First versions without holes that were published; `npm audit` asks for the rest where a registry answers it. */
const floors: Readonly<Record<string, string>> = {
  'tar-stream': '3.1.9',
  'fast-glob': '3.3.3',
  braces: '3.0.3',
  micromatch: '4.0.8',
  picomatch: '2.3.2',
  json5: '2.2.2',
  'better-sqlite3': '12.0.0',
  yauzl: '3.2.1',
};

test('no package has a hole that is known', () => {
  for (const { name, version } of packages) {
    const floor = floors[name];
    if (floor !== undefined)
      assert.ok(compareVersions(version, floor) >= 0, `${name} ${version}, want ${floor}`);
  }
  assert.deepEqual(
    packages.filter(({ name }) => ['tar', 'tar-fs', 'adm-zip', 'unzipper'].includes(name)),
    [],
  );
});

test('docs/LICENCES.md lists what the lock file has, and no licence that forbids', () => {
  const run = spawnSync(process.execPath, ['.ci/licences.mjs', '--check'], { cwd: root, encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  const licences = [...read('docs/LICENCES.md').matchAll(/^\| [^|]+ \| [\d.]+[^|]* \| ([^|]+) \|$/gm)].map(
    ([, one]) => one,
  );
  assert.ok(licences.length > 20);
  assert.deepEqual(
    licences.filter((one) => !/^(MIT|ISC|BSD-[23]-Clause|Apache-2\.0|0BSD)$/.test(one ?? '')),
    [],
  );
});

test('a release is published with provenance, from what was tested, with no more rights than that needs', () => {
  const workflow = read('.github/workflows/release.yml');
  assert.match(workflow, /npm publish --provenance/);
  assert.match(workflow, /id-token: write/);
  assert.ok(workflow.indexOf('npm ci') < workflow.indexOf('npm test'));
  assert.ok(workflow.indexOf('npm test') < workflow.indexOf('npm publish'));
  assert.doesNotMatch(workflow, /contents: write|NODE_AUTH_TOKEN|secrets\.|npm install(?! --global npm)/);
});
