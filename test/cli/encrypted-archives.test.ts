/** Encrypted archives, judged by the `age` program in both directions. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AgeWriter } from '../../src/codec/age-stream.ts';
import { type CliRun, runCli } from '../helpers/cli.ts';
import { compareFolders } from '../helpers/compare-folders.ts';
import { Seeded } from '../helpers/seeded.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const hasAge = spawnSync('age', ['--version']).status === 0;

interface Place {
  readonly source: string;
  readonly run: (...words: string[]) => CliRun;
  readonly file: (name: string) => string;
  readonly recipient: string;
}

function done(run: CliRun): CliRun {
  assert.equal(run.status, 0, run.stderr + run.stdout);
  return run;
}

function buildPlace(context: TestContext): Place {
  const home = temporaryFolder(context);
  const file = (name: string): string => join(home, name);
  const source = file('source');
  mkdirSync(source);
  const random = new Seeded(3);
  for (let index = 0; index < 5; index++) writeFileSync(join(source, `${index}.bin`), random.bytes(60_000));
  writeFileSync(join(source, 'notes.md'), random.text(4000));
  const run = (...words: string[]): CliRun =>
    runCli([...words, '--repository', file('repository')], { home });
  done(run('backup', 'create', '--source', source));
  if (hasAge) spawnSync('age-keygen', ['-o', file('identity')]);
  const recipient = spawnSync('age-keygen', ['-y', file('identity')], { encoding: 'utf8' }).stdout ?? '';
  return { source, run, file, recipient: recipient.trim() };
}

test('an archive for a recipient is what age reads, and what age writes is read', {
  skip: !hasAge && 'needs age',
}, (context) => {
  const { source, run, file, recipient } = buildPlace(context);
  done(run('backup', 'export', 'latest', file('plain.tar.gz')));
  done(run('backup', 'export', 'latest', file('a.tar.gz.age'), '--encrypt-to', recipient));
  const opened = spawnSync('age', ['-d', '-i', file('identity'), file('a.tar.gz.age')], { maxBuffer: 1e8 });
  assert.deepEqual(opened.stdout, readFileSync(file('plain.tar.gz')), opened.stderr.toString());

  const identity = ['--identity', file('identity')];
  spawnSync('age', ['-r', recipient, '-o', file('b.tgz.age'), file('plain.tar.gz')]);
  for (const archive of ['a.tar.gz.age', 'b.tgz.age']) {
    done(run('backup', 'verify', file(archive), ...identity));
    const diff = done(run('backup', 'diff', 'latest', file(archive), '--json', ...identity));
    assert.deepEqual(diff.json.changes, []);
    const target = file(`from-${archive}`);
    done(run('backup', 'restore', file(archive), '--target', target, ...identity));
    assert.deepEqual(compareFolders(source, target), []);
    done(run('backup', 'import', file(archive), ...identity));
  }
});

test('an archive with a passphrase is what age reads', (context) => {
  const { source, run, file } = buildPlace(context);
  writeFileSync(file('passphrase'), 'correct horse\n');
  const passphrase = ['--archive-passphrase-file', file('passphrase')];
  done(run('backup', 'create', '--source', source, '--output', file('a.tar.zst.age'), ...passphrase));
  done(run('backup', 'verify', file('a.tar.zst.age'), ...passphrase));
  writeFileSync(file('wrong'), 'wrong horse\n');
  const wrong = run('backup', 'import', file('a.tar.zst.age'), '--archive-passphrase-file', file('wrong'));
  assert.equal(wrong.status, 12);
  assert.match(wrong.stderr, /does not fit/);
  if (spawnSync('script', ['--version']).status !== 0 || !hasAge) return;
  // age asks a terminal for the passphrase: script makes one.
  const words = `age -d -o '${file('a.tar.zst')}' '${file('a.tar.zst.age')}'`;
  spawnSync('script', ['-qec', words, '/dev/null'], { input: 'correct horse\n' });
  assert.equal(readFileSync(file('a.tar.zst')).readUInt32LE(0), 0xfd2fb528, 'a zstd frame');
});

test('a cut, a changed byte, no key, a wrong key: found, one sentence', {
  skip: !hasAge && 'needs age',
}, (context) => {
  const { run, file, recipient } = buildPlace(context);
  done(run('backup', 'export', 'latest', file('a.tar.age'), '--encrypt-to', recipient));
  const identity = ['--identity', file('identity')];
  const bytes = readFileSync(file('a.tar.age'));
  const changed = Buffer.from(bytes);
  changed[150_000] = (changed[150_000] ?? 0) ^ 4;
  const header = Buffer.from(bytes);
  header[60] = (header[60] ?? 0) ^ 1;
  const cases: [string, Buffer, number][] = [
    ['changed', changed, 4],
    ['cut', bytes.subarray(0, 200_000), 4],
    ['cut at a chunk', bytes.subarray(0, bytes.indexOf('\n--- ') + 49 + 16 + 65_552 * 2), 4],
    ['cut in its header', bytes.subarray(0, 100), 1],
  ];
  for (const [name, content, status] of cases) {
    writeFileSync(file('broken.age'), content);
    const broken = run('backup', 'import', file('broken.age'), ...identity);
    assert.equal(broken.status, status, `${name}: ${broken.stderr}`);
    assert.match(broken.stderr, /cut short|not what was written/, name);
  }
  writeFileSync(file('broken.age'), header);
  assert.notEqual(run('backup', 'import', file('broken.age'), ...identity).status, 0);
  const without = run('backup', 'import', file('a.tar.age'));
  assert.equal(without.status, 12);
  assert.match(without.stderr, /encrypted, and no key was given/);
  spawnSync('age-keygen', ['-o', file('other')]);
  const other = run('backup', 'import', file('a.tar.age'), '--identity', file('other'));
  assert.equal(other.status, 12);
  assert.match(other.stderr, /does not fit/);
  assert.equal(run('backup', 'export', 'latest', file('b.tar'), '--encrypt-to', 'age1nobody').status, 2);
  assert.equal(run('backup', 'list', '--json').json.snapshots.length, 1, 'nothing was imported');
});

test('AgeWriter writes what age reads, whatever the length', {
  skip: !hasAge && 'needs age',
}, async (context) => {
  const { file, recipient } = buildPlace(context);
  const { newAgeFile } = await import('../../src/codec/age.ts');
  for (const length of [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000]) {
    const content = new Seeded(length + 1).bytes(length);
    const parts: Buffer[] = [];
    const writer = new AgeWriter(
      await newAgeFile({ recipients: [recipient] }),
      new Seeded(1).bytes(16),
      (bytes) => {
        parts.push(Buffer.from(bytes));
      },
    );
    for (let at = 0; at < length; at += 9999) writer.write(content.subarray(at, at + 9999));
    writer.finish();
    const run = spawnSync('age', ['-d', '-i', file('identity')], { input: Buffer.concat(parts) });
    assert.equal(run.status, 0, run.stderr.toString());
    assert.deepEqual(run.stdout, Buffer.from(content), `${length} bytes`);
  }
});
