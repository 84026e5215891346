import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test('import keeps files that only look like the description of an archive', (context) => {
  const home = temporaryFolder(context);
  const workspace = join(home, 'ws');
  mkdirSync(workspace);
  const names = ['manifest.json', 'exuvia.json', 'note.md'];
  for (const name of names) writeFileSync(join(workspace, name), `{"mine": "${name}"}`);
  execFileSync('tar', ['-czf', 'ws.tar.gz', 'ws'], { cwd: home });
  const imported = runCli(['backup', 'import', 'ws.tar.gz', '--json'], { home });
  assert.equal(imported.status, 0, imported.stderr);
  assert.equal(imported.json.origin, 'folder');
  for (const name of names) {
    assert.equal(runCli(['backup', 'cat', 'latest', `ws/${name}`], { home }).stdout, `{"mine": "${name}"}`);
  }
});

test('export is byte-identical for the same snapshot, whenever and wherever it is made', (context) => {
  const home = temporaryFolder(context);
  mkdirSync(join(home, '.openclaw/workspace'), { recursive: true });
  writeFileSync(join(home, '.openclaw/openclaw.json'), '{}');
  writeFileSync(join(home, '.openclaw/workspace/a.md'), 'a'.repeat(100_000));
  assert.equal(runCli(['backup', 'create'], { home }).status, 0);
  const copy = join(home, 'elsewhere');
  execFileSync('cp', ['-r', join(home, '.openclaw/backups'), copy]);
  for (const layout of ['openclaw', 'home']) {
    for (const ending of ['tar', 'tar.gz', 'tar.zst']) {
      const [one, two] = [`1-${layout}.${ending}`, `2-${layout}.${ending}`];
      assert.equal(runCli(['backup', 'export', 'latest', one, '--layout', layout], { home }).status, 0);
      const env = { TZ: 'Asia/Seoul', EXUVIA_REPOSITORY: copy, EXUVIA_HASH: 'portable' };
      assert.equal(runCli(['backup', 'export', 'latest', two, '--layout', layout], { home, env }).status, 0);
      assert.ok(readFileSync(join(home, one)).equals(readFileSync(join(home, two))), `${layout} ${ending}`);
    }
  }
});

test('a changed byte anywhere in an archive of ours is refused', (context) => {
  const home = temporaryFolder(context);
  mkdirSync(join(home, '.openclaw/workspace'), { recursive: true });
  writeFileSync(join(home, '.openclaw/openclaw.json'), '{}');
  writeFileSync(join(home, '.openclaw/workspace/a.md'), 'some text of the user');
  assert.equal(runCli(['backup', 'create', '--output', 'a.tar'], { home }).status, 0);
  const bytes = readFileSync(join(home, 'a.tar'));
  const at = bytes.indexOf('some text of the user');
  bytes[at] = 'S'.charCodeAt(0);
  writeFileSync(join(home, 'b.tar'), bytes);
  const run = runCli(['backup', 'import', 'b.tar'], { home });
  assert.equal(run.status, 1);
  assert.match(run.stderr, /damaged at .*workspace\/a\.md: its content is not what was archived/);
  assert.equal(runCli(['backup', 'list', '--json'], { home }).json.snapshots.length, 1);
});

test('an archive makes the folders it goes into, for their owner alone, and a dry run makes none', (context) => {
  const home = temporaryFolder(context);
  mkdirSync(join(home, '.openclaw'));
  writeFileSync(join(home, '.openclaw/openclaw.json'), '{}');
  const words = ['backup', 'create', '--output', '~/backups/of home/a.tar.gz'];
  assert.equal(runCli([...words, '--dry-run'], { home }).status, 0);
  assert.equal(existsSync(join(home, 'backups')), false);
  const { status, stderr } = runCli(words, { home });
  assert.equal(status, 0, stderr);
  assert.equal(statSync(join(home, 'backups/of home')).mode & 0o777, 0o700);
  assert.equal(runCli(['backup', 'export', 'latest', 'other/'], { home }).status, 0);
  assert.equal(readdirSync(join(home, 'other')).length, 1);
});

test('names that some file systems take for one are told by verify, import and a dry restore', (context) => {
  const home = temporaryFolder(context);
  mkdirSync(join(home, '.openclaw/workspace'), { recursive: true });
  writeFileSync(join(home, '.openclaw/openclaw.json'), '{}');
  writeFileSync(join(home, '.openclaw/workspace/Notes.md'), 'one');
  const told =
    /"[^"]*Notes\.md" and "[^"]*notes\.md" differ only in case, Unicode form or characters that are not seen/;
  const run = (...words: string[]) => runCli(['backup', ...words], { home });
  const archive = join(home, 'a.tar.gz');
  run('create');
  assert.doesNotMatch(run('verify', 'latest').stdout, /differ only in case/);
  assert.equal(run('restore', 'latest', '--dry-run').stderr, '');
  writeFileSync(join(home, '.openclaw/workspace/notes.md'), 'two');
  assert.equal(run('create', '--output', archive).status, 0);
  for (const subject of ['latest', archive]) {
    const verified = run('verify', subject, '--json');
    assert.equal(verified.status, 0);
    const messages = verified.json.findings.map(({ message }: { message: string }) => message);
    assert.match(messages.join('\n'), told, subject);
    assert.match(run('restore', subject, '--dry-run').stderr, told, subject);
  }
  const imported = run('import', archive);
  assert.equal(imported.status, 0, imported.stderr);
  assert.match(imported.stderr, told);
});
