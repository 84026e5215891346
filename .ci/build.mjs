// Makes what ships: the library (one module per source file, with types) and the command line (bundled, split
// by command so that a run loads only what it needs).
import { isAscii } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { build } from 'esbuild';
import { plugins } from './bundle-plugins.mjs';

// Beside the old one until it is whole: a failed build leaves what worked.
const next = 'dist.next';
rmSync(next, { recursive: true, force: true });
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

const types = spawnSync('tsc', ['-p', 'tsconfig.build.json', '--outDir', next], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
if (types.error !== undefined) console.error(`Cannot run tsc (${types.error.message}): use npm run build.`);
if (types.status !== 0) process.exit(types.status ?? 1);

const commands = readdirSync('src/cli/commands');
/** Files that are the first of a process or a thread. */
const runByNode = ['capture-child.cjs', 'frame-thread.cjs'];

// CommonJS: see the launcher. One file for each command, without shared chunks: two files load faster than twelve.
await build({
  plugins,
  entryPoints: {
    main: 'src/cli/main.ts',
    'capture-child': 'src/sqlite/capture-child.ts',
    'frame-thread': 'src/repository/frame-thread.ts',
    ...Object.fromEntries(commands.map((name) => [name.replace('.ts', ''), `src/cli/commands/${name}`])),
  },
  outdir: `${next}/bundle`,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node22.18',
  supported: { 'dynamic-import': false },
  minifySyntax: true,
  external: ['better-sqlite3/package.json', '@napi-rs/blake-hash', 'yauzl', 'age-encryption'],
  define: { EXUVIA_VERSION: JSON.stringify(version), 'import.meta.url': 'exuviaModuleUrl' },
  banner: { js: "const exuviaModuleUrl = require('node:url').pathToFileURL(__filename).href;" },
  logLevel: 'warning',
});
for (const name of readdirSync(`${next}/bundle`)) {
  writeAsAscii(`${next}/bundle/${name}`);
  if (!runByNode.includes(name)) wrap(`${next}/bundle/${name}`);
}
copyFileSync('src/cli/launcher.cjs', `${next}/launcher.cjs`);
chmodSync(`${next}/launcher.cjs`, 0o755);
rmSync('dist', { recursive: true, force: true });
renameSync(next, 'dist');

/**
 * What the launcher calls, as it stands: V8 need not be given half a megabyte of text once more with something put around it. It is what
 * the file exports, and where it is run as a script, without a module, what it gives.
 */
function wrap(path) {
  const head =
    "(typeof module === 'object' ? (run) => (module.exports = run) : (run) => run)((function (exports, require, module, __filename, __dirname) {";
  writeFileSync(path, `${head}${readFileSync(path, 'latin1')}\n}))`, 'latin1');
}

/** The launcher reads it as such, V8 holds it in half the space. esbuild writes other characters as escapes, but for those of comments. */
function writeAsAscii(path) {
  const ascii = readFileSync(path, 'utf8').replace(/^\s*\/\/.*$/gm, (line) =>
    line.replace(/[^\0-\x7f]/g, '?'),
  );
  if (!isAscii(Buffer.from(ascii))) throw new Error(`${path} is not ASCII`);
  writeFileSync(path, ascii);
}
