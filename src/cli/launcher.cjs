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

// What a file of kept code begins with.
const magic = 0x45585643; // 'EXVC', u32
const magicAt = 0;
const runsAt = 4; // u16, u16: how many runs of each kind have added what they compiled
const sourceHashAt = 8;
const codeHashAt = 24;
const hashBytes = 16;
const headerBytes = 40;

/**
 * The first runs of a kind compile most of what others of it need; to keep it takes some 10 ms. Those that compress or decode something
 * are of the second kind: a snapshot of what changed needs a third more than one with nothing to do.
 */
const addingRunsMax = 3;
let kind = 0;
const packageOfKind = 'node:zlib';

/** What the files of the bundle that ran have given. */
const modules = new Map();

/** Runs a file of the bundle, which the build has made a function. Without `keeping`, it is loaded as Node loads files. */
function runBundle(name, keeping) {
  if (modules.has(name)) return modules.get(name).exports;
  const { join } = require('node:path');
  const folder = join(__dirname, 'bundle');
  const path = join(folder, name);
  const run = keeping === undefined ? require(path) : loadKept(path, name, keeping);
  const module = { exports: {} };
  modules.set(name, module);
  const requireBeside = (id) => {
    if (id === packageOfKind) kind = 1;
    return id.startsWith('./')
      ? runBundle(id.slice(2), keeping)
      : (id === hashPackage && nativeHash()) || requireOutside(id, keeping);
  };
  requireBeside.resolve = require.resolve;
  run(module.exports, requireBeside, module, path, folder);
  return module.exports;
}

let keepsPackages = false;

/** A module of Node's, or a package: of those Node keeps the code, which takes 0.4 ms to prepare, and most runs need none. */
function requireOutside(id, keeping) {
  const module = process.getBuiltinModule(id);
  if (module !== undefined) return module;
  if (keeping !== undefined && !keepsPackages) {
    keepsPackages = true;
    keepAsNode(keeping.folder);
  }
  return require(id);
}

function keepAsNode(folder) {
  require('node:module').enableCompileCache(folder);
}

/**
 * Loads a file with the code that V8 made of it in earlier runs. Node can do that too, and does for packages that are
 * no part of the bundle; but it keeps what is compiled when a file is loaded. The functions that are called afterwards, most of what
 * runs, would be compiled each time: 20 ms of processor time in a snapshot with nothing to do.
 */
function loadKept(path, name, { folder, hash }) {
  const { join } = require('node:path');
  const bytes = readShared(path);
  const sourceHash = hash(bytes);
  const pathHash = hash(Buffer.from(path)).toString('hex', 0, 8);
  const place = join(folder, [name, pathHash, process.version, process.arch].join('-'));
  // The bundle is ASCII, which the build sees to: as UTF-8 it takes 1 to 2 ms to read.
  const source = bytes.toString('latin1');
  const kept = readKeptCode(place, sourceHash, hash);
  const script = new (require('node:vm').Script)(source, {
    filename: path,
    cachedData: kept?.code,
  });
  const runs = kept === undefined || script.cachedDataRejected ? [0, 0] : kept.runs;
  process.once('exit', () => {
    if (runs[kind] >= addingRunsMax) return;
    runs[kind]++;
    const code = script.createCachedData();
    keepCode(place, [headerOf(runs, sourceHash, hash(code)), code]);
  });
  return script.runInThisContext();
}

/** Undefined for what is not there, is of other source, or rotted: V8 does not look, and would crash. Whether it suits this V8, V8 says. */
function readKeptCode(place, sourceHash, hash) {
  const bytes = readIfThere(place);
  if (bytes === undefined || bytes.length < headerBytes) return undefined;
  const code = bytes.subarray(headerBytes);
  const runs = [bytes.readUInt16LE(runsAt), bytes.readUInt16LE(runsAt + 2)];
  const isSound = headerOf(runs, sourceHash, hash(code)).equals(bytes.subarray(0, headerBytes));
  return isSound ? { code, runs } : undefined;
}

function headerOf(runs, sourceHash, codeHash) {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(magic, magicAt);
  header.writeUInt16LE(runs[0], runsAt);
  header.writeUInt16LE(runs[1], runsAt + 2);
  sourceHash.copy(header, sourceHashAt, 0, hashBytes);
  codeHash.copy(header, codeHashAt, 0, hashBytes);
  return header;
}

function readIfThere(path) {
  try {
    return readShared(path);
  } catch {
    return undefined;
  }
}

/** Where files are read, one after the other: memory that is touched for the first time takes 0.5 ms a run. */
let shared = Buffer.alloc(0);

/** The bytes of a file, until the next one is read. */
function readShared(path) {
  const { closeSync, fstatSync, openSync, readSync } = require('node:fs');
  const file = openSync(path);
  try {
    const { size } = fstatSync(file);
    if (shared.length < size) shared = Buffer.allocUnsafeSlow(size);
    let at = 0;
    let read = 0;
    do {
      read = readSync(file, shared, at, size - at, at);
      at += read;
    } while (read > 0 && at < size);
    return shared.subarray(0, at);
  } finally {
    closeSync(file);
  }
}

/** Under another name first: another run may be reading. */
function keepCode(place, parts) {
  const { renameSync, rmSync, writeFileSync } = require('node:fs');
  const temporary = `${place}.${process.pid}`;
  try {
    writeFileSync(temporary, Buffer.concat(parts), { mode: 0o600, flag: 'wx' });
    renameSync(temporary, place);
  } catch {
    rmSync(temporary, { force: true }); // a full disk: the next run compiles again
  }
}

const hashPackage = '@napi-rs/blake-hash';

/** What `loadNativeHash` has found. */
let hashBinary;

function nativeHash() {
  hashBinary ??= { exports: loadNativeHash() };
  return hashBinary.exports;
}

/**
 * The binary of the hash, where it lies beside this package as usual: to ask the package for it takes 3 ms, and to `require` it 0.6 ms
 * longer than to load it. Undefined elsewhere, or where the hash in JavaScript is asked for, which would take longer than to compile.
 */
function loadNativeHash() {
  if (process.env.EXUVIA_HASH === 'portable') return undefined;
  const { existsSync } = require('node:fs');
  const { join } = require('node:path');
  const kinds = { linux: '-gnu', win32: '-msvc', darwin: '' };
  const system = `${process.platform}-${process.arch}${kinds[process.platform] ?? ''}`;
  const path = [join('..', 'node_modules'), join('..', '..')]
    .map((folder) => join(__dirname, folder, `${hashPackage}-${system}`, `blake.${system}.node`))
    .find((place) => existsSync(place));
  if (path === undefined) return undefined;
  try {
    const module = { exports: {} };
    process.dlopen(module, path);
    return module.exports;
  } catch {
    return undefined; // of another C library: the package looks for more
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
  // Nothing is left to do then: what Node would take apart, piece by piece, goes with the process (2 ms of 100).
  process.once('beforeExit', () => process.exit());
  const keepsCode = !process.env.NODE_DISABLE_COMPILE_CACHE && !process.env.NODE_V8_COVERAGE;
  const folder = keepsCode ? process.env.NODE_COMPILE_CACHE || closedFolder(codeCacheFolder()) : undefined;
  const hash = folder === undefined ? undefined : nativeHash()?.blake3;
  if (folder !== undefined && hash === undefined) keepAsNode(folder);
  runBundle('main.cjs', hash && { folder, hash });
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
