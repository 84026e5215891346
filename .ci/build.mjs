// Makes what ships: the library (one module per source file, with types) and the command line (bundled, split
// by command so that a run loads only what it needs).
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

// Beside the old one until it is whole: a failed build leaves what worked.
const next = 'dist.next';
rmSync(next, { recursive: true, force: true });
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

const types = spawnSync('tsc', ['-p', 'tsconfig.build.json', '--outDir', next], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
if (types.status !== 0) process.exit(types.status ?? 1);

await build({
  entryPoints: { main: 'src/cli/main.ts', 'capture-child': 'src/sqlite/capture-child.ts' },
  outdir: `${next}/bundle`,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.18',
  minifySyntax: true,
  external: ['better-sqlite3', '@napi-rs/blake-hash', 'yauzl'],
  define: { EXUVIA_VERSION: JSON.stringify(version) },
  banner: {
    js: "import { createRequire as exuviaCreateRequire } from 'node:module'; const require = exuviaCreateRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
copyFileSync('src/cli/launcher.js', `${next}/launcher.js`);
chmodSync(`${next}/launcher.js`, 0o755);
rmSync('dist', { recursive: true, force: true });
renameSync(next, 'dist');
