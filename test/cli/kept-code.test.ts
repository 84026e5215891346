/** The code that the launcher keeps from run to run: it is made, used, renewed, and never in the way. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hashBytes } from '../../src/codec/hash.ts';
import { runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const runsAt = 4;
const sourceHashAt = 8;
const codeHashAt = 24;
const headerBytes = 40;

interface Site {
  readonly folder: string;
  /** Runs the command line, which has to print its version. */
  readonly run: (env?: Readonly<Record<string, string>>) => void;
  /** The file that is kept of the bundle's first. */
  readonly kept: () => Buffer;
  readonly write: (bytes: Uint8Array) => void;
}

function buildSite(context: TestContext): Site {
  const home = temporaryFolder(context);
  const folder = join(home, '.cache', 'exuvia', 'code');
  const place = (): string => {
    const name = readdirSync(folder).find((one) => one.startsWith('main.cjs-'));
    assert.ok(name !== undefined, 'code is kept');
    return join(folder, name);
  };
  return {
    folder,
    run: (env = {}) => {
      const { status, stdout, stderr } = runCli(['--version'], { home, env });
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, /^\d+\.\d+\.\d+/);
    },
    kept: () => readFileSync(place()),
    write: (bytes) => writeFileSync(place(), bytes),
  };
}

function runsOf(kept: Buffer): number {
  return kept.readUInt32LE(runsAt);
}

test('the launcher keeps what the first three runs compile', (context) => {
  const site = buildSite(context);
  const runs: number[] = [];
  for (let run = 0; run < 4; run++) {
    site.run();
    runs.push(runsOf(site.kept()));
  }
  assert.deepEqual(runs, [1, 2, 3, 3]);
});

test('the launcher keeps what the first three runs compile that store something, whatever ran before', (context) => {
  const home = temporaryFolder(context);
  const source = join(home, 'source');
  mkdirSync(source);
  const words = ['backup', 'create', '--source', source, '--repository', join(home, 'repository')];
  const folder = join(home, '.cache', 'exuvia', 'code');
  const runsNow = (): readonly number[] => {
    const name = readdirSync(folder).find((one) => one.startsWith('create.cjs-'));
    const kept = readFileSync(join(folder, name ?? ''));
    return [kept.readUInt16LE(runsAt), kept.readUInt16LE(runsAt + 2)];
  };
  const runs = [1, 2, 3, 4, 0, 5, 0, 6, 7].map((number) => {
    if (number > 4) writeFileSync(join(source, 'file'), `${number} `.repeat(500));
    const { status, stderr } = runCli(words, { home });
    assert.deepEqual([status, stderr], [0, '']);
    return runsNow();
  });
  const [first] = runs; // it makes the repository, and stores the folder itself
  assert.deepEqual(first, [0, 1]);
  assert.deepEqual(runs.slice(1, 5), [
    [1, 1],
    [2, 1],
    [3, 1],
    [3, 1],
  ]);
  assert.deepEqual(runs.slice(5), [
    [3, 2],
    [3, 2],
    [3, 3],
    [3, 3],
  ]);
});

test('the launcher does not run kept code that rotted, is cut off, or is of another source', (context) => {
  const site = buildSite(context);
  for (let run = 0; run < 3; run++) site.run();
  const whole = site.kept();
  const damages: readonly ((bytes: Buffer) => Buffer)[] = [
    (bytes) => {
      const at = headerBytes + ((bytes.length - headerBytes) >> 1);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return bytes;
    },
    (bytes) => bytes.subarray(0, bytes.length - 1),
    (bytes) => bytes.subarray(0, headerBytes - 1),
    (bytes) => bytes.subarray(0, 0),
    (bytes) => {
      bytes[sourceHashAt] = (bytes[sourceHashAt] ?? 0) ^ 1;
      return bytes;
    },
  ];
  for (const damage of damages) {
    site.write(damage(Buffer.from(whole)));
    site.run();
    assert.equal(runsOf(site.kept()), 1, 'it was made anew');
  }
});

test('the launcher makes code anew that V8 does not take', (context) => {
  const site = buildSite(context);
  for (let run = 0; run < 3; run++) site.run();
  const code = Buffer.from('no code of V8 at all');
  const header = site.kept().subarray(0, headerBytes);
  Buffer.from(hashBytes(code)).copy(header, codeHashAt, 0, headerBytes - codeHashAt);
  site.write(Buffer.concat([header, code]));
  site.run();
  assert.equal(runsOf(site.kept()), 1);
});

test('the launcher keeps no code where others can write, or where that is not wanted', (context) => {
  const site = buildSite(context);
  site.run({ NODE_DISABLE_COMPILE_CACHE: '1' });
  assert.equal(existsSync(site.folder), false);
  mkdirSync(site.folder, { recursive: true });
  chmodSync(site.folder, 0o777);
  site.run();
  assert.deepEqual(readdirSync(site.folder), []);
});

test('the launcher does without the native hash where it is not wanted', (context) => {
  const site = buildSite(context);
  site.run({ EXUVIA_HASH: 'portable' });
  assert.ok(!readdirSync(site.folder).some((name) => name.startsWith('main.cjs-')));
});

test('the launcher runs where nothing can be kept', (context) => {
  const site = buildSite(context);
  mkdirSync(join(site.folder, '..', '..'), { recursive: true });
  writeFileSync(join(site.folder, '..'), 'a file where the folder should be');
  site.run();
});

test('the launcher has Node keep the code of packages, and only in runs that load one', (context) => {
  const home = temporaryFolder(context);
  const folder = join(home, '.cache', 'exuvia', 'code');
  const keptByNode = (): boolean =>
    readdirSync(folder, { withFileTypes: true }).some((one) => one.isDirectory());
  assert.equal(runCli(['--version'], { home }).status, 0);
  assert.equal(keptByNode(), false);
  const archive = join(home, 'archive.zip');
  writeFileSync(archive, Buffer.concat([Buffer.from('PK\x05\x06', 'latin1'), Buffer.alloc(18)]));
  runCli(['backup', 'verify', archive], { home }); // an empty archive is none of ours, which it says after having read it
  assert.equal(keptByNode(), true);
});
