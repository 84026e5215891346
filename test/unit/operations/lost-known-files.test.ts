/** Packs that are lost while it is known what was in them: the backup that meets it, or the next one, stores it again. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { checkRepository, createBackup, type Environment, systemEnvironment } from '../../../src/index.ts';
import { type Progress, silentProgress } from '../../../src/model/progress.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const filesEach = 300;

class Site {
  readonly #folder: string;
  readonly source: string;
  readonly #repository: string;

  constructor(context: TestContext) {
    this.#folder = temporaryFolder(context);
    this.source = join(this.#folder, 'source');
    this.#repository = join(this.#folder, 'repository');
    for (const name of ['x', 'y']) this.fill(name);
  }

  fill(name: string): void {
    mkdirSync(join(this.source, name), { recursive: true });
    for (let file = 0; file < filesEach; file++)
      writeFileSync(join(this.source, name, `f${file}`), `${name} ${file} `.repeat(40));
  }

  /** Files count as settled at once. */
  #environment(progress: Progress = silentProgress): Environment {
    return systemEnvironment({
      env: { HOME: this.#folder, TMPDIR: this.#folder },
      osHome: this.#folder,
      cwd: this.#folder,
      progress,
      clock: { nowMs: () => Date.now() + 60_000 },
    });
  }

  async backup(progress?: Progress): Promise<void> {
    const options = { repository: this.#repository, sources: [this.source] };
    await createBackup(this.#environment(progress), options);
  }

  async check(): Promise<void> {
    await checkRepository(this.#environment(), { repository: this.#repository }, []);
  }

  async assertLatestIsWhole(): Promise<void> {
    const options = { repository: this.#repository, readData: true };
    const { lostFiles } = await checkRepository(this.#environment(), options, ['latest']);
    assert.equal(lostFiles, 0);
  }

  loseFirstPack(): void {
    const root = join(this.#repository, 'packs');
    const [pack] = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.pack'))
      .map((name) => join(root, name))
      .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs);
    assert.ok(pack !== undefined);
    chmodSync(pack, 0o600);
    writeFileSync(pack, Buffer.alloc(statSync(pack).size));
  }

  /** Their leaves go into another pack than their contents. */
  changeModes(): void {
    for (let file = 0; file < filesEach; file++) chmodSync(join(this.source, 'x', `f${file}`), 0o640);
  }
}

test('a backup that meets the damage stores again what is lost', async (context) => {
  const site = new Site(context);
  await site.backup();
  site.changeModes();
  await site.backup();
  site.loseFirstPack();
  appendFileSync(join(site.source, 'y', 'f7'), 'more');
  await site.backup();
  await site.assertLatestIsWhole();
});

test('a file that grew is stored again, of whose beginning the pack is lost', async (context) => {
  const site = new Site(context);
  const large = join(site.source, 'x', 'large');
  writeFileSync(large, randomBytes(3_000_000));
  await site.backup();
  site.loseFirstPack();
  appendFileSync(large, randomBytes(1_000_000));
  await site.backup();
  await site.assertLatestIsWhole();
});

test('what a check finds to be lost while a backup is at work is stored again', async (context) => {
  const site = new Site(context);
  await site.backup();
  site.changeModes();
  await site.backup();
  site.loseFirstPack();
  site.fill('z');
  let checked: Promise<void> | undefined;
  const advance = (): void => {
    checked ??= site.check();
  };
  await site.backup({ ...silentProgress, advance });
  await checked;
  await site.backup();
  await site.assertLatestIsWhole();
});
