/**
 * Makes the golden repository: `node test/golden/make-repository.ts FOLDER` writes FOLDER/source, FOLDER/repository and
 * FOLDER/expected.json. Clock and random bytes are fixed; what is expected is read from the source itself, never from the
 * repository. `test/golden/repository-v1` was made so and is never made again: readers of every later version must read it.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { createBackup, systemEnvironment } from '../../src/index.ts';
import { Seeded } from '../helpers/seeded.ts';

export interface ExpectedEntry {
  /** Components joined by slashes, base64 of the bytes; empty for the source itself. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly mtimeNs: string;
  readonly size?: number;
  readonly sha256?: string;
  /** Path (base64) of the first file with the same inode, where there are several. */
  readonly hardLink?: string;
  readonly linkTarget?: string;
}

export interface ExpectedSnapshot {
  readonly sequence: number;
  readonly time: string;
  readonly tags: readonly string[];
  readonly message: string;
  readonly entries: readonly ExpectedEntry[];
}

export interface Expected {
  readonly snapshots: readonly ExpectedSnapshot[];
}

const firstTimeMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const secondsOf = { file: 1_767_225_600.125, folder: 1_767_225_700.5, link: 1_767_225_800.25 };
const text = (bytes: string): Buffer => Buffer.from(bytes, 'latin1');

/** The names of a folder as bytes, and files written by them. */
class Source {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  path(name: string): Buffer {
    return Buffer.concat([Buffer.from(`${this.root}/`), text(name)]);
  }

  folder(name: string, mode = 0o755): void {
    mkdirSync(this.path(name));
    chmodSync(this.path(name), mode);
  }

  file(name: string, content: string | Uint8Array, mode = 0o644, seconds = secondsOf.file): void {
    writeFileSync(this.path(name), content);
    chmodSync(this.path(name), mode);
    const time = new Date(seconds * 1000); // Node takes a negative number for the present time
    utimesSync(this.path(name), time, time);
  }

  link(name: string, target: string): void {
    symlinkSync(text(target), this.path(name));
    lutimesSync(this.path(name), secondsOf.link, secondsOf.link);
  }

  /** Folders get their times last: every name made in them changes it. */
  setFolderTimes(key = ''): void {
    const folder = key === '' ? Buffer.from(this.root) : this.path(key);
    for (const entry of readdirSync(folder, { encoding: 'latin1', withFileTypes: true })) {
      if (entry.isDirectory()) this.setFolderTimes(key === '' ? entry.name : `${key}/${entry.name}`);
    }
    utimesSync(folder, secondsOf.folder, secondsOf.folder);
  }
}

function counted(lines: number, from = 0): string {
  let all = '';
  for (let line = from; line < from + lines; line++) all += `record ${line} of the shell, ring ${line % 97}\n`;
  return all;
}

function fillFirst(source: Source, random: Seeded): void {
  chmodSync(source.root, 0o750);
  source.file('empty', '');
  source.file('inline.txt', 'a few bytes', 0o600);
  source.file('sixty-four', 'x'.repeat(64), 0o400);
  source.file('sixty-five', 'x'.repeat(65), 0o4755);
  source.file('before-1970', 'old', 0o644, -1.5);
  source.file('one-blob.md', counted(200));
  source.file('chunks.log', counted(2500));
  source.file('list.log', counted(40_000));
  source.file('zeros.bin', Buffer.alloc(65_537));
  writeHoles(source, 'holes.img', random.text(70_000));
  source.folder('empty-folder', 0o700);
  source.folder('many');
  for (let index = 0; index < 160; index++) source.file(`many/${index * 7919}.md`, `note ${index}\n`);
  source.folder('names');
  source.file('names/caf\xc3\xa9', 'UTF-8');
  source.file('names/caf\xe9', 'not UTF-8');
  source.file('names/a\nb', 'newline');
  source.file(`names/${'n'.repeat(255)}`, 'long');
  source.file('names/\x01', 'control');
  source.file('names/-rf', 'dash');
  source.link('link', 'many/0.md');
  source.link('dangling', '../no\xe9where');
  source.file('hard-a', counted(10));
  linkSync(source.path('hard-a'), source.path('hard-b'));
  linkSync(source.path('hard-a'), source.path('many/hard-c'));
  source.setFolderTimes();
}

/** Data, three blocks of zeros, data that begins in the middle of nowhere. */
function writeHoles(source: Source, name: string, bytes: Uint8Array): void {
  const fd = openSync(source.path(name), 'w');
  writeSync(fd, bytes, 0, bytes.length, 0);
  writeSync(fd, Buffer.from('after the hole'), 0, 14, 5 * 65_536 + 3);
  ftruncateSync(fd, 8 * 65_536 + 100);
  closeSync(fd);
  chmodSync(source.path(name), 0o644);
  utimesSync(source.path(name), secondsOf.file, secondsOf.file);
}

/** Small pages make many units: more than one segment of the page list. */
function makeDatabase(source: Source, random: Seeded): void {
  withDatabase(source, (database) => {
    database.pragma('page_size = 512');
    database.exec('CREATE TABLE message (id INTEGER PRIMARY KEY, body TEXT NOT NULL)');
    const insert = database.prepare('INSERT INTO message (body) VALUES (?)');
    for (let row = 0; row < 1300; row++) insert.run(random.text(400).toString());
  });
}

function changeDatabase(source: Source, rows: readonly number[]): void {
  withDatabase(source, (database) => {
    const update = database.prepare('UPDATE message SET body = ? WHERE id = ?');
    for (const row of rows) update.run(`changed ${row} `.repeat(28), row);
  });
}

function withDatabase(source: Source, work: (database: Database.Database) => void): void {
  const path = source.path('memory.sqlite').toString();
  const database = new Database(path);
  database.transaction(work)(database);
  database.close();
  hideLibraryVersion(path);
  chmodSync(path, 0o600);
  utimesSync(path, secondsOf.file, secondsOf.file);
}

/** The header holds the number of the SQLite that wrote it: the same bytes whichever does. */
function hideLibraryVersion(path: string): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, Buffer.from([0, 0x2e, 0x89, 0]), 0, 4, 96);
  closeSync(fd);
}

function changeSecond(source: Source): void {
  changeDatabase(source, [3, 200, 400, 600, 800, 1000, 1200, 1299]);
  source.file('list.log', counted(40_500));
  source.file('inline.txt', 'other bytes', 0o640, secondsOf.file + 60);
  rmSync(source.path('many/0.md'));
  rmSync(source.path('empty-folder'), { recursive: true });
  source.folder('new-folder');
  source.file('new-folder/note.md', counted(50, 7));
  chmodSync(source.path('one-blob.md'), 0o600);
  source.setFolderTimes();
}

/** Nearly all of it does not compress: the frame is stored as it is. */
function changeThird(source: Source, random: Seeded): void {
  changeDatabase(source, [77]);
  source.file('media.bin', random.bytes(60_000));
  source.setFolderTimes();
}

/** What is below a folder, as the folder itself says. */
export function expectedEntries(folder: string): ExpectedEntry[] {
  const source = new Source(folder);
  const firstOfInode = new Map<bigint, string>();
  const entries: ExpectedEntry[] = [];
  const visit = (path: string): void => {
    const full = path === '' ? Buffer.from(source.root) : source.path(path);
    const stat = lstatSync(full, { bigint: true });
    const common = {
      path: text(path).toString('base64'),
      mode: Number(stat.mode & 0o7777n),
      mtimeNs: String(stat.mtimeNs),
    };
    if (stat.isDirectory()) {
      entries.push({ ...common, type: 'directory' });
      for (const name of readdirSync(full, { encoding: 'latin1' }).sort(byBytes)) {
        visit(path === '' ? name : `${path}/${name}`);
      }
    } else if (stat.isSymbolicLink()) {
      const linkTarget = readlinkSync(full, { encoding: 'buffer' }).toString('base64');
      entries.push({ ...common, type: 'symlink', linkTarget });
    } else {
      const first = firstOfInode.get(stat.ino) ?? common.path;
      firstOfInode.set(stat.ino, first);
      const sha256 = createHash('sha256').update(readFileSync(full)).digest('hex');
      const size = Number(stat.size);
      const hardLink = stat.nlink > 1n ? { hardLink: first } : {};
      entries.push({ ...common, type: 'file', size, sha256, ...hardLink });
    }
  };
  visit('');
  return entries;
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Makes FOLDER/source and FOLDER/repository, and returns what three snapshots must hold. */
export async function makeGoldenRepository(folder: string): Promise<Expected> {
  mkdirSync(join(folder, 'source'), { recursive: true });
  const source = new Source(realpathSync(join(folder, 'source')));
  const content = new Seeded(2026);
  const snapshots: ExpectedSnapshot[] = [];
  const backUp = async (tags: string[], message: string): Promise<void> => {
    const sequence = snapshots.length + 1;
    const nowMs = firstTimeMs + sequence * 300_000;
    snapshots.push({
      sequence,
      time: new Date(nowMs).toISOString(),
      tags,
      message,
      entries: expectedEntries(source.root),
    });
    const ids = new Seeded(sequence);
    const environment = systemEnvironment({
      env: {},
      osHome: '/home/golden',
      cwd: folder,
      host: 'golden',
      user: 'golden',
      platform: 'linux',
      nodeVersion: 'v24.0.0',
      clock: { nowMs: () => nowMs },
      random: (count) => ids.bytes(count),
    });
    const repository = join(folder, 'repository');
    const { unreadable } = await createBackup(environment, {
      repository,
      sources: [source.root],
      tags,
      message,
    });
    if (unreadable.length > 0) throw new Error(`cannot read ${unreadable[0]?.path}`);
  };
  makeDatabase(source, content);
  fillFirst(source, content);
  await backUp(['first'], '');
  changeSecond(source);
  await backUp([], 'one line\nand another, ünïcode');
  changeThird(source, content);
  await backUp(['nightly', 'kept'], 'third');
  return { snapshots };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2];
  if (folder === undefined) throw new Error('name a new folder');
  const expected = await makeGoldenRepository(folder);
  writeFileSync(join(folder, 'expected.json'), `${JSON.stringify(expected, undefined, 1)}\n`);
}
