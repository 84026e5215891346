// What makes the bundle of the command line start quickly: esbuild's plugins.
import { readFileSync } from 'node:fs';

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

/**
 * Commander starts other programs for commands that are files of their own. Ours are not: node:child_process need not be loaded. The other
 * modules it takes as a whole: nothing need be made that looks like each of their exports.
 */
const commanderModules = {
  name: 'commander-modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:(child_process|fs|path|process)$/ }, ({ path, importer }) =>
      /[\\/]commander[\\/]/.test(importer) ? { path, namespace: 'whole' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'whole' }, ({ path }) => ({
      contents:
        path === 'node:child_process'
          ? `export default { spawn: (...words) => process.getBuiltinModule('${path}').spawn(...words) };`
          : `export default process.getBuiltinModule('${path}');`,
    }));
  },
};

/**
 * Whether an option takes several values is told by its last letter and three dots. To compile a pattern for letters of all languages takes
 * 0.7 ms, and our options are ASCII.
 */
const commanderOptions = {
  name: 'commander-options',
  setup({ onLoad }) {
    onLoad({ filter: /commander[\\/]lib[\\/]option\.js$/ }, ({ path }) => ({
      contents: replaceOnce(
        readFileSync(path, 'utf8'),
        String.raw`/\p{ID_Continue}\.\.\.[>\]]$/u`,
        String.raw`/\w\.\.\.[>\]]$/`,
      ),
    }));
  },
};

/** A package that has changed is to be looked at again. */
function replaceOnce(text, old, next) {
  if (text.split(old).length !== 2) throw new Error(`There is not one ${old} to be replaced.`);
  return text.replace(old, () => next);
}

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

/**
 * Where packages lie beside this one, in a checkout or installed. To ask Node for the place of a package, and packages for that of their
 * binary, takes 3 ms each.
 */
const nearbyPackages = `
  import { existsSync } from 'node:fs';
  import { join } from 'node:path';
  export function nearby(...names) {
    return [join(__dirname, '..', '..', 'node_modules'), join(__dirname, '..', '..', '..')]
      .map((folder) => join(folder, ...names))
      .find((path) => existsSync(path));
  }`;

/**
 * better-sqlite3 looks for its binary beside its own files: they stay where they are, and what looks for it is told where. It is loaded
 * by its path, which takes 0.6 ms less than `require`. Which C library there is, it reads from all that is mapped, which takes 0.3 ms:
 * where there is no loader of musl, it is not musl.
 */
const sqliteBinding = {
  name: 'sqlite-binding',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^exuvia:nearby$/ }, () => ({ path: 'nearby', namespace: 'exuvia' }));
    onLoad({ filter: /^nearby$/, namespace: 'exuvia' }, () => ({
      contents: nearbyPackages,
      resolveDir: '.',
    }));
    onLoad({ filter: /better-sqlite3[\\/]lib[\\/]binding\.js$/ }, ({ path }) => ({
      contents: `
        const library = ((nearby) => nearby ?? require.resolve('better-sqlite3/package.json'))(
          require('exuvia:nearby').nearby('better-sqlite3', 'package.json'),
        ).replace(/package.json$/, 'lib');
        const load = (path) => {
          const module = { exports: {} };
          process.dlopen(module, path);
          return module.exports;
        };
        const muslLoaders = { x64: '/lib/ld-musl-x86_64.so.1', arm64: '/lib/ld-musl-aarch64.so.1' };
        const mayBeMusl = () => fs.existsSync(muslLoaders[process.arch]);
        ${replaceOnce(readFileSync(path, 'utf8'), '{isLinuxMusl() ?', '{mayBeMusl() && isLinuxMusl() ?')
          .replaceAll('__dirname', 'library')
          .replaceAll('DEFAULT_ADDON = require(', 'DEFAULT_ADDON = load(')}`,
    }));
  },
};

/** `createRequire` of ours gives the `require` that the bundle has: the launcher's, where that runs it. */
const bundledRequire = {
  name: 'bundled-require',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:module$/ }, ({ importer }) =>
      /[\\/]src[\\/]/.test(importer) ? { path: 'require', namespace: 'exuvia' } : undefined,
    );
    onLoad({ filter: /^require$/, namespace: 'exuvia' }, () => ({
      contents: 'export const createRequire = () => require;',
    }));
  },
};

/**
 * Modules of Node's that bring the streams and more along, which a run that neither stores nor reads contents does not need: each is
 * loaded at the first call of one of its functions. node:zlib takes 6 ms, node:crypto 7, node:fs/promises 4. The constants of zlib and zstd
 * are the same in every Node.
 */
const lazyModules = {
  name: 'lazy-modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:(zlib|crypto|fs\/promises|timers\/promises)$/ }, ({ path, importer }) =>
      /[\\/]src[\\/]/.test(importer) ? { path, namespace: 'lazy' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'lazy' }, ({ path }) => {
      const module = process.getBuiltinModule(path);
      const names = Object.keys(module).filter(
        (name) => /^[a-z]/.test(name) && typeof module[name] === 'function',
      );
      return {
        contents: [
          ...(path === 'node:zlib' ? [`export const constants = ${JSON.stringify(module.constants)};`] : []),
          `let module; const load = () => (module ??= require('${path}'));`, // to ask for it again takes 2 µs
          ...names.map((name) => `export const ${name} = (...words) => load().${name}(...words);`),
        ].join('\n'),
      };
    });
  },
};

export const plugins = [
  directImports,
  commanderModules,
  commanderOptions,
  commandFiles,
  sqliteBinding,
  bundledRequire,
  lazyModules,
];
