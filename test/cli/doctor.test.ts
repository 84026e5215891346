import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

function smallHome(context: TestContext) {
  const home = temporaryFolder(context);
  const state = join(home, '.openclaw');
  mkdirSync(state, { mode: 0o700 });
  const put = (path: string, content: string): void =>
    writeFileSync(join(state, path), content, { mode: 0o600 });
  put('openclaw.json', '{ "gateway": { "port": 1 } }');
  const doctor = () => {
    const { status, json } = runCli(['doctor', '--json'], { home });
    const lines = json.lines as { about: string; level: string; message: string; hint?: string }[];
    return { status, lines, of: (about: string) => lines.filter((line) => line.about === about) };
  };
  return { home, state, put, doctor };
}

test('doctor has a line for each thing, and knows a home that is well', (context) => {
  const { home, put, doctor } = smallHome(context);
  put('exuvia.json5', '{ backup: { auto: true } }');
  assert.equal(runCli(['backup', 'create'], { home }).status, 0);
  const { status, lines } = doctor();
  assert.equal(status, 0);
  assert.deepEqual(
    lines.map(({ about, level }) => `${about} ${level}`),
    [
      'state directory ok',
      'configuration ok',
      'settings ok',
      'automatic backup ok',
      'timer warning',
      'gateway ok',
      'repository ok',
      'last backup ok',
      'free space ok',
      'permissions ok',
    ],
  );
  assert.match(runCli(['doctor'], { home }).stdout, /^repository +ok +.*1 snapshot$/m);
});

test('doctor says what to do where something is missing', (context) => {
  const { status, json } = runCli(['doctor', '--json'], { home: temporaryFolder(context) });
  assert.equal(status, 1);
  assert.match(json.lines[0].message, /\.openclaw is not there/);
  assert.match(json.lines[0].hint, /--state-dir/);
});

test('doctor finds broken settings, open secrets, an unreadable configuration and damage', (context) => {
  const { home, state, put, doctor } = smallHome(context);
  assert.equal(runCli(['backup', 'create'], { home }).status, 0);
  put('exuvia.json5', '{\n backup: { autos: true } }');
  assert.match(doctor().of('settings')[0]?.message ?? '', /line 2: unknown key "autos"/);
  put('exuvia.json5', '{}');
  chmodSync(join(state, 'openclaw.json'), 0o644);
  assert.match(doctor().of('permissions')[0]?.hint ?? '', /^chmod go-rwx .*openclaw\.json$/);
  put('openclaw.json', '{ broken');
  assert.equal(doctor().of('configuration')[0]?.level, 'warning');
  rmSync(join(state, 'backups/local'), { recursive: true }); // what is known need not be read again
  const folder = join(state, 'backups/snapshots');
  writeFileSync(join(folder, readdirSync(folder)[0] ?? ''), 'damage');
  const { status, of } = doctor();
  assert.equal(status, 1);
  assert.equal(of('repository')[0]?.level, 'error');
});
