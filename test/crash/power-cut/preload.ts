/**
 * Loaded into the program before anything else (`node --import`): wraps the functions of node:fs that change something, and
 * writes at the end what they did below one folder. The program imports those functions by name; its bundle is
 * CommonJS, where that is a look-up at each call, and live bindings are renewed for ES modules.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { serialize } from 'node:v8';
import { Seeded } from '../../helpers/seeded.ts';
import type { FileOperation } from './operations.ts';

const root = process.env['EXUVIA_RECORD_ROOT'] ?? '';
const output = process.env['EXUVIA_RECORD_FILE'] ?? '';
/** The process is killed after so many operations, or after the first of such a kind and name: `rename .pack`. */
const stopAfter = process.env['EXUVIA_RECORD_STOP'] ?? '';
const operations: FileOperation[] = [];
const original = { ...fs };
const positions = new Map<number, number>();

// biome-ignore lint/suspicious/noExplicitAny: stands for any function of node:fs
type AnyFunction = (...words: any[]) => any;

let isOver = false;

function isToStop(): boolean {
  if (stopAfter === '') return false;
  const [kind, ending = ''] = stopAfter.split(' ');
  if (ending === '') return operations.length >= Number(stopAfter);
  const last = operations.at(-1);
  if (last === undefined || last.kind !== kind) return false;
  return ('to' in last ? last.to : last.path).includes(ending);
}

function writeLog(): void {
  isOver = true; // Node's own functions call one another, wrapped or not
  original.writeFileSync(output, serialize(operations));
}

function endNow(): void {
  writeLog();
  process.kill(process.pid, 'SIGKILL');
}

/** The path below the root, as it is in a log; undefined for what is elsewhere. Folders named by a descriptor are looked up. */
function placeOf(path: fs.PathLike): string | undefined {
  const full = resolve(String(path));
  const folder = dirname(full);
  const real = join(original.existsSync(folder) ? original.realpathSync(folder) : folder, basename(full));
  return real.startsWith(`${root}/`) ? real.slice(root.length) : undefined;
}

/** A file that has no name any more cannot be found after a power cut: it is left out. */
function placeOfDescriptor(fd: number): string | undefined {
  const path = original.readlinkSync(`/proc/self/fd/${fd}`);
  if (path === root) return '/';
  return path.startsWith(`${root}/`) && !path.endsWith(' (deleted)') ? path.slice(root.length) : undefined;
}

function wrap(name: keyof typeof fs, make: (call: AnyFunction) => AnyFunction): void {
  const call = original[name] as AnyFunction;
  const recording = make(call);
  const replacement: AnyFunction = (...words) => {
    if (isOver) return call(...words);
    const result = recording(...words);
    if (isToStop()) endNow();
    return result;
  };
  Object.assign(fs, { [name]: replacement });
}

function exists(path: fs.PathLike): boolean {
  return original.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function flagBits(flags: string | number | undefined): {
  create: boolean;
  truncate: boolean;
  append: boolean;
} {
  if (typeof flags === 'number') {
    const { O_CREAT, O_TRUNC, O_APPEND } = fs.constants;
    return {
      create: (flags & O_CREAT) !== 0,
      truncate: (flags & O_TRUNC) !== 0,
      append: (flags & O_APPEND) !== 0,
    };
  }
  const text = flags ?? 'r';
  return { create: /[wa]/.test(text), truncate: text.includes('w'), append: text.includes('a') };
}

wrap('openSync', (call) => (path, flags, mode) => {
  const bits = flagBits(flags);
  const was = exists(path);
  const fd = call(path, flags, mode);
  const place = placeOf(path);
  if (place === undefined) return fd;
  if (bits.append) operations.push({ kind: 'unknown', call: 'open to append', path: place });
  if (bits.create && !was) operations.push({ kind: 'open', path: place, created: true });
  else if (bits.truncate) operations.push({ kind: 'open', path: place, created: false });
  positions.set(fd, 0);
  return fd;
});

wrap('writeSync', (call) => (fd, bytes, offset, length, position) => {
  const place = fd > 2 ? placeOfDescriptor(fd) : undefined;
  if (place === undefined) return call(fd, bytes, offset, length, position);
  if (typeof bytes === 'string' || typeof offset === 'object') {
    operations.push({ kind: 'unknown', call: 'write of a text', path: place });
    return call(fd, bytes, offset, length, position);
  }
  const from = offset ?? 0;
  const done: number = call(fd, bytes, from, length ?? bytes.length - from, position);
  const at = typeof position === 'number' ? position : (positions.get(fd) ?? 0);
  if (typeof position !== 'number') positions.set(fd, at + done);
  operations.push({
    kind: 'write',
    path: place,
    position: at,
    bytes: Uint8Array.prototype.slice.call(bytes, from, from + done),
  });
  return done;
});

for (const name of ['fsyncSync', 'fdatasyncSync'] as const) {
  wrap(name, (call) => (fd) => {
    call(fd);
    const place = placeOfDescriptor(fd);
    if (place !== undefined) operations.push({ kind: 'sync', path: place });
  });
}

/**
 * What is written while the system is at it may or may not be covered. The program writes nothing to a file from there on;
 * a log in which it did would not be exact.
 */
wrap('fsync', (call) => (fd, done) => {
  const place = placeOfDescriptor(fd);
  const start = operations.length;
  call(fd, (error: unknown) => {
    const path = isOver || error ? undefined : placeOfDescriptor(fd);
    if (path !== undefined) {
      const isTouched = operations.slice(start).some((one) => one.kind === 'write' && one.path === place);
      operations.push(
        isTouched ? { kind: 'unknown', call: 'write during fsync', path } : { kind: 'sync', path },
      );
      if (isToStop()) endNow();
    }
    done(error);
  });
});

wrap('ftruncateSync', (call) => (fd, size) => {
  call(fd, size);
  const place = placeOfDescriptor(fd);
  if (place !== undefined) operations.push({ kind: 'truncate', path: place, size: size ?? 0 });
});

wrap('renameSync', (call) => (from, to) => {
  const places = [placeOf(from), placeOf(to)] as const;
  call(from, to);
  const [source, target] = places;
  if (source !== undefined && target !== undefined)
    operations.push({ kind: 'rename', from: source, to: target });
  else if (source !== undefined || target !== undefined)
    operations.push({ kind: 'unknown', call: 'rename across the root', path: source ?? target ?? '' });
});

function removeTree(path: string, place: string): void {
  const stat = original.lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (stat.isDirectory()) {
    for (const name of original.readdirSync(path)) removeTree(join(path, name), `${place}/${name}`);
  }
  operations.push({ kind: 'remove', path: place });
}

for (const name of ['unlinkSync', 'rmSync', 'rmdirSync'] as const) {
  wrap(name, (call) => (path, options) => {
    const place = placeOf(path);
    const before = operations.length;
    if (place !== undefined) removeTree(String(path), place);
    try {
      call(path, options);
    } catch (error) {
      operations.length = before; // nothing was removed
      throw error;
    }
  });
}

wrap('mkdirSync', (call) => (path, options) => {
  const missing: string[] = [];
  for (let at = resolve(String(path)); !exists(at); at = dirname(at)) missing.unshift(at);
  const made = call(path, options);
  for (const folder of missing) {
    const place = placeOf(folder);
    if (place !== undefined) operations.push({ kind: 'make-folder', path: place });
  }
  return made;
});

wrap('mkdtempSync', (call) => (prefix, options) => {
  const path = call(prefix, options);
  const place = placeOf(path);
  if (place !== undefined) operations.push({ kind: 'make-folder', path: place });
  return path;
});

wrap('linkSync', (call) => (from, to) => {
  call(from, to);
  const [source, target] = [placeOf(from), placeOf(to)];
  if (target === undefined) return;
  if (source === undefined) operations.push({ kind: 'unknown', call: 'link from elsewhere', path: target });
  else operations.push({ kind: 'link', from: source, to: target });
});

wrap('symlinkSync', (call) => (target, path, type) => {
  call(target, path, type);
  const place = placeOf(path);
  if (place !== undefined) operations.push({ kind: 'symlink', path: place, target: String(target) });
});

/** What the program does not use today: to be noticed the day it does. */
const unmodelled = ['writeFileSync', 'appendFileSync', 'copyFileSync', 'cpSync', 'truncateSync'] as const;
for (const name of unmodelled) {
  wrap(name, (call) => (...words) => {
    const place = placeOf(words[name === 'copyFileSync' || name === 'cpSync' ? 1 : 0]);
    if (place !== undefined) operations.push({ kind: 'unknown', call: name, path: place });
    return call(...words);
  });
}

// The same history for the same seed: names of packs decide in which folders they are.
const random = new Seeded(Number(process.env['EXUVIA_RECORD_SEED']));
Object.assign(crypto, { randomBytes: (count: number) => random.bytes(count) });

syncBuiltinESMExports();
process.on('exit', writeLog);
