// Makes what ships: the library (one module per source file, with types) and the command line (bundled, split
// by command so that a run loads only what it needs).
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
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

/** What a file imports from `src/index.ts` is taken from the files that index names, or it would bring all the others along. */
const directImports = {
  name: 'direct-imports',
  setup({ onLoad }) {
    const index = readFileSync('src/index.ts', 'utf8');
    const origins = new Map();
    for (const [, names, path] of index.matchAll(/export (?:type )?\{([^}]*)\} from '(.*)';/g)) {
      for (const name of names.split(',')) origins.set(name.replace(/^\s*type /, '').trim(), path);
    }
    onLoad({ filter: /src[\\/]cli[\\/].*\.ts$/ }, ({ path }) => {
      const depth = path
        .split(/[\\/]cli[\\/]/)
        .at(-1)
        .split(/[\\/]/).length;
      const source = readFileSync(path, 'utf8');
      const contents = source.replace(/import \{([^}]*)\} from '[./]*\/index\.ts';/g, (_, names) =>
        names
          .split(',')
          .map((name) => name.trim())
          .filter((name) => name !== '' && !name.startsWith('type '))
          .map((name) => `import { ${name} } from '${'../'.repeat(depth)}${origins.get(name).slice(2)}';`)
          .join(' '),
      );
      return { contents, loader: 'ts' };
    });
  },
};

/** Commander starts other programs for commands that are files of their own. Ours are not: node:child_process need not be loaded. */
const lazyChildProcess = {
  name: 'lazy-child-process',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[\\/]commander[\\/]/.test(importer) ? { path: 'child-process', namespace: 'lazy' } : undefined,
    );
    onLoad({ filter: /^child-process$/, namespace: 'lazy' }, () => ({
      contents: `export default { spawn: (...words) => process.getBuiltinModule('node:child_process').spawn(...words) };`,
    }));
  },
};

/** A command is a file of its own, loaded when it runs. */
const commandFiles = {
  name: 'command-files',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\/commands\/.*\.ts$/ }, ({ path, kind }) =>
      kind === 'dynamic-import'
        ? { path: path.replace(/^\.\.\/commands\/(.*)\.ts$/, './$1.cjs'), external: true }
        : undefined,
    );
  },
};

/** better-sqlite3 looks for its binary beside its own files: they stay where they are, the rest is bundled. */
const sqliteBinding = {
  name: 'sqlite-binding',
  setup({ onLoad }) {
    onLoad({ filter: /better-sqlite3[\\/]lib[\\/]binding\.js$/ }, () => ({
      contents: `
        const { dirname, join } = require('node:path');
        module.exports = require(join(dirname(require.resolve('better-sqlite3/package.json')), 'lib', 'binding.js'));`,
    }));
  },
};

const commands = readdirSync('src/cli/commands');

// CommonJS: see the launcher. One file for each command, without shared chunks: two files load faster than twelve.
await build({
  plugins: [directImports, lazyChildProcess, commandFiles, sqliteBinding],
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
copyFileSync('src/cli/launcher.cjs', `${next}/launcher.cjs`);
chmodSync(`${next}/launcher.cjs`, 0o755);
rmSync('dist', { recursive: true, force: true });
renameSync(next, 'dist');
