import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const src = fileURLToPath(new URL('../../src', import.meta.url));

/** Folders of one row do not import one another; a folder may import those of earlier rows. */
const layers: readonly (readonly string[])[] = [
  ['model'],
  ['codec', 'chunker', 'io'],
  ['tree'],
  ['repository'],
  ['walker', 'sqlite'],
  ['archiver', 'restorer', 'diff', 'retention', 'prune', 'checker', 'portable'],
  ['openclaw'],
  ['operations'],
  ['scheduler'],
];
/** They work on the interfaces of model/, so that any store will do. */
const withoutRepository = new Set([
  'archiver',
  'restorer',
  'diff',
  'retention',
  'prune',
  'checker',
  'portable',
]);

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.includes('assembly'))
  .map((name) => name.replaceAll('\\', '/'));

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8');
  const found = [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((match) => match[1] ?? '');
  return found.map((path) => relative(src, resolve(src, dirname(file), path)).replaceAll('\\', '/'));
}

function rowOf(folder: string): number {
  return layers.findIndex((row) => row.includes(folder));
}

test('imports go to the same folder or a lower layer', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const [folder = '', rest] = file.split('/');
    if (rest === undefined || folder === 'cli') continue;
    assert.notEqual(rowOf(folder), -1, `src/${folder} has no layer`);
    for (const imported of importsOf(file)) {
      const target = imported.split('/')[0] ?? '';
      if (target === folder) continue;
      if (rowOf(target) === -1 || rowOf(target) >= rowOf(folder)) wrong.push(`${file} imports ${imported}`);
      if (withoutRepository.has(folder) && target === 'repository') wrong.push(`${file} imports ${imported}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('cli imports only index.ts', () => {
  const wrong = files
    .filter((file) => file.startsWith('cli/'))
    .flatMap((file) => importsOf(file).map((imported) => ({ file, imported })))
    .filter(({ imported }) => !imported.startsWith('cli/') && imported !== 'index.ts');
  assert.deepEqual(wrong, []);
});

test('only cli knows commander, the console and exit codes', () => {
  const wrong = files.filter((file) => {
    if (file.startsWith('cli/') || file.includes('capture-child')) return false;
    const text = readFileSync(join(src, file), 'utf8');
    return /from 'commander'|process\.exit\(|process\.stdout|console\.(log|error)/.test(text);
  });
  assert.deepEqual(wrong, []);
});

test('there is no barrel but index.ts, no default export, no enum', () => {
  const wrong = files.filter((file) => {
    const text = readFileSync(join(src, file), 'utf8');
    return /^export \* from|^export default|^(export )?(const )?enum /m.test(text);
  });
  assert.deepEqual(wrong, []);
});
