import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemEnvironment } from '../../../src/operations/environment.ts';
import { installShim, removeShim, shimStatus } from '../../../src/operations/shim.ts';
import { batchShim } from '../../../src/operations/shim-scripts.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const golden = fileURLToPath(new URL('../../golden/shim/openclaw.cmd', import.meta.url));
const profile = 'C:\\Users\\Jo & 100%';
const target = {
  node: 'C:\\Program Files\\nodejs\\node.exe',
  launcher: `${profile}\\AppData\\npm 100%\\node_modules\\exuvia\\dist\\launcher.cjs`,
};

test('the text of openclaw.cmd is the golden one', () => {
  const text = batchShim(target, profile);
  if (process.env['EXUVIA_UPDATE_GOLDEN']) writeFileSync(golden, text);
  assert.equal(text, readFileSync(golden, 'utf8'));
});

test('batchShim() ends each line as Windows wants it, and jumps to labels that are there', () => {
  const text = batchShim(target, profile);
  assert.equal(text.replaceAll('\r\n', '').search(/[\r\n]/), -1);
  const labels = new Set([...text.matchAll(/^:(\w+)\r$/gm)].map(([, name]) => name));
  for (const [, name] of text.matchAll(/goto :(\w+)/g)) assert.ok(labels.has(name), name);
  const variables = new Set([...text.matchAll(/set (?:\/p )?"(exuvia_\w+)=/g)].map(([, name]) => name));
  for (const [, name] of text.matchAll(/[%!](exuvia_\w+)/g)) assert.ok(variables.has(name), name);
});

test('batchShim() names the folder of the user whatever its letters, and has the code page changed for others', () => {
  const user = 'C:\\Users\\사용자';
  const inside = batchShim({ ...target, launcher: `${user}\\npm\\launcher.cjs` }, user);
  assert.match(inside, /set "exuvia_launcher=%USERPROFILE%\\npm\\launcher\.cjs"\r\n/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: nothing but ASCII
  assert.match(inside, /^[\x00-\x7f]*$/);
  const beside = batchShim({ ...target, launcher: 'D:\\도구\\launcher.cjs' }, user);
  assert.match(
    beside,
    /\r\nchcp 65001 >nul\r\n.*\r\n.*D:\\도구\\launcher\.cjs"\r\nchcp %exuvia_page% >nul\r\n/,
  );
});

/** Windows by its platform; the folders are of this machine, as the shim only joins names to them. */
function windows(context: TestContext) {
  const home = temporaryFolder(context);
  const real = join(home, 'npm');
  const shim = join(home, '.exuvia/bin');
  mkdirSync(real);
  for (const name of ['openclaw', 'openclaw.cmd']) writeFileSync(join(real, name), 'the real one');
  const env = { PATH: [shim, real].join(';') };
  return {
    ...{ home, real, shim },
    environment: systemEnvironment({ platform: 'win32', osHome: home, env, cwd: home }),
  };
}

test('installShim() on Windows writes a batch file and the script for a shell, and removeShim() takes both', (context) => {
  const { environment, shim, real } = windows(context);
  const installed = installShim(environment, {}, target);
  const [batch, script] = [join(shim, 'openclaw.cmd'), join(shim, 'openclaw')];
  assert.deepEqual(
    installed.files.map(({ path }) => path),
    [batch, script],
  );
  for (const { path, content } of installed.files) assert.equal(readFileSync(path, 'utf8'), content);
  assert.match(readFileSync(script, 'utf8'), /^#!\/bin\/sh\n/);
  assert.deepEqual(shimStatus(environment, {}), {
    path: batch,
    installed: true,
    isFirst: true,
    openclaw: join(real, 'openclaw.cmd'),
  });
  assert.equal(removeShim(environment, {}).removed, true);
  assert.deepEqual([existsSync(batch), existsSync(script)], [false, false]);
  assert.equal(shimStatus(environment, {}).installed, false);
});

test('installShim() on Windows writes nothing when one of its places is taken', (context) => {
  const { environment, shim } = windows(context);
  mkdirSync(shim, { recursive: true });
  writeFileSync(join(shim, 'openclaw'), 'mine');
  assert.throws(() => installShim(environment, {}, target), /openclaw is not a shim of Exuvia/);
  assert.equal(existsSync(join(shim, 'openclaw.cmd')), false);
});

test('shimStatus() takes no folder for a program', (context) => {
  const home = temporaryFolder(context);
  const [first, second] = [join(home, 'a'), join(home, 'b')];
  mkdirSync(join(first, 'openclaw'), { recursive: true });
  mkdirSync(second);
  writeFileSync(join(second, 'openclaw'), '#!/bin/sh\n');
  chmodSync(join(second, 'openclaw'), 0o755);
  const environment = systemEnvironment({ osHome: home, env: { PATH: `${first}:${second}` }, cwd: home });
  assert.equal(shimStatus(environment, {}).openclaw, join(second, 'openclaw'));
});
