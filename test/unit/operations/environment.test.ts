import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemEnvironment } from '../../../src/operations/environment.ts';

test('systemEnvironment() gives names that are unique', () => {
  const { unique } = systemEnvironment();
  const names = Array.from({ length: 1000 }, () => Buffer.from(unique?.(16) ?? []).toString('hex'));
  assert.ok(names.every((name) => name.length === 32));
  assert.equal(new Set(names).size, names.length);
});

test('systemEnvironment() takes names from the random bytes that it is given', () => {
  const random = (count: number) => new Uint8Array(count).fill(7);
  assert.equal(systemEnvironment({ random }).unique, random);
});

test('a name is made without node:crypto, random bytes with it', {
  skip: process.platform === 'linux' ? false : 'elsewhere names are random bytes',
}, () => {
  const module = fileURLToPath(new URL('../../../src/operations/environment.ts', import.meta.url));
  const program = `const { systemEnvironment } = await import(${JSON.stringify(module)});
    const { unique, random } = systemEnvironment();
    const isLoaded = () => process.moduleLoadList.includes('NativeModule crypto');
    unique(16);
    const before = isLoaded();
    random(16);
    console.log(JSON.stringify([before, isLoaded()]));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  assert.equal(stdout.trim(), '[false,true]', stderr);
});
