#!/usr/bin/env node
// Plain JavaScript that any Node since 14.18 can run: checks the version before anything else is loaded. CommonJS, as the
// bundle is: the loader of ES modules takes 15 ms longer, and importing a name from node:fs loads all its streams.
'use strict';

const wanted = [22, 18];

/** Whether a `major.minor.patch` version is new enough. */
function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1]);
}

/**
 * Where compiled code is kept from run to run, which halves what a run with nothing to do takes to start. In the user's
 * own cache and not in a temporary folder, where others could put code in its place.
 */
function codeCacheFolder() {
  const { join } = require('node:path');
  const cache = process.env.XDG_CACHE_HOME || join(require('node:os').homedir(), '.cache');
  return join(cache, 'exuvia', 'code');
}

/**
 * Makes the folder, closed to others. Undefined where that is not so: whoever can write there chooses what runs here. Without
 * kept code everything works, more slowly.
 */
function closedFolder(path) {
  const { lstatSync, mkdirSync } = require('node:fs');
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (process.platform === 'win32') return path;
    const { mode, uid } = lstatSync(path);
    return (mode & 0o022) === 0 && uid === process.getuid() ? path : undefined;
  } catch {
    return undefined; // a home that cannot be written to
  }
}

/** The Node that came with the `node` package, in a checkout or beside this package. */
function bundledNode() {
  const { join } = require('node:path');
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  return [join('..', 'node_modules', 'node', 'bin', name), join('..', '..', 'node', 'bin', name)]
    .map((place) => join(__dirname, place))
    .find((path) => require('node:fs').existsSync(path));
}

function runWith(node) {
  const run = require('node:child_process').spawn(node, process.argv.slice(1), {
    stdio: 'inherit',
    env: { ...process.env, EXUVIA_LAUNCHED: '1' },
  });
  // Ctrl-C reaches both: this process waits for the other to end in its own way.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => run.kill(signal));
  run.on('error', (error) => {
    console.error(`exuvia: cannot start ${node}: ${error.message}`);
    process.exit(1);
  });
  run.on('exit', (code, signal) => process.exit(signal ? 130 : code));
}

if (isNewEnough(process.versions.node)) {
  const folder = process.env.NODE_COMPILE_CACHE || closedFolder(codeCacheFolder());
  if (folder !== undefined) require('node:module').enableCompileCache(folder);
  require('./bundle/main.cjs');
} else {
  const other = process.env.EXUVIA_LAUNCHED ? undefined : bundledNode();
  if (other === undefined) {
    console.error(
      `exuvia needs Node ${wanted.join('.')} or newer, and this is ${process.versions.node}. Install a newer Node from https://nodejs.org and run the command again.`,
    );
    process.exit(1);
  }
  runWith(other);
}
