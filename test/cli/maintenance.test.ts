import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { launcherPath, runCli } from '../helpers/cli.ts';
import { compareFolders } from '../helpers/compare-folders.ts';
import { Seeded } from '../helpers/seeded.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const holdLock = fileURLToPath(new URL('../helpers/hold-lock.ts', import.meta.url));

/** A home with snapshots of which each has one new large file in place of the one before. */
class MaintainedHome {
  readonly home: string;
  readonly ids: string[] = [];
  readonly #random = new Seeded(4);

  constructor(context: TestContext, snapshots: number) {
    this.home = temporaryFolder(context);
    mkdirSync(join(this.home, '.openclaw/workspace'), { recursive: true });
    this.write('openclaw.json', '{}');
    for (let index = 1; index <= snapshots; index++) this.snapshot(index);
  }

  snapshot(index: number): string {
    this.write(`workspace/big${index}`, this.#random.bytes(400_000));
    rmSync(join(this.home, '.openclaw/workspace', `big${index - 1}`), { force: true });
    this.write('workspace/secret.txt', `the secret of day ${index}`);
    this.write('workspace/notes.md', this.#random.text(90_000));
    const { snapshot } = this.run('create', '--json').json;
    this.ids.push(snapshot.id);
    return snapshot.id;
  }

  write(path: string, content: string | Uint8Array): void {
    writeFileSync(join(this.home, '.openclaw', path), content);
  }

  run(...words: string[]): ReturnType<typeof runCli> {
    return runCli(['backup', ...words], { home: this.home });
  }

  get repository(): string {
    return join(this.home, '.openclaw/backups');
  }

  files(folder: string): string[] {
    return readdirSync(join(this.repository, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  }

  packBytes(): number {
    return this.files('packs').reduce((sum, path) => sum + statSync(path).size, 0);
  }

  restored(reference: string, name: string): string {
    const target = join(this.home, name);
    const run = this.run('restore', reference, '--target', target);
    assert.equal(run.status, 0, run.stderr);
    return target;
  }

  assertSound(): void {
    const run = this.run('check', '--read-data', '--json');
    assert.equal(run.status, 0, run.stdout);
    assert.equal(run.json.isSound, true);
  }
}

function flipByte(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

function largest(paths: readonly string[]): string {
  return [...paths].sort((a, b) => statSync(b).size - statSync(a).size)[0] ?? '';
}

test('backup prune frees what forgotten snapshots alone referred to, and keeps the rest byte for byte', (context) => {
  const maintained = new MaintainedHome(context, 5);
  const before = maintained.restored('latest~1', 'before');
  const stored = maintained.packBytes();
  assert.equal(maintained.run('prune').stdout.split('\n')[0], 'Nothing to prune');
  assert.equal(maintained.run('forget', '--keep-last', '2').status, 0);
  const planned = maintained.run('prune', '--max-unused', '0', '--dry-run', '--json').json;
  assert.equal(planned.dryRun, true);
  assert.ok(planned.freedBytes > 1_100_000, `${planned.freedBytes}`);
  assert.equal(maintained.packBytes(), stored, 'a dry run changes nothing');
  const pruned = maintained.run('prune', '--max-unused', '0', '--json').json;
  assert.equal(maintained.packBytes(), stored - pruned.freedBytes);
  assert.equal(pruned.bytesAfter, maintained.packBytes());
  assert.equal(pruned.unusedBytes, 0);
  maintained.assertSound();
  assert.deepEqual(compareFolders(before, maintained.restored('latest~1', 'after')), []);
  // What this machine knew of files that are gone is forgotten too: they are stored again when they come back.
  maintained.write('workspace/big1', new Seeded(4).bytes(400_000));
  assert.equal(maintained.run('create').status, 0);
  maintained.assertSound();
});

test('backup prune repacks within its limits, merges small packs, recompresses', (context) => {
  const maintained = new MaintainedHome(context, 3);
  for (let index = 0; index < 12; index++) {
    maintained.write('workspace/small.txt', `change ${index}`);
    assert.equal(maintained.run('create').status, 0);
  }
  const packs = maintained.files('packs').length;
  assert.equal(packs, 15);
  const limited = maintained.run('prune', '--max-repack', '1', '--json').json;
  assert.equal(limited.packsRepacked, 0);
  const merged = maintained.run('prune', '--json').json;
  assert.ok(merged.packsRepacked >= 12, JSON.stringify(merged));
  assert.ok(maintained.files('packs').length <= 4);
  maintained.assertSound();
  const stored = maintained.packBytes();
  const again = maintained.run('prune', '--recompress', '22', '--json').json;
  assert.equal(again.packsRepacked, again.packsBefore);
  assert.ok(maintained.packBytes() < stored, `${maintained.packBytes()} < ${stored}`);
  maintained.assertSound();
  for (const words of [
    ['--max-unused', '200%'],
    ['--max-unused', 'some'],
    ['--max-repack', '-1'],
    ['--recompress', '0'],
  ]) {
    assert.equal(maintained.run('prune', ...words).status, 2, words.join(' '));
  }
});

test('backup prune refuses while a snapshot cannot be read, and removes nothing', (context) => {
  const maintained = new MaintainedHome(context, 3);
  assert.equal(maintained.run('forget', 'latest').status, 0);
  const [oldest = ''] = maintained.files('snapshots');
  truncateSync(oldest, 50);
  rmSync(join(maintained.repository, 'local'), { recursive: true });
  const packs = maintained.files('packs');
  const refused = maintained.run('prune');
  assert.equal(refused.status, 4);
  assert.match(refused.stderr, /Cannot tell what is still needed: .*snapshot/);
  assert.deepEqual(maintained.files('packs'), packs);
});

test('backup check names each step, and what a damaged byte costs', (context) => {
  const maintained = new MaintainedHome(context, 3);
  const quick = maintained.run('check', '--json').json;
  assert.deepEqual(
    quick.steps.map(({ name }: { name: string }) => name),
    ['packs', 'index', 'snapshots', 'trees'],
  );
  assert.equal(quick.readBytes, 0);
  const pack = largest(maintained.files('packs'));
  flipByte(pack, 200_000);
  assert.equal(maintained.run('check').status, 0, 'the quick check reads no data');
  const found = maintained.run('check', '--read-data', '--json');
  assert.equal(found.status, 4);
  const lost = found.json.findings.filter(({ path }: { path?: string }) => path !== undefined);
  assert.ok(lost.length > 0);
  for (const { path, snapshot } of lost) {
    const run = maintained.run('cat', snapshot, path);
    assert.notEqual(run.status, 0, `${path} of ${snapshot} is lost`);
  }
  const text = maintained.run('check');
  assert.equal(text.status, 4, 'what was found is remembered');
  assert.match(text.stdout, /^Damage: snapshot [0-9a-f]{8}, file workspace\/[a-z0-9.]+: cannot be restored/m);
  assert.match(text.stdout, /Run exuvia backup create/);
});

test('backup check says how much it does not list', (context) => {
  const maintained = new MaintainedHome(context, 1);
  const folder = join(maintained.home, '.openclaw/workspace/many');
  mkdirSync(folder);
  const random = new Seeded(9);
  for (let no = 0; no < 2000; no++) writeFileSync(join(folder, `${no}`), random.bytes(600));
  const { snapshot } = maintained.run('create', '--json').json;
  const [path = ''] = maintained.files('packs').filter((one) => readFileSync(one).length > 500_000);
  for (const at of [100_000, 300_000, 500_000, 700_000]) flipByte(path, at);
  const { findings, findingsLeftOut, lostFiles } = maintained.run(
    ...['check', snapshot.id, '--read-data', '--json'],
  ).json;
  assert.equal(findings.length, 1000);
  assert.ok(findingsLeftOut > 0 && lostFiles > 900, JSON.stringify({ findingsLeftOut, lostFiles }));
  assert.match(maintained.run('check', snapshot.id).stdout, /^… and \d+ findings more$/m);
});

test('backup check reads a share of the data, and only that of the snapshots named', (context) => {
  const maintained = new MaintainedHome(context, 4);
  const all = maintained.run('check', '--read-data', '--json').json.readBytes;
  assert.equal(all, maintained.packBytes());
  const parts = ['1/3', '2/3', '3/3'].map(
    (part) => maintained.run('check', '--read-data-subset', part, '--json').json.readBytes,
  );
  assert.equal(
    parts.reduce((sum, bytes) => sum + bytes, 0),
    all,
    'the parts are all',
  );
  for (const share of ['50%', '100k']) {
    const { readBytes } = maintained.run('check', '--read-data-subset', share, '--json').json;
    assert.ok(readBytes > 0 && readBytes < all, `${share}: ${readBytes} of ${all}`);
  }
  const one = maintained.run('check', 'latest', '--read-data', '--json').json;
  assert.equal(one.snapshots, 1);
  assert.ok(one.readBytes < all);
  for (const share of ['0/3', '4/3', '0%', '101%', 'x']) {
    assert.equal(maintained.run('check', '--read-data-subset', share).status, 2, share);
  }
});

test('backup create stores again what check found damaged, when the home still has it', (context) => {
  const maintained = new MaintainedHome(context, 1);
  const first = maintained.ids[0] ?? '';
  const whole = maintained.restored(first, 'whole');
  flipByte(largest(maintained.files('packs')), 100_000);
  assert.equal(maintained.run('check', '--read-data').status, 4);
  assert.equal(maintained.run('create').status, 0);
  const { lostFiles } = maintained.run('check', '--json').json;
  assert.equal(lostFiles, 0, 'the old snapshot is whole again too');
  assert.deepEqual(compareFolders(whole, maintained.restored(first, 'healed')), []);
  assert.equal(maintained.run('check', '--repair').status, 0);
  maintained.assertSound();
});

test('backup check --repair keeps what can be read, names what is lost, deletes nothing', (context) => {
  const maintained = new MaintainedHome(context, 5);
  const whole = maintained.ids.map((id, index) => maintained.restored(id, `whole${index}`));
  const packs = maintained.files('packs');
  flipByte(packs[0] ?? '', 150_000);
  truncateSync(packs[1] ?? '', 300_000);
  const snapshots = maintained.files('snapshots');
  truncateSync(snapshots[2] ?? '', 100);
  rmSync(snapshots[4] ?? '');
  const planned = maintained.run('check', '--repair', '--dry-run', '--json');
  assert.equal(planned.status, 4);
  assert.deepEqual(maintained.files('packs'), packs, 'a dry run changes nothing');
  const repaired = maintained.run('check', '--repair', '--json');
  assert.equal(repaired.status, 0, repaired.stderr);
  assert.equal(repaired.json.rewritten.length, 1, 'this machine knows the snapshot whose file is damaged');
  assert.deepEqual(repaired.json.acknowledged, [maintained.ids[4]]);
  assert.ok(repaired.json.setAside.length >= 2);
  for (const path of repaired.json.setAside) assert.ok(statSync(join(maintained.repository, path)).isFile());
  maintained.assertSound();
  const { replaced } = repaired.json;
  for (const [index, id] of maintained.ids.slice(0, 4).entries()) {
    const replacement = replaced.find(({ before }: { before: string }) => before === id);
    if (replacement?.after === null) continue; // its tree was in the part that was cut off
    const lost: string[] = replacement?.lostPaths ?? [];
    const differences = compareFolders(whole[index] ?? '', maintained.restored(id, `now${index}`));
    assert.deepEqual(
      differences.map((one) => one.split(' ')[0]),
      lost.map((path) => JSON.stringify(path)),
      'all that is not named as lost is as it was',
    );
  }
  assert.match(maintained.run('check', '--repair').stdout, /Nothing to repair/);
  assert.equal(maintained.run('check', 'latest', '--repair').status, 2);
  assert.equal(maintained.run('check', '--dry-run').status, 2);
  assert.equal(maintained.run('check', '--repair', '--read-data-subset', '1/2').status, 2);
});

test('Ctrl-C while check --repair saves what can be read ends it, sets nothing aside, and a second run goes on', async (context) => {
  const maintained = new MaintainedHome(context, 1);
  for (let file = 0; file < 10; file++) maintained.write(`media${file}`, new Seeded(file).bytes(17_000_000));
  assert.equal(maintained.run('create').status, 0);
  const packs = maintained.files('packs').filter((path) => statSync(path).size > 10_000_000);
  assert.ok(packs.length >= 8, `${packs.length} packs`);
  for (const path of packs) flipByte(path, 150_000);
  const child = spawn(process.execPath, [launcherPath, 'backup', 'check', '--repair'], {
    env: { HOME: maintained.home },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = Promise.all([once(child, 'close'), text(child.stderr)]);
  const saved = (): boolean =>
    maintained
      .files('local/tmp')
      .some((path) => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 1_000_000);
  while (child.exitCode === null && !saved()) await sleep(2);
  child.kill('SIGINT');
  const [[code], said] = await ended;
  assert.equal(code, 130, said);
  assert.match(said, /Interrupted; packs and snapshots are where they were, and the repair can be run again/);
  assert.deepEqual(
    packs.filter((path) => !existsSync(path)),
    [],
  );
  const repaired = maintained.run('check', '--repair', '--json');
  assert.equal(repaired.status, 0, repaired.stderr);
  assert.ok(repaired.json.setAside.length >= packs.length);
  maintained.assertSound();
});

test('backup check --repair writes exuvia-repository.json anew, whatever became of it', (context) => {
  const maintained = new MaintainedHome(context, 2);
  const whole = maintained.restored('latest', 'whole');
  const path = join(maintained.repository, 'exuvia-repository.json');
  const text = readFileSync(path, 'utf8');
  const damages: [string, string | undefined][] = [
    ['a bit', text.replace('"created": "2', '"created": "3')],
    ['a bit of the version', text.replace('"version": 1', '"version": 9')],
    ['cut', text.slice(0, 200)],
    ['empty', ''],
    ['gone', undefined],
  ];
  for (const [name, damaged] of damages) {
    for (const keepsLocal of [true, false]) {
      const { id } = JSON.parse(readFileSync(path, 'utf8'));
      if (!keepsLocal) rmSync(join(maintained.repository, 'local'), { recursive: true });
      if (damaged === undefined) rmSync(path);
      else writeFileSync(path, damaged);
      const refused = maintained.run('list');
      assert.notEqual(refused.status, 0, name);
      assert.match(refused.stderr, /run exuvia backup check --repair/i, name);
      const planned = maintained.run('check', '--repair', '--dry-run', '--json');
      assert.equal(planned.status, 4, name);
      assert.equal(planned.json.parametersRewritten, true);
      assert.equal(existsSync(path) ? readFileSync(path, 'utf8') : undefined, damaged, 'nothing has changed');
      const repaired = maintained.run('check', '--repair');
      assert.equal(repaired.status, 0, repaired.stderr);
      assert.match(
        repaired.stdout,
        /^Damage: exuvia-repository\.json: .*\nWrote exuvia-repository\.json anew/m,
      );
      if (keepsLocal) assert.equal(JSON.parse(readFileSync(path, 'utf8')).id, id);
      maintained.assertSound();
      const restored = maintained.restored('latest', `restored ${name} ${keepsLocal}`);
      assert.deepEqual(compareFolders(whole, restored), []);
    }
  }
  const kept = maintained.files('damaged').map((file) => readFileSync(file, 'utf8'));
  const wanted = damages.flatMap(([, damaged]) => (damaged === undefined ? [] : [damaged, damaged]));
  assert.deepEqual(kept.sort(), wanted.sort());
});

test('backup check --repair does not take a folder for a repository in which no pack can be read', (context) => {
  const maintained = new MaintainedHome(context, 1);
  const before = maintained.files('.');
  writeFileSync(join(maintained.repository, 'exuvia-repository.json'), '');
  for (const path of maintained.files('packs')) truncateSync(path, 20);
  const refused = maintained.run('check', '--repair');
  assert.equal(refused.status, 4);
  assert.match(refused.stderr, /exuvia-repository\.json: it is not JSON/);
  assert.deepEqual(maintained.files('.'), before);
});

for (const [lock, words] of [
  ['maintenance.sqlite', ['prune']],
  ['locks.sqlite', ['create']],
] as const) {
  test(`backup ${words[0]} waits for who holds ${lock}, and names it`, {
    skip: process.platform === 'linux' ? false : 'who holds a lock is told by Linux only',
  }, async (context) => {
    const maintained = new MaintainedHome(context, 1);
    const path = join(maintained.repository, 'local', lock);
    const command = [holdLock, path, 'dist/launcher.cjs', 'backup', 'prune', '--max-unused', '0'];
    const holder = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
    context.after(() => holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    const refused = maintained.run(...words, '--lock-wait', '0');
    assert.equal(refused.status, 11);
    const name = `process ${holder.pid} \\(exuvia backup prune\\) is using it \\(waited 0 s\\)`;
    assert.match(refused.stderr, new RegExp(name));
    holder.kill('SIGKILL');
    assert.equal(maintained.run(...words, '--lock-wait', '20').status, 0, 'a lock ends with its process');
  });
}

test('backup tag and pin replace a snapshot, which keeps its place and its old name', (context) => {
  const maintained = new MaintainedHome(context, 3);
  const [first = '', second = ''] = maintained.ids;
  const tagged = maintained.run('tag', first, '--add', 'good,clean', '--json').json.changed[0];
  assert.equal(tagged.before, first);
  assert.deepEqual(tagged.tags, ['good', 'clean']);
  assert.deepEqual(maintained.run('tag', first, '--remove', 'clean', '--json').json.changed[0].tags, [
    'good',
  ]);
  assert.equal(maintained.run('pin', second).status, 0);
  const { snapshots } = maintained.run('list', '--json').json;
  assert.equal(snapshots.length, 3);
  assert.deepEqual(
    snapshots.map(({ original }: { original?: string }) => original ?? null),
    [first, second, null],
  );
  assert.equal(maintained.run('show', first, '--json').json.snapshot.original, first);
  assert.match(maintained.run('list').stdout, /pinned/);
  assert.match(maintained.run('forget', second).stderr, /pinned/);
  const kept = maintained.run('forget', '--keep-last', '1', '--json').json.kept;
  assert.deepEqual(
    kept.map(({ reasons }: { reasons: string[] }) => reasons.includes('pinned')),
    [true, false],
  );
  assert.equal(maintained.run('unpin', second).status, 0);
  assert.equal(maintained.run('forget', '--keep-last', '1', '--json').json.forgotten.length, 1);
  assert.equal(maintained.run('tag', 'latest').status, 2, 'nothing to change was said');
  const twice = maintained.run('tag', 'latest', 'latest', '--add', 'twice', '--json').json;
  assert.equal(twice.changed.length, 1, 'one snapshot, named twice');
  const unchanged = maintained.run('unpin', 'latest', '--json').json;
  assert.equal(unchanged.unchanged.length, 1);
});

test('backup purge leaves nothing of a file in the repository', (context) => {
  const maintained = new MaintainedHome(context, 3);
  maintained.write('workspace/other.txt', 'the secret of day 0, in another file');
  assert.equal(maintained.run('create', '--tag', 'kept').status, 0);
  const before = maintained.restored('latest', 'before');
  const planned = maintained.run('purge', 'workspace/secret.txt', '--dry-run', '--json').json;
  assert.deepEqual(planned.paths, ['workspace/secret.txt']);
  assert.equal(planned.snapshots.length, 4);
  const purged = maintained.run('purge', 'workspace/secret.txt', '--json').json;
  assert.equal(purged.snapshots.length, 4);
  maintained.assertSound();
  assert.deepEqual(
    compareFolders(before, maintained.restored('kept', 'after')).map((one) => one.split(' ')[0]),
    ['"workspace/secret.txt"'],
  );
  // Every frame of every pack, decoded by another program than ours, and every other file as it is.
  const found = spawnSync('python3', ['-c', searcher, maintained.repository, 'the secret of day 3'], {
    encoding: 'utf8',
  });
  assert.equal(found.status, 0, found.stderr);
  assert.deepEqual(JSON.parse(found.stdout), { frames: 'searched', found: [] });
  assert.equal(
    maintained.run('purge', 'workspace/nothing-like-it').stdout.trim(),
    'No snapshot holds such a path',
  );
  assert.equal(maintained.run('purge', '/').status, 2);
  // Anchored: a name without a folder is not a name in every folder.
  assert.equal(maintained.run('purge', 'notes.md', '--dry-run', '--json').json.paths.length, 0);
  assert.equal(maintained.run('purge', '**/notes.md', '--dry-run', '--json').json.paths.length, 1);
});

/** Looks for bytes in every file, and in what `zstd` makes of every frame. */
const searcher = `
import json, os, struct, subprocess, sys
root, needle = sys.argv[1], sys.argv[2].encode()
found, frames = [], 0
for folder, _, names in os.walk(root):
    for name in names:
        path = os.path.join(folder, name)
        data = open(path, 'rb').read()
        if needle in data: found.append(path)
        at = data.find(b'XFRM') if name.endswith('.pack') else -1
        while at >= 0:
            body = struct.unpack('<I', data[at + 4:at + 8])[0]
            payload = data[at + 24:at + 12 + body]
            if data[at + 12] == 1:
                payload = subprocess.run(['zstd', '-dc'], input=payload, stdout=subprocess.PIPE).stdout
            frames += 1
            if needle in payload: found.append(path + ' at ' + str(at))
            at = data.find(b'XFRM', at + 12 + body)
print(json.dumps({ 'frames': 'searched' if frames > 3 else frames, 'found': found }))
`;
