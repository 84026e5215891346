/**
 * A repository copied file by file, in any order, while backups go on: the documentation's `rclone copy` and `aws s3 sync`.
 * Every snapshot that was complete when the copy began is whole in the copy, and the copy opens.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { launcherPath, runCli } from '../helpers/cli.ts';
import { Seeded } from '../helpers/seeded.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

class Place {
  readonly home: string;
  readonly backups: string;
  #round = 0;

  constructor(context: TestContext) {
    this.home = temporaryFolder(context);
    this.backups = join(this.home, '.openclaw/backups');
    mkdirSync(join(this.home, '.openclaw/workspace'), { recursive: true });
    for (let index = 0; index < 30; index++) this.write(index);
  }

  write(index: number): void {
    const random = new Seeded(++this.#round);
    writeFileSync(join(this.home, `.openclaw/workspace/${index}.bin`), random.bytes(30_000));
  }

  create(): { readonly id: string } {
    this.write(this.#round % 30);
    const { status, stderr, json } = runCli(['backup', 'create', '--json'], { home: this.home });
    assert.equal(status, 0, stderr);
    return json.snapshot;
  }

  /** What each file of a snapshot is, by its path. */
  contents(repository: string, id: string, target: string): Map<string, Buffer> {
    rmSync(target, { recursive: true, force: true });
    const words = ['backup', 'restore', id, '--target', target, '--repository', repository, '--json'];
    const { status, stderr, json } = runCli(words, { home: this.home });
    assert.equal(status, 0, `snapshot ${id} in the copy: ${stderr}`);
    assert.deepEqual(json.failures, []);
    const folder = join(target, 'workspace');
    return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
  }

  assertWhole(copy: string, ids: readonly string[]): void {
    const list = runCli(['backup', 'list', '--json', '--repository', copy], { home: this.home });
    assert.equal(list.status, 0, list.stderr);
    for (const id of ids) {
      const wanted = this.contents(this.backups, id, join(this.home, 'wanted'));
      assert.ok(wanted.size === 30);
      assert.deepEqual(this.contents(copy, id, join(this.home, 'found')), wanted);
    }
  }
}

test('a copy in any order, with backups between its files, holds every snapshot that was complete', (context) => {
  for (const seed of [1, 2, 3]) {
    const place = new Place(context);
    const ids = [place.create().id, place.create().id];
    const random = new Seeded(seed);
    const order = (names: readonly string[]) =>
      names
        .map((name): [number, string] => [random.bytes(4).readUInt32LE(), name])
        .sort(([a], [b]) => a - b)
        .map(([, name]) => name);
    const copy = join(place.home, 'copy');
    const done = new Set<string>();
    // Folders are listed again and again, as a tool does that walks while it copies.
    for (let round = 0; round < 4; round++) {
      const names = readdirSync(place.backups, { recursive: true, encoding: 'utf8', withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(place.backups.length + 1));
      const fresh = order(names.filter((name) => !done.has(name)));
      for (const [index, name] of fresh.entries()) {
        if (index % 4 === 2 && round < 2) place.create();
        if (round < 3 && index > fresh.length / 2) break;
        done.add(name);
        mkdirSync(dirname(join(copy, name)), { recursive: true });
        if (existsSync(join(place.backups, name))) copyFileSync(join(place.backups, name), join(copy, name));
      }
    }
    place.assertWhole(copy, ids);
  }
});

test('rclone copies a repository while backups go on', async (context) => {
  if (spawnSync('rclone', ['version'], { stdio: 'ignore' }).status !== 0) return context.skip('needs rclone');
  const place = new Place(context);
  const ids = [place.create().id, place.create().id, place.create().id];
  const remote = join(place.home, 'remote');
  const config = join(place.home, 'rclone.conf');
  writeFileSync(config, `[remote]\ntype = alias\nremote = ${remote}\n`);
  const env = { PATH: process.env['PATH'] ?? '', HOME: place.home, RCLONE_CONFIG: config };
  const rclone = (): ChildProcess =>
    spawn('rclone', ['copy', '--bwlimit', '2M', place.backups, 'remote:openclaw-backups'], {
      env,
      stdio: 'ignore',
    });
  for (let round = 0; round < 2; round++) {
    const copying = rclone();
    const copied = once(copying, 'exit');
    const more = spawn(
      'sh',
      [
        '-c',
        'for i in 1 2 3 4; do echo $i > "$HOME/.openclaw/workspace/0.bin"; "$0" "$1" backup create -q; done',
        process.execPath,
        launcherPath,
      ],
      { env, stdio: 'ignore' },
    );
    await Promise.all([copied, once(more, 'exit')]);
    place.assertWhole(join(remote, 'openclaw-backups'), ids);
  }
});
