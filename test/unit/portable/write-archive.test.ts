import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { ExuviaError } from '../../../src/model/errors.ts';
import { byteStringOf, byteStringToBytes, pathOfKey } from '../../../src/model/paths.ts';
import { silentProgress } from '../../../src/model/progress.ts';
import type { ContentReader } from '../../../src/model/store.ts';
import { openArchive } from '../../../src/portable/archive-reader.ts';
import {
  type ArchiveOptions,
  type ArchiveSource,
  type WrittenArchive,
  writeArchive,
} from '../../../src/portable/archive-writer.ts';
import type { OfficialManifest } from '../../../src/portable/manifest.ts';
import type { MemberRecord, OwnFileHead } from '../../../src/portable/write-own-file.ts';
import { inputOf } from '../codec/deflate-inputs.ts';
import {
  file,
  folder,
  memoryContent,
  memorySource,
  mtimeNs,
  snapshotOf,
  symlink,
  variedState,
} from './write-fixtures.ts';

const root = '2026-03-09T00-00-00.000Z-openclaw-backup';
const stateInArchive = `${root}/payload/posix/home/u/.openclaw`;
type OwnFile = OwnFileHead & { readonly members: readonly MemberRecord[] };

let workFolder = '';
let count = 0;
before(() => {
  workFolder = mkdtempSync(join(tmpdir(), 'exuvia-archive-'));
});
after(() => rmSync(workFolder, { recursive: true, force: true }));

function newFolder(): string {
  return mkdtempSync(join(workFolder, `${count++}-`));
}

async function write(
  sources: readonly ArchiveSource[],
  options: Partial<ArchiveOptions> & { path?: string; content?: ContentReader } = {},
): Promise<WrittenArchive> {
  const { path, content = memoryContent, ...rest } = options;
  const all: ArchiveOptions = {
    layout: 'openclaw',
    format: 'tar.gz',
    progress: silentProgress,
    unique: 'unique',
    ...rest,
  };
  return await writeArchive(
    path ?? join(newFolder(), `a.${all.format}`),
    snapshotOf(sources),
    sources,
    content,
    all,
  );
}

function run(command: string, ...args: string[]): string {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  assert.equal(result.status, 0, `${command}: ${result.stderr}`);
  return result.stdout;
}

function unpack(path: string): string {
  const target = newFolder();
  run('tar', '--no-same-owner', '-xpf', path, '-C', target);
  return target;
}

function readJson<T>(archive: string, name: string): T {
  return JSON.parse(run('tar', '--warning=no-unknown-keyword', '-xOf', archive, name)) as T;
}

async function bytesOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('writeArchive()', () => {
  it('gives archives that gzip, zstd and tar find whole', async () => {
    const sources = [variedState()];
    const gzip = await write(sources);
    const zstd = await write(sources, { format: 'tar.zst' });
    const plain = await write(sources, { format: 'tar' });
    run('gzip', '-t', gzip.path);
    run('zstd', '-q', '-t', zstd.path);
    for (const { path, entries } of [gzip, zstd, plain]) {
      assert.equal(
        run('tar', '--warning=no-unknown-keyword', '-tf', path).trim().split('\n').length,
        entries + 2,
      );
    }
    assert.ok(run('zstd', '-dc', '-q', zstd.path).includes('ustar'));
  });

  it('writes much as one zstd frame, since there are readers that stop after the first', async () => {
    const big = { big: inputOf('mixed', 9 * 2 ** 20) };
    const sources = [memorySource({ kind: 'state', path: '/home/u/.openclaw' }, big)];
    const zstd = await write(sources, { format: 'tar.zst' });
    const plain = await write(sources, { format: 'tar' });
    assert.match(run('zstd', '-lv', zstd.path), /Zstandard Frames: 1\n/);
    assert.ok(zstdDecompressSync(readFileSync(zstd.path)).equals(readFileSync(plain.path)));
  });

  it('unpacks with tar to what was there: contents, modes, times and links', async () => {
    const source = variedState();
    const { path } = await write([source], { layout: 'home' });
    const target = join(unpack(path), '.openclaw');
    for (const { key, node } of source.tree.entries()) {
      const name = pathOfKey(key);
      if (/[^\0-\x7f]/.test(name) && !name.includes('k\xc3\xa4se')) continue; // stand-ins: the next test
      const there = Buffer.concat([Buffer.from(`${target}/`), byteStringToBytes(name)]);
      const stats = lstatSync(there, { bigint: true });
      if (node.type === 'symlink') {
        if (!key.includes('latin1')) assert.equal(readlinkSync(there, 'latin1'), node.linkTarget, name);
        continue;
      }
      assert.equal(Number(stats.mode) & 0o777, node.mode & 0o777, name);
      assert.equal(stats.mtimeNs, node.mtimeNs, name);
      if (node.type === 'file' && node.content.kind === 'inline') {
        assert.ok(readFileSync(there).equals(node.content.bytes), name);
      }
    }
  });

  it('gives names that are not UTF-8 a readable name of their own, and keeps the true one', async () => {
    const { path } = await write([variedState()], { layout: 'home' });
    const names = readdirSync(join(unpack(path), '.openclaw/workspace'));
    assert.equal(names.filter((name) => /^caf_~[0-9a-f]{12}$/.test(name)).length, 1);
    await using reader = await openArchive(path);
    const entries: [string, string | undefined][] = [];
    for await (const { entry } of reader.entries()) entries.push([entry.path, entry.linkTarget]);
    const paths = entries.map(([entryPath]) => entryPath);
    assert.ok(paths.includes('.openclaw/workspace/caf\xe9'));
    assert.ok(paths.includes('.openclaw/workspace/d\xff/inside'));
    assert.equal(entries.find(([entryPath]) => entryPath.endsWith('link-latin1'))?.[1], 'caf\xe9');
  });

  it('is read back by our own reader, entry by entry', async () => {
    const source = variedState();
    for (const layout of ['openclaw', 'home'] as const) {
      const { path } = await write([source], { layout });
      const place = layout === 'home' ? '.openclaw' : stateInArchive;
      await using reader = await openArchive(path);
      const seen = new Map<string, { mode: number; mtimeNs: bigint; bytes: Buffer }>();
      for await (const { entry, content } of reader.entries()) {
        const bytes = await bytesOf(content);
        seen.set(entry.path, { mode: entry.mode, mtimeNs: entry.mtimeNs, bytes });
      }
      for (const { key, node } of source.tree.entries()) {
        const name = key === '' ? place : `${place}/${pathOfKey(key)}`;
        const found = seen.get(name);
        assert.ok(found, `${layout} ${name}`);
        assert.equal(found.mode, node.mode & 0o777);
        assert.equal(found.mtimeNs, node.mtimeNs, name);
        if (node.type === 'file' && node.content.kind === 'inline')
          assert.ok(found.bytes.equals(node.content.bytes));
      }
    }
  });

  it('gives the same bytes each time, and the bytes it has always given', async () => {
    const sources = [variedState(), memorySource({ kind: 'workspace', path: '/srv/ws' }, { 'a.md': 'a' })];
    const wholePieces: ContentReader = {
      *readContent(node) {
        if (node.content.kind === 'inline') yield node.content.bytes;
      },
    };
    const results: Record<string, string> = {};
    for (const layout of ['openclaw', 'home'] as const) {
      for (const format of ['tar', 'tar.gz', 'tar.zst'] as const) {
        const first = await write(sources, { layout, format });
        const second = await write(sources, { layout, format, content: wholePieces, unique: 'other' });
        assert.equal(first.sha256, second.sha256, `${layout} ${format}`);
        assert.equal(first.sha256, sha256(readFileSync(first.path)));
        assert.equal(first.bytes, statSync(first.path).size);
        if (format !== 'tar.zst') results[`${layout}.${format}`] = first.sha256;
      }
    }
    assert.deepEqual(
      results,
      JSON.parse(readFileSync(new URL('../../golden/portable/archives.json', import.meta.url), 'utf8')),
    );
  });

  it('does not depend on the order of keys in the record', async () => {
    const sources = [memorySource({ kind: 'state', path: '/home/u/.openclaw' }, { a: 'a' })];
    const snapshot = snapshotOf(sources);
    const reversed = Object.fromEntries(Object.entries(snapshot).reverse()) as typeof snapshot;
    const options = { layout: 'openclaw', format: 'tar', progress: silentProgress, unique: 'u' } as const;
    const one = await writeArchive(join(newFolder(), 'a.tar'), snapshot, sources, memoryContent, options);
    const two = await writeArchive(join(newFolder(), 'a.tar'), reversed, sources, memoryContent, options);
    assert.equal(one.sha256, two.sha256);
  });

  it('begins with the manifest and ends with our own file, in layout openclaw', async () => {
    const { path } = await write([variedState()]);
    const names = run('tar', '--warning=no-unknown-keyword', '-tf', path).trim().split('\n');
    assert.equal(names[0], `${root}/manifest.json`);
    assert.equal(names.at(-1), `${root}/exuvia.json`);
    assert.ok(names.every((name) => name.startsWith(`${root}/`)));
  });

  it('writes a manifest with everything that OpenClaw asks for', async () => {
    const state = memorySource(
      { kind: 'state', path: '/home/u/.openclaw' },
      { '': folder(), inside: symlink('./x'), out: symlink('/etc/hosts') },
    );
    const workspace = memorySource({ kind: 'folder', path: '/srv/ws' }, { '': folder() });
    const empty = memorySource({ kind: 'credentials', path: '/srv/keys' }, {});
    const { path } = await write([state, workspace, empty]);
    const manifest = readJson<OfficialManifest>(path, `${root}/manifest.json`);
    assert.deepEqual(manifest, {
      schemaVersion: 1,
      createdAt: '2026-03-09T00:00:00.000Z',
      archiveRoot: root,
      runtimeVersion: '2026.9.6',
      platform: 'linux',
      nodeVersion: 'v24.0.0',
      options: { includeWorkspace: true, onlyConfig: false },
      paths: {
        stateDir: '/home/u/.openclaw',
        configPath: '/home/u/.openclaw/openclaw.json',
        workspaceDirs: [],
        agentRoots: [],
      },
      assets: [
        { kind: 'state', sourcePath: '/home/u/.openclaw', archivePath: stateInArchive },
        { kind: 'workspace', sourcePath: '/srv/ws', archivePath: `${root}/payload/posix/srv/ws` },
      ],
      skipped: [{ kind: 'credentials', sourcePath: '/srv/keys', reason: 'missing' }],
      externalSymbolicLinks: [{ entryPath: `${stateInArchive}/out`, linkpath: '/etc/hosts' }],
    });
  });

  it('lists every member with its SHA-256 in our own file', async () => {
    const source = variedState();
    const { path, entries, leftOut } = await write([source]);
    const own = readJson<OwnFile>(path, `${root}/exuvia.json`);
    const { members, ...head } = own;
    assert.deepEqual(leftOut, []);
    assert.deepEqual(head, {
      format: 'exuvia-archive',
      version: 1,
      layout: 'openclaw',
      snapshot: snapshotOf([source]),
      places: [stateInArchive],
      owner: { uid: 1000, gid: 1000 },
      leftOut: [],
      entries,
    });
    const unpacked = unpack(path);
    for (const member of members) {
      const stats = lstatSync(join(unpacked, member.path));
      assert.equal(member.type === 'directory', stats.isDirectory());
      if (member.type !== 'file') continue;
      const bytes = readFileSync(join(unpacked, member.path));
      assert.deepEqual([member.size, member.sha256], [bytes.length, sha256(bytes)], member.path);
    }
    assert.equal(members.find((member) => member.path.endsWith('setuid'))?.mode, 0o4755);
  });

  it('lays our own file out a member a line', async () => {
    const { path } = await write([variedState()], { layout: 'home' });
    const text = run('tar', '--warning=no-unknown-keyword', '-xOf', path, '.exuvia-archive.json');
    const lines = text.split('\n');
    assert.ok(lines[0]?.endsWith('"members":['));
    assert.deepEqual(lines.slice(-2), [']}', '']);
    const members = lines.slice(1, -2).map((line) => JSON.parse(line.replace(/,$/, '')) as MemberRecord);
    assert.equal(members.length, (JSON.parse(text) as OwnFile).entries);
  });

  it('records what tar cannot hold: owners, states and hard links', async () => {
    const hardLink = pathKeyOf('first');
    const source = memorySource(
      { kind: 'state', path: '/home/u/.openclaw' },
      {
        '': folder(),
        first: file('same', { hardLink }),
        second: file('same', { hardLink, uid: 7, gid: 8 }),
        'db.sqlite': file('raw', { state: 'raw' }),
      },
    );
    const { path } = await write([source], { layout: 'home' });
    const { members } = readJson<OwnFile>(path, '.exuvia-archive.json');
    const [, database, first, second] = members;
    assert.equal(database?.state, 'raw');
    assert.equal(first?.hardLink, '.openclaw/first');
    assert.deepEqual([second?.hardLink, second?.uid, second?.gid], ['.openclaw/first', 7, 8]);
    assert.equal(run('tar', '-xOf', path, '.openclaw/second'), 'same');
  });

  it('leaves companions of databases out of layout openclaw, and says so', async () => {
    const shape = {
      '': folder(),
      'a.sqlite': file('db', { state: 'raw' as const }),
      'a.sqlite-wal': 'wal',
      'store.bin': file('db', { state: 'captured' as const }),
      'store.bin-journal': 'journal',
      'my-journal': 'dear diary',
      my: 'a text',
    };
    const source = memorySource({ kind: 'state', path: '/home/u/.openclaw' }, shape);
    const official = await write([source]);
    assert.deepEqual(
      official.leftOut.map(({ path }) => path),
      ['/home/u/.openclaw/a.sqlite-wal', '/home/u/.openclaw/store.bin-journal'],
    );
    const home = await write([source], { layout: 'home' });
    assert.deepEqual(home.leftOut, []);
    assert.ok(run('tar', '-tf', home.path).includes('.openclaw/a.sqlite-wal\n'));
  });

  it('gives names that OpenClaw would refuse a stand-in, in layout openclaw', async () => {
    const shape = {
      '': folder(),
      'README.md': 'one',
      'readme.md': 'two',
      'back\\slash': 'three',
      'Dir/': folder(),
      'Dir/x': 'four',
      'dir/': folder(),
      'dir/x': 'five',
      'line\nfeed': symlink('with\nline feed'),
    };
    const source = memorySource({ kind: 'state', path: '/home/u/.openclaw' }, shape);
    const { path } = await write([source]);
    const names = run('tar', '--warning=no-unknown-keyword', '-tf', path).trim().split('\n');
    assert.equal(new Set(names.map((name) => name.normalize('NFC').toLowerCase())).size, names.length);
    assert.ok(!names.some((name) => name.includes('\\')));
    await using reader = await openArchive(path);
    const contents = new Map<string, string>();
    for await (const { entry, content } of reader.entries()) {
      contents.set(
        entry.path.slice(stateInArchive.length + 1),
        entry.linkTarget ?? String(await bytesOf(content)),
      );
    }
    for (const [name, node] of Object.entries(shape)) {
      if (typeof node === 'string') assert.equal(contents.get(name), node, name);
    }
    assert.equal(contents.get('line\nfeed'), 'with\nline feed');
  });

  it('holds what lies in two sources once', async () => {
    const outer = memorySource(
      { kind: 'folder', path: '/srv' },
      { '': folder(), 'ws/': folder(), 'ws/a': 'a' },
    );
    const inner = memorySource({ kind: 'folder', path: '/srv/ws' }, { '': folder(), a: 'a', b: 'only here' });
    const { path, leftOut } = await write([outer, inner]);
    const names = run('tar', '-tf', path).trim().split('\n');
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.includes(`${root}/payload/posix/srv/ws/b`));
    assert.deepEqual(leftOut, [
      { path: '/srv/ws', reason: 'it is in the archive as part of /srv' },
      { path: '/srv/ws/a', reason: 'it is in the archive as part of /srv' },
    ]);
  });

  it('archives single files and empty snapshots', async () => {
    const config = memorySource({ kind: 'config', path: '/etc/claw.json' }, { '': file('{}') });
    const { path } = await write([config]);
    assert.equal(run('tar', '-xOf', path, `${root}/payload/posix/etc/claw.json`), '{}');
    assert.equal((await write([])).entries, 0);
  });
});

describe('writeArchive() as a file', () => {
  const sources = [memorySource({ kind: 'state', path: '/home/u/.openclaw' }, { '': folder(), a: 'a' })];

  it('is readable by its owner only', async () => {
    const { path } = await write(sources);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(join(path, '..')), ['a.tar.gz']);
  });

  it('does not overwrite, unless told to', async () => {
    const path = join(newFolder(), 'a.tar.gz');
    writeFileSync(path, 'mine');
    await assert.rejects(write(sources, { path }), { code: 'ERR_ARCHIVE_EXISTS' });
    assert.equal(readFileSync(path, 'utf8'), 'mine');
    const { bytes } = await write(sources, { path, overwrite: true });
    assert.equal(statSync(path).size, bytes);
    assert.deepEqual(readdirSync(join(path, '..')), ['a.tar.gz']);
  });

  it('does not overwrite a file that appears while it is written', async () => {
    const path = join(newFolder(), 'a.tar.gz');
    const content: ContentReader = {
      *readContent() {
        writeFileSync(path, 'mine');
        yield Buffer.from('a');
      },
    };
    await assert.rejects(write(sources, { path, content }), { code: 'ERR_ARCHIVE_EXISTS' });
    assert.equal(readFileSync(path, 'utf8'), 'mine');
    assert.deepEqual(readdirSync(join(path, '..')), ['a.tar.gz']);
  });

  it('says what is wrong with a place that cannot be written', async () => {
    await assert.rejects(
      write(sources, { path: join(workFolder, 'no/such/a.tar') }),
      /no such file or folder/,
    );
    await assert.rejects(write(sources, { path: workFolder, overwrite: true }), {
      code: 'ERR_ARCHIVE_EXISTS',
    });
  });

  it('leaves nothing behind when content cannot be read', async () => {
    const many = memorySource(
      { kind: 'folder', path: '/x' },
      { '': folder(), a: Buffer.alloc(500_000), b: 'b' },
    );
    const wrong: Record<string, () => Iterable<Uint8Array>> = {
      damaged: () => {
        throw new ExuviaError('damaged', { code: 'ERR_DAMAGE' });
      },
      short: () => [Buffer.from('x')],
      long: () => [Buffer.alloc(600_000)],
    };
    for (const format of ['tar', 'tar.gz', 'tar.zst'] as const) {
      for (const readContent of Object.values(wrong)) {
        const path = join(newFolder(), 'a');
        await assert.rejects(write([many], { path, format, content: { readContent } }), {
          code: 'ERR_DAMAGE',
        });
        assert.deepEqual(readdirSync(join(path, '..')), []);
      }
    }
  });

  it('tells how far it is within a large file too', async () => {
    const large = Buffer.alloc(6_000_000, 'a'); // given in pieces of 100,000 bytes
    const source = memorySource(
      { kind: 'folder', path: '/x' },
      { '': folder(), empty: '', large, small: 'b' },
    );
    const told: { files: number; bytes: number }[] = [];
    const advance = ({ files = 0, bytes = 0 }): void => void told.push({ files, bytes });
    await write([source], { progress: { ...silentProgress, advance } });
    const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
    assert.equal(sumOf(told.map(({ files }) => files)), 3);
    assert.equal(sumOf(told.map(({ bytes }) => bytes)), large.length + 1);
    assert.equal(Math.max(...told.map(({ bytes }) => bytes)), 1_100_000);
  });

  it('leaves nothing behind when it is interrupted', async () => {
    for (const format of ['tar', 'tar.gz', 'tar.zst'] as const) {
      const abort = new AbortController();
      const path = join(newFolder(), 'a');
      const content: ContentReader = {
        *readContent() {
          abort.abort();
          yield Buffer.from('a');
        },
      };
      const interrupted = write(sources, { path, format, content, signal: abort.signal });
      await assert.rejects(interrupted, { code: 'ERR_INTERRUPTED' });
      assert.deepEqual(readdirSync(join(path, '..')), []);
    }
  });

  it('leaves nothing behind when there is no more space', { skip: process.platform === 'win32' }, () => {
    const target = newFolder();
    const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
    for (const format of ['tar', 'tar.gz', 'tar.zst']) {
      const script = `
        const { writeArchive } = await import(${at('../../../src/portable/archive-writer.ts')});
        const f = await import(${at('./write-fixtures.ts')});
        const { randomBytes } = await import('node:crypto');
        const bytes = randomBytes(4_000_000);
        const sources = [f.memorySource({ kind: 'folder', path: '/x' }, { '': f.folder(), a: bytes, b: bytes, c: bytes })];
        const progress = { step() {}, advance() {}, warn() {} };
        const options = { layout: 'home', format: '${format}', progress, unique: 'u' };
        process.on('SIGXFSZ', () => {});
        try {
          await writeArchive(${JSON.stringify(join(target, 'a'))}, f.snapshotOf(sources), sources, f.memoryContent, options);
        } catch (error) { console.log(error.code, error.message); }
      `;
      const limited = `ulimit -f 4000; exec "$0" --disable-warning=ExperimentalWarning --input-type=module -e "$1"`;
      const result = spawnSync('bash', ['-c', limited, process.execPath, script], { encoding: 'utf8' });
      assert.match(result.stdout, /^ERR_FS_EFBIG Cannot write /, result.stderr);
      assert.deepEqual(readdirSync(target), [], format);
    }
  });
});

describe('writeArchive() in the hands of another archiver', () => {
  it('lists the same in Python', async (context) => {
    if (spawnSync('python3', ['--version']).status !== 0) return context.skip('python3 is not installed');
    const { path, entries } = await write([variedState()], { format: 'tar' });
    const script = [
      'import tarfile, sys, json',
      'members = tarfile.open(sys.argv[1], errors="strict").getmembers()',
      'print(json.dumps([[m.name, m.mode, m.mtime, m.size] for m in members]))',
    ].join('\n');
    const listed = JSON.parse(run('python3', '-c', script, path)) as [string, number, number, number][];
    assert.equal(listed.length, entries + 2);
    const find = (end: string) => listed.find(([name]) => name.endsWith(end));
    assert.deepEqual(find('/no-mode')?.slice(1), [0, Number(mtimeNs) / 1e9, 1]);
    assert.equal(find('/old')?.[2], -1.5);
    assert.equal(find('/future')?.[2], 5e9);
  });
});

function pathKeyOf(name: string) {
  return byteStringOf(name) as string as NonNullable<ReturnType<typeof file>['hardLink']>;
}
