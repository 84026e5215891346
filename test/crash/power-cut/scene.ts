/** A home whose runs are recorded, one after another, into one log. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deserialize } from 'node:v8';
import BetterSqlite3 from 'better-sqlite3';
import { decodeSnapshot, snapshotIdOfFileName } from '../../../src/codec/snapshot-codec.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { launcherPath, runCli } from '../../helpers/cli.ts';
import { Seeded } from '../../helpers/seeded.ts';
import { Judge } from './judge.ts';
import { type FileOperation, type Mark, nameOf, type Operation } from './operations.ts';
import { noPromises } from './promises.ts';
import type { SeenTree } from './states.ts';

export const stateFolder = '/.openclaw';
export const repositoryFolder = `${stateFolder}/backups`;
const preload = fileURLToPath(new URL('preload.ts', import.meta.url));

/** `local/` is one machine's: nothing in it is needed. */
export function isScratch(path: string): boolean {
  return path === `${repositoryFolder}/local`;
}

export interface RunOptions {
  /** Copy of what the run's snapshot holds, when that is not what is in the home. */
  readonly stored?: string | undefined;
  /** Snapshots are replaced by others. */
  readonly replaces?: boolean;
  /** When it is killed: see the recorder. */
  readonly stopAfter?: string;
  /** Exit codes that are right too. */
  readonly mayEndWith?: readonly number[];
}

export class Scene {
  readonly home: string;
  readonly random: Seeded;
  readonly log: Operation[] = [];
  /** For each snapshot there ever was, a copy of the folder that was stored, where one was kept. */
  readonly copies = new Map<string, string | undefined>();
  readonly #work: string;
  #copyCount = 0;

  /** `folder` is an empty one to work in, without links in its path. */
  constructor(folder: string, seed: number) {
    this.random = new Seeded(seed);
    this.home = join(folder, 'home');
    this.#work = join(folder, 'work');
    mkdirSync(this.#work);
    mkdirSync(join(this.home, stateFolder), { recursive: true });
    writeFileSync(join(this.home, stateFolder, 'openclaw.json'), '{}');
    this.log.push({ kind: 'settled', folder: stateFolder, files: this.files(stateFolder) });
  }

  path(inHome: string): string {
    return join(this.home, inHome);
  }

  /** Runs the program; what it does to the home is added to the log, with what it promises. */
  run(words: readonly string[], options: RunOptions = {}): void {
    const stored = 'stored' in options ? options.stored : this.#copyState();
    const operations = this.#record(words, options);
    const added: string[] = [];
    for (const operation of withMarks(operations)) {
      this.log.push(operation);
      if (operation.kind === 'acknowledged') added.push(operation.snapshot);
    }
    // A repair writes damaged snapshot files again: they hold what they held.
    for (const snapshot of added)
      if (!this.copies.has(snapshot)) this.copies.set(snapshot, options.replaces ? undefined : stored);
  }

  /** A run that is killed after a drawn number of operations, or that ends before. */
  runKilled(words: readonly string[], operationsMax: number, options: RunOptions = {}): void {
    this.run(words, { ...options, stopAfter: `${1 + this.random.below(operationsMax)}` });
  }

  /** A run that restores into the home: each file of it is expected to be old or new throughout. */
  runRestore(words: readonly string[], folder = stateFolder): void {
    const before = this.files(folder);
    if (folder === stateFolder) this.log.push({ kind: 'settled', folder, files: before });
    const start = this.log.length;
    this.run(words);
    const after = this.files(folder);
    const files = new Map(
      [...new Set([...before.keys(), ...after.keys()])].map(
        (path) => [path, [before.get(path) ?? null, after.get(path) ?? null] as const] as const,
      ),
    );
    this.log.splice(start, 0, { kind: 'restoring', folder, files });
    this.log.push({ kind: 'restored' });
  }

  /** A byte of a pack or of a snapshot file turns over on the disk; what that reaches need not be kept any more. */
  damage(): void {
    const files = [...this.repositoryFiles()].filter(([path]) => /\/(packs|snapshots)\//.test(path));
    const [path = '', bytes = new Uint8Array()] = files[this.random.below(files.length)] ?? [];
    const position = this.random.below(bytes.length);
    const turned = Uint8Array.of((bytes[position] ?? 0) ^ 0x10);
    const fd = openSync(this.path(path), 'r+');
    writeSync(fd, turned, 0, 1, position);
    closeSync(fd);
    const judge = new Judge(repositoryFolder);
    const found = judge.judge(treeOf(this.repositoryFiles()), noPromises).map(({ subject }) => subject);
    const id = snapshotIdOfFileName(nameOf(path));
    const subjects = new Set(id === undefined ? found : [...found, id]);
    for (const folder of this.#repositoryFolders()) this.log.push({ kind: 'sync', path: folder }); // long after
    this.log.push(
      { kind: 'damaged', subjects },
      { kind: 'write', path, position, bytes: turned },
      { kind: 'sync', path },
    );
  }

  #repositoryFolders(): string[] {
    const entries = readdirSync(this.path(repositoryFolder), { recursive: true, withFileTypes: true });
    const folders = entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.home.length));
    return [repositoryFolder, ...folders.filter((path) => !path.startsWith(`${repositoryFolder}/local`))];
  }

  runRepair(): void {
    const words = ['backup', 'check', '--repair', '--quiet'];
    const options: RunOptions = { mayEndWith: [3, 4], replaces: true };
    if (this.random.below(2) === 0) this.runKilled(words, 30, options);
    this.run(words, options);
    this.log.push({ kind: 'repaired' });
  }

  /** For what is only needed to get on, and changes nothing that is judged. */
  runUnrecorded(words: readonly string[]): void {
    const { status, stderr } = runCli(words, { home: this.home });
    assert.equal(status, 0, `${words.join(' ')}: ${stderr}`);
  }

  #readSnapshots(): Snapshot[] {
    return [...this.repositoryFiles()]
      .filter(([path]) => path.startsWith(`${repositoryFolder}/snapshots/`))
      .map(([path, bytes]) => decodeSnapshot(bytes, path));
  }

  /** Snapshots as the program lists them, read without it: a run would change what is recorded. */
  listSnapshots(): Snapshot[] {
    const snapshots = this.#readSnapshots();
    const replaced = new Set(snapshots.map((snapshot) => snapshot.replaces));
    return snapshots.filter(({ id }) => !replaced.has(id));
  }

  pickSnapshot(): string {
    const snapshots = this.listSnapshots();
    return snapshots[this.random.below(snapshots.length)]?.id ?? 'latest';
  }

  /** One that can be forgotten without being the last, or undefined. */
  pickForgettable(): string | undefined {
    const snapshots = this.listSnapshots();
    const free = snapshots.filter(({ pinned }) => pinned !== true);
    return snapshots.length > 1 ? free[this.random.below(free.length)]?.id : undefined;
  }

  /** Files below a folder of the home, but for the repository. */
  files(folder: string): Map<string, Uint8Array> {
    const found = new Map<string, Uint8Array>();
    const visit = (path: string) => {
      if (path === repositoryFolder) return;
      for (const entry of readdirSync(this.path(path), { withFileTypes: true })) {
        const inner = `${path}/${entry.name}`;
        if (entry.isDirectory()) visit(inner);
        else if (entry.isFile()) found.set(inner, readFileSync(this.path(inner)));
      }
    };
    if (readdirSync(this.home).includes(nameOf(folder))) visit(folder);
    return found;
  }

  /** Files of the repository, but for `local/`. */
  repositoryFiles(): Map<string, Uint8Array> {
    const found = new Map<string, Uint8Array>();
    const entries = readdirSync(this.path(repositoryFolder), { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile())) {
      const path = join(entry.parentPath, entry.name).slice(this.home.length);
      if (!path.startsWith(`${repositoryFolder}/local/`)) found.set(path, readFileSync(this.path(path)));
    }
    return found;
  }

  write(path: string, bytes: Uint8Array): void {
    const full = this.path(`${stateFolder}/${path}`);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, bytes);
  }

  remove(path: string): void {
    rmSync(this.path(`${stateFolder}/${path}`), { force: true });
  }

  changeDatabase(rows: number): void {
    mkdirSync(this.path(`${stateFolder}/memory`), { recursive: true });
    const database = new BetterSqlite3(this.path(`${stateFolder}/memory/main.sqlite`));
    database.exec('CREATE TABLE IF NOT EXISTS note (text TEXT)');
    const insert = database.prepare('INSERT INTO note VALUES (?)');
    for (let row = 0; row < rows; row++) insert.run(this.random.text(300).toString());
    database.close();
  }

  #record(words: readonly string[], { stopAfter, mayEndWith = [] }: RunOptions): FileOperation[] {
    const output = join(this.#work, 'recorded');
    const { status, signal, stderr } = spawnSync(
      process.execPath,
      ['--import', preload, launcherPath, ...words],
      {
        cwd: this.home,
        env: {
          PATH: process.env['PATH'] ?? '',
          TZ: 'UTC',
          HOME: this.home,
          EXUVIA_RECORD_ROOT: this.home,
          EXUVIA_RECORD_FILE: output,
          EXUVIA_RECORD_SEED: String(this.random.next()),
          ...(stopAfter === undefined ? {} : { EXUVIA_RECORD_STOP: stopAfter }),
        },
        timeout: 600_000, // a hang, and no busy machine
      },
    );
    const isKilled = stopAfter !== undefined && signal === 'SIGKILL';
    assert.ok(
      isKilled || [0, ...mayEndWith].includes(status ?? -1),
      `${words.join(' ')}: ${signal ?? status} ${stderr}`,
    );
    return deserialize(readFileSync(output)) as FileOperation[];
  }

  #copyState(): string {
    const copy = join(this.#work, `state-${this.#copyCount++}`);
    cpSync(this.path(stateFolder), copy, {
      recursive: true,
      preserveTimestamps: true,
      filter: (path) => path !== this.path(repositoryFolder),
    });
    return copy;
  }
}

function treeOf(files: ReadonlyMap<string, Uint8Array>): SeenTree {
  const item = { type: 'link', id: 0, target: '' } as const;
  const seen = [...files].map(([path, bytes]) => [path, { key: path, item, bytes: () => bytes }] as const);
  return { files: new Map(seen), folders: new Set() };
}

/** A snapshot is acknowledged as soon as its folder is synced: earlier than anything could be printed. */
function* withMarks(operations: readonly FileOperation[]): Generator<Operation> {
  const folder = `${repositoryFolder}/snapshots`;
  const named = (path: string) =>
    path.startsWith(`${folder}/`) ? snapshotIdOfFileName(nameOf(path)) : undefined;
  const written = new Map<string, Uint8Array>();
  let added: Mark[] = [];
  let removed: string[] = [];
  for (const operation of operations) {
    const left =
      operation.kind === 'remove' ? operation.path : operation.kind === 'rename' ? operation.from : '';
    const gone = named(left);
    if (gone !== undefined) {
      yield { kind: 'forgotten', snapshot: gone, final: false };
      removed.push(gone);
    }
    yield operation;
    if (operation.kind === 'write') written.set(operation.path, operation.bytes);
    const came = operation.kind === 'rename' ? named(operation.to) : undefined;
    if (operation.kind === 'rename' && came !== undefined) {
      const { replaces } = decodeSnapshot(written.get(operation.from) ?? Buffer.alloc(0), operation.from);
      added.push({ kind: 'acknowledged', snapshot: came, replaces });
    }
    if (operation.kind !== 'sync' || operation.path !== folder) continue;
    yield* added;
    for (const snapshot of removed) yield { kind: 'forgotten', snapshot, final: true };
    added = [];
    removed = [];
  }
}
