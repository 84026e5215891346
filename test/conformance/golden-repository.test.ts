/** Repositories of every released format, read by this program and by a reader made from docs/FORMAT.md alone. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { formatParameters, parseParameters } from '../../src/codec/parameters.ts';
import type { Expected, ExpectedEntry, ExpectedSnapshot } from '../golden/make-repository.ts';
import { expectedEntries } from '../golden/make-repository.ts';
import { runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const golden = fileURLToPath(new URL('../golden/repository-v1', import.meta.url));
const reader = fileURLToPath(new URL('../golden/reader.py', import.meta.url));
const expected = JSON.parse(readFileSync(join(golden, 'expected.json'), 'utf8')) as Expected;

function copyOfGolden(context: TestContext): { home: string; repository: string } {
  const home = temporaryFolder(context);
  const repository = join(home, 'repository');
  cpSync(join(golden, 'repository'), repository, { recursive: true });
  return { home, repository };
}

function inReading(snapshots: readonly ExpectedSnapshot[]): unknown {
  const sortedEntry = (entry: ExpectedEntry) => Object.entries(entry).sort();
  return snapshots.map(({ entries, ...rest }) => [Object.entries(rest).sort(), entries.map(sortedEntry)]);
}

function hasProgram(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0;
}

test('the golden repository is what docs/FORMAT.md says: an independent reader finds all of it', (context) => {
  if (!hasProgram('python3') || !hasProgram('zstd')) return context.skip('needs python3 and zstd');
  const { status, stdout, stderr } = spawnSync('python3', [reader, join(golden, 'repository')], {
    encoding: 'utf8',
    maxBuffer: 1 << 24,
  });
  assert.equal(status, 0, stderr);
  const found = JSON.parse(stdout) as Expected;
  assert.deepEqual(inReading(found.snapshots), inReading(expected.snapshots));
});

test('what this version writes is what docs/FORMAT.md says', (context) => {
  if (!hasProgram('python3') || !hasProgram('zstd')) return context.skip('needs python3 and zstd');
  const home = temporaryFolder(context);
  const source = join(home, 'source');
  cpSync(fileURLToPath(new URL('../../docs', import.meta.url)), source, { recursive: true });
  for (let index = 0; index < 40; index++) writeFileSync(join(source, `n${index * 7919}`), `${index}`);
  const repository = join(home, 'repository');
  for (const round of ['one', 'two']) {
    writeFileSync(join(source, 'round'), round);
    const run = runCli(['backup', 'create', '--source', source, '--repository', repository], { home });
    assert.equal(run.status, 0, run.stderr);
  }
  const { status, stdout, stderr } = spawnSync('python3', [reader, repository], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const found = JSON.parse(stdout) as Expected;
  assert.equal(found.snapshots.length, 2);
  const round = found.snapshots.map(({ entries }) =>
    entries.find((entry) => entry.path === Buffer.from('round').toString('base64')),
  );
  assert.deepEqual(
    round.map((entry) => entry?.sha256),
    ['one', 'two'].map((text) => createHash('sha256').update(text).digest('hex')),
  );
});

test('the golden repository is opened without local/, and each snapshot restores as it was', (context) => {
  const { home, repository } = copyOfGolden(context);
  for (const snapshot of expected.snapshots) {
    const target = join(home, `restored-${snapshot.sequence}`);
    const words = ['--repository', repository, '--target', target, '--json'];
    const { status, stderr, json } = runCli(['backup', 'restore', snapshot.time, ...words], { home });
    assert.equal(status, 0, stderr);
    assert.equal(json.failures.length, 0);
    const [folder = ''] = readdirSync(target);
    const restored = existsSync(join(target, 'many')) ? target : join(target, folder);
    const found = expectedEntries(restored);
    assert.deepEqual(found.map(comparable), snapshot.entries.map(comparable));
  }
  const list = runCli(['backup', 'list', '--json', '--repository', repository], { home }).json;
  assert.deepEqual(
    list.snapshots.map((one: ExpectedSnapshot) => [one.time, one.tags, one.message]),
    expected.snapshots.map((one) => [one.time, one.tags, one.message]),
  );
});

/** Times with the 2 µs that setting them costs. */
function comparable({ mtimeNs, ...entry }: ExpectedEntry): unknown {
  return { ...entry, mtime: Math.round(Number(BigInt(mtimeNs) / 1000n) / 4) };
}

const parametersName = 'exuvia-repository.json';

function changeParameters(repository: string, change: object): void {
  const path = join(repository, parametersName);
  const { checksum: _, ...members } = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, formatParameters({ ...members, ...change }));
}

for (const [name, change, message] of [
  ['a newer format', { version: 2 }, /format version 2/],
  ['an unknown feature', { requiredFeatures: ['time-travel'] }, /time-travel/],
] as const) {
  test(`a repository of ${name} is refused by name`, (context) => {
    const { home, repository } = copyOfGolden(context);
    changeParameters(repository, change);
    const { status, stderr } = runCli(['backup', 'list', '--repository', repository], { home });
    assert.equal(status, 1);
    assert.match(stderr, message);
    assert.match(stderr, /newer version/);
    assert.equal(existsSync(join(repository, 'local')), false, 'nothing was made in it');
  });
}

test('no byte of the parameters can change unseen', (context) => {
  const { repository } = copyOfGolden(context);
  const path = join(repository, parametersName);
  const text = readFileSync(path, 'utf8');
  for (let at = 0; at < text.length; at++) {
    const changed = `${text.slice(0, at)}${text[at] === '7' ? '8' : '7'}${text.slice(at + 1)}`;
    assert.throws(() => parseParameters(changed, path));
  }
});

test('one damaged pack or snapshot is named, and the rest is still read', (context) => {
  const { home, repository } = copyOfGolden(context);
  const newest = readdirSync(join(repository, 'snapshots')).sort().at(-1) ?? '';
  rmSync(join(repository, 'snapshots', newest));
  writeFileSync(join(repository, 'snapshots', newest), 'not a snapshot');
  const { status, json } = runCli(['backup', 'list', '--json', '--repository', repository], { home });
  assert.equal(status, 4);
  assert.equal(json.snapshots.length, 2);
  assert.match(json.damaged[0].message, new RegExp(newest));
});
