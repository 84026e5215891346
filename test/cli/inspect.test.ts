import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../helpers/cli.ts';
import { buildFileEraHome } from '../helpers/homes.ts';
import { Seeded } from '../helpers/seeded.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test('backup components shows every component of a home with paths and sizes, and what is left out and why', async (context) => {
  const built = await buildFileEraHome(temporaryFolder(context), 3);
  context.after(() => built.close());
  const { status, json } = runCli(['backup', 'components', '--json'], { home: built.home });
  assert.equal(status, 0);
  const found = Object.fromEntries(json.components.map((one: { name: string }) => [one.name, one]));
  for (const name of [
    'config',
    'credentials',
    'sessions',
    'memory',
    'workspace',
    'logs',
    'cron',
    'extensions',
  ]) {
    const { files, bytes, paths } = found[name];
    assert.ok(files > 0 && bytes > 0 && paths.length > 0, name);
  }
  assert.ok(found['config'].paths.some(({ path }: { path: string }) => path === 'openclaw.json'));
  assert.ok(found['credentials'].paths.some(({ path }: { path: string }) => path === 'credentials/whatsapp'));
  const modules = found['extensions'].leftOut.find(({ path }: { path: string }) =>
    path.endsWith('node_modules'),
  );
  assert.equal(modules.reason, 'installed packages');
  const text = runCli(['backup', 'components'], { home: built.home }).stdout;
  assert.match(text, /extensions\/demo\/node_modules: left out by default: installed packages/);
});

test('backup components works without OpenClaw', (context) => {
  const home = temporaryFolder(context);
  const { status, json } = runCli(['backup', 'components', '--json'], { home });
  assert.equal(status, 0);
  assert.ok(json.components.every((one: { files: number }) => one.files === 0));
});

function smallHome(context: TestContext): { home: string; put: (path: string, content: string) => void } {
  const home = temporaryFolder(context);
  const put = (path: string, content: string): void => {
    const full = join(home, '.openclaw', path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content, { mode: 0o600 });
  };
  put('openclaw.json', '{ "meta": { "lastTouchedVersion": "2026.9.6" } }');
  put('workspace/a.md', 'hello '.repeat(20_000));
  put('credentials/telegram.json', '{}');
  return { home, put };
}

function levels(findings: readonly { about: string; level: string }[]): string[] {
  return findings.map(({ about, level }) => `${about} ${level}`);
}

test('backup verify reads all of a snapshot or an archive, and finds what is damaged', (context) => {
  const { home } = smallHome(context);
  assert.equal(runCli(['backup', 'create', '--output', 'x.tar.gz'], { home }).status, 0);
  for (const subject of ['latest', 'x.tar.gz']) {
    const { status, json } = runCli(['backup', 'verify', subject, '--json'], { home });
    assert.equal(status, 0);
    assert.deepEqual(levels(json.findings), ['integrity ok', 'version ok', 'permissions ok']);
    assert.ok(json.files >= 3 && json.bytes >= 120_000);
  }
  const archive = readFileSync(join(home, 'x.tar.gz'));
  writeFileSync(join(home, 'cut.tar.gz'), archive.subarray(0, archive.length - 200));
  const cut = runCli(['backup', 'verify', 'cut.tar.gz', '--json'], { home });
  assert.equal(cut.status, 4);
  assert.equal(cut.json.ok, false);
  assert.match(cut.json.findings[0].message, /cut short/);
  const packs = join(home, '.openclaw/backups/packs');
  const [folder = ''] = readdirSync(packs);
  const [name = ''] = readdirSync(join(packs, folder));
  const pack = readFileSync(join(packs, folder, name));
  pack[60] = (pack[60] ?? 0) ^ 1;
  writeFileSync(join(packs, folder, name), pack);
  const flipped = runCli(['backup', 'verify', 'latest'], { home });
  assert.equal(flipped.status, 4);
  assert.match(flipped.stdout, /integrity +ERROR .*checksum/);
});

test('backup verify reads more than it keeps in memory', (context) => {
  const { home, put } = smallHome(context);
  const random = new Seeded(1);
  for (let file = 0; file < 12; file++)
    put(`workspace/${file}.txt`, random.bytes(2_500_000).toString('base64'));
  assert.equal(runCli(['backup', 'create'], { home }).status, 0);
  const { status, json } = runCli(['backup', 'verify', 'latest', '--json'], { home });
  assert.deepEqual([status, json.ok, json.files], [0, true, 15]);
});

test('backup verify warns of a newer OpenClaw, and of secrets that others could read', (context) => {
  const { home, put } = smallHome(context);
  chmodSync(join(home, '.openclaw/credentials/telegram.json'), 0o644);
  assert.equal(runCli(['backup', 'create'], { home }).status, 0);
  put('openclaw.json', '{ "meta": { "lastTouchedVersion": "2026.8.30" } }');
  const { status, json } = runCli(['backup', 'verify', 'latest', '--json'], { home });
  assert.equal(status, 0, 'warnings do not keep it from being restored');
  assert.deepEqual(levels(json.findings), [
    'integrity ok',
    'version warning',
    'permissions warning',
    'permissions ok',
  ]);
  assert.match(json.findings[1].message, /made under OpenClaw 2026\.9\.6, newer than 2026\.8\.30/);
  assert.match(json.findings[2].message, /credentials\/telegram\.json/);
});
