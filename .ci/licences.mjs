// Writes docs/LICENCES.md: every package that is installed with Exuvia, and its licence. `--check` only compares.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = join(root, 'docs/LICENCES.md');
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));

function licenceOf(path, entry) {
  const manifest = join(root, path, 'package.json');
  // Those for other platforms are not installed here: the lock file says.
  const own = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).license : undefined;
  return own ?? entry.license ?? 'not said';
}

const lines = Object.entries(packages)
  .filter(([path, entry]) => path !== '' && !entry.dev)
  .map(([path, entry]) => [path.replace(/^.*node_modules\//, ''), entry.version, licenceOf(path, entry)])
  .sort(([a, ,], [b, ,]) => (a < b ? -1 : 1))
  .map((row) => `| ${row.join(' | ')} |`);

const text = `# Licences

Exuvia is MIT. These packages are installed with it; \`node .ci/licences.mjs\` writes this page from the lock file.

| package | version | licence |
| --- | --- | --- |
${lines.join('\n')}
`;

if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
  console.error('docs/LICENCES.md is not what the lock file says: run node .ci/licences.mjs');
  process.exit(1);
}
