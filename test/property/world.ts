/** A folder, its repository, and a plain model of both: what each snapshot holds is a map of paths to contents. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  checkRepository,
  createBackup,
  type Environment,
  listBackups,
  restoreBackup,
  systemEnvironment,
} from '../../src/index.ts';

export type Files = ReadonlyMap<string, string>;

export interface ModelSnapshot {
  /** The id it had first. */
  readonly id: string;
  files: Files;
  pinned: boolean;
}

/** A memory disk makes it ten times as quick; nothing here depends on what is durable. */
export function quickFolder(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'exuvia-model-'));
}

export class World implements Disposable {
  readonly root = quickFolder();
  readonly source = join(this.root, 'source');
  readonly place = { repository: join(this.root, 'repository') };
  readonly environment: Environment;
  readonly files = new Map<string, string>();
  snapshots: ModelSnapshot[] = [];
  nowMs = Date.UTC(2026, 0, 1);
  #restores = 0;

  constructor() {
    mkdirSync(this.source);
    this.environment = systemEnvironment({
      env: { HOME: this.root },
      osHome: this.root,
      cwd: this.root,
      host: 'model',
      random: randomBytes,
      clock: { nowMs: () => this.nowMs },
      lockWaitMs: 1000,
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  put(path: string, content: string): void {
    const full = join(this.source, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
    this.files.set(path, content);
  }

  remove(path: string): void {
    rmSync(join(this.source, path));
    this.files.delete(path);
  }

  async create(): Promise<void> {
    this.nowMs += 1000;
    const { snapshot } = await createBackup(this.environment, { ...this.place, sources: [this.source] });
    assert.ok(snapshot !== undefined);
    this.snapshots.push({ id: snapshot.id, files: new Map(this.files), pinned: false });
  }

  /** The id that the snapshot has now. */
  async nowOf(id: string): Promise<string> {
    const { snapshots } = await listBackups(this.environment, this.place);
    const found = snapshots.find((one) => (one.original ?? one.id) === id);
    assert.ok(found !== undefined, `snapshot ${id} is listed`);
    return found.id;
  }

  async restored(id: string): Promise<Files> {
    const target = join(this.root, `restored-${this.#restores++}`);
    const { failures } = await restoreBackup(this.environment, { ...this.place, target }, id);
    assert.deepEqual(failures, []);
    const files = new Map<string, string>();
    for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(path.slice(target.length + 1), readFileSync(path, 'utf8'));
    }
    rmSync(target, { recursive: true });
    return files;
  }

  /** What is listed is what the model has, in its order. */
  async assertListed(): Promise<void> {
    if (!existsSync(this.place.repository)) return;
    const { snapshots, damaged } = await listBackups(this.environment, this.place);
    assert.deepEqual(damaged, []);
    const listed = snapshots.map((one) => [one.original ?? one.id, one.pinned ?? false]);
    assert.deepEqual(
      listed,
      this.snapshots.map(({ id, pinned }) => [id, pinned]),
    );
  }

  async assertWhole(): Promise<void> {
    await this.assertListed();
    for (const { id, files } of this.snapshots)
      assert.deepEqual(sorted(await this.restored(await this.nowOf(id))), sorted(files));
    const checked = await checkRepository(this.environment, { ...this.place, readData: true }, []);
    assert.deepEqual(checked.findings, []);
  }
}

export function sorted(files: Files): [string, string][] {
  return [...files].sort(([a], [b]) => (a < b ? -1 : 1));
}
