/** Backups run one after another, the power is cut at a random moment, and what was reported done must be there. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { launcherPath, runCli } from '../helpers/cli.ts';
import { compareFolders } from '../helpers/compare-folders.ts';
import { Seeded } from '../helpers/seeded.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { type FileSystem, LoopDisk, type Lost, uncuttable } from './power-cut/loop-disk.ts';

const cyclesEach = 20;
const controlCyclesEach = 4;
const restoreCyclesEach = 6;
const noSync = ['--import', fileURLToPath(new URL('power-cut/no-sync.ts', import.meta.url))];

/** A home on a disk that keeps its power, with a repository on one that does not. */
class World {
  readonly home: string;
  readonly disk: LoopDisk;
  readonly random: Seeded;
  /** What was reported done: copies of what the snapshots hold. */
  readonly done = new Map<string, string>();
  readonly #folder: string;
  #count = 0;
  /** How long a backup takes here: the power goes in the first of a cycle, or some backups later. */
  #backupMs = 0;

  constructor(folder: string, disk: LoopDisk, seed: number) {
    this.#folder = folder;
    this.disk = disk;
    this.random = new Seeded(seed);
    this.home = join(folder, 'home');
    mkdirSync(join(this.home, '.openclaw'), { recursive: true });
    writeFileSync(join(this.home, '.openclaw', 'openclaw.json'), '{}');
    for (let index = 0; index < 30; index++) this.#write(index);
  }

  get repository(): string {
    return join(this.disk.mount, 'kept', 'backups');
  }

  startAnew(): void {
    this.disk.format();
    this.done.clear();
  }

  async #measureBackup(nodeOptions: readonly string[]): Promise<void> {
    const startedMs = performance.now();
    await this.#backUp(nodeOptions);
    this.#backupMs = performance.now() - startedMs;
  }

  /** Backups until the power is gone; returns how many were reported done. */
  async backupsUntilCut(lost: Lost, nodeOptions: readonly string[]): Promise<number> {
    const before = this.done.size;
    if (this.#backupMs === 0) await this.#measureBackup(nodeOptions);
    let isCut = false;
    const cutting = sleep(this.#backupMs * (0.5 + this.random.below(600) / 100)).then(() => {
      this.disk.cut(lost);
      isCut = true;
    });
    while (!isCut) await this.#backUp(nodeOptions);
    await cutting;
    return this.done.size - before;
  }

  async #backUp(nodeOptions: readonly string[]): Promise<void> {
    for (let count = 0; count < 4; count++) this.#write(this.random.below(40));
    const copy = join(this.#folder, `copy-${this.#count++}`);
    cpSync(join(this.home, '.openclaw'), copy, { recursive: true });
    const words = ['backup', 'create', '--json', '--repository', this.repository];
    const { status, stdout } = await runProgram([...nodeOptions, launcherPath, ...words], this.home);
    if (status === 0) this.done.set(JSON.parse(stdout).snapshot.id, copy);
  }

  /** What is wrong after the power came back. */
  verify(): string[] {
    const wrong: string[] = [];
    for (const [id, copy] of this.done) {
      const target = join(this.#folder, 'restored');
      const words = ['backup', 'restore', id, '--repository', this.repository, '--target', target];
      const { status, stderr } = runCli(words, { home: this.home });
      if (status !== 0) wrong.push(`${id.slice(0, 12)}: ${stderr}`);
      else wrong.push(...compareFolders(copy, target, { skipTimes: true }));
      rmSync(target, { recursive: true, force: true });
    }
    return wrong;
  }

  /** The next backup goes through, and all is sound. */
  goOn(): string[] {
    for (const words of [['create'], ['check', '--read-data']]) {
      const run = runCli(['backup', ...words, '--repository', this.repository], { home: this.home });
      if (run.status !== 0) return [`${words[0]} ends with ${run.status}: ${run.stdout}${run.stderr}`];
    }
    return [];
  }

  #write(index: number): void {
    const path = join(this.home, '.openclaw', 'workspace', `d${index % 5}`, `${index}.txt`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, this.random.text(200 + this.random.below(40_000)));
  }
}

function runProgram(
  words: readonly string[],
  home: string,
): Promise<{ status: number | null; stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, {
      cwd: home,
      env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC', HOME: home },
    });
    let stdout = '';
    child.stdout.on('data', (bytes) => {
      stdout += bytes;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout }));
  });
}

/** Without the program's fsyncs the same must be found to lose something. */
async function runCycles(world: World, cycles: number, nodeOptions: readonly string[]) {
  const sum = { cycles: 0, done: 0, wrong: [] as string[] };
  for (let cycle = 0; cycle < cycles; cycle++) {
    if (cycle % 4 === 0 || sum.wrong.length > 0) {
      if (cycle > 0) world.disk.detach();
      world.startAnew();
    }
    sum.done += await world.backupsUntilCut(cycle % 2 === 0 ? 'everything' : 'data', nodeOptions);
    world.disk.detach();
    world.disk.attach();
    const wrong = world.verify();
    if (nodeOptions.length === 0) wrong.push(...world.goOn());
    sum.wrong.push(...wrong.map((text) => `cycle ${cycle}: ${text}`));
    sum.cycles++;
  }
  world.disk.detach();
  return sum;
}

for (const type of ['ext4', 'xfs'] as const) {
  test(`${type}: every backup that was reported done survives a power cut`, async (context) => {
    const world = prepare(context, type, 21);
    if (world === undefined) return;
    using _disk = world.disk;
    const { cycles, done, wrong } = await runCycles(world, cyclesEach, []);
    context.diagnostic(`${cycles} cycles, ${done} backups reported done`);
    assert.deepEqual(wrong, []);
    assert.ok(done >= cycles, 'backups were done before the power went');
  });

  test(`${type}: without fsync something is lost`, async (context) => {
    const world = prepare(context, type, 22);
    if (world === undefined) return;
    using _disk = world.disk;
    const { cycles, done, wrong } = await runCycles(world, controlCyclesEach, noSync);
    context.diagnostic(`${cycles} cycles, ${done} backups reported done, ${wrong.length} lost`);
    assert.ok(wrong.length > 0, 'a test that cannot fail');
  });

  test(`${type}: a file that is restored is old or new after a power cut`, async (context) => {
    const world = prepare(context, type, 23);
    if (world === undefined) return;
    using _disk = world.disk;
    const seen = await restoreCycles(world);
    context.diagnostic(JSON.stringify(seen));
  });
}

function prepare(context: TestContext, type: FileSystem, seed: number): World | undefined {
  const folder = realpathSync(temporaryFolder(context));
  const reason = uncuttable(folder, type);
  if (reason === false) return new World(folder, new LoopDisk(folder, type), seed);
  context.skip(reason);
  return undefined;
}

const restoredFiles = 60;

/** Restores two versions by turns into a state folder on the disk that is cut. */
async function restoreCycles(world: World): Promise<Record<string, number>> {
  const seen = { cycles: 0, restores: 0, first: 0, second: 0 };
  const contentOf = (version: string, index: number) =>
    Buffer.alloc(5000 + index * 300, `${version} ${index} `);
  const versions = ['first', 'second'] as const;
  world.disk.format();
  const state = join(world.disk.mount, 'state');
  const words = ['--state-dir', state, '--repository', join(world.home, 'backups')];
  for (const version of versions) {
    mkdirSync(state, { recursive: true });
    writeFileSync(join(state, 'openclaw.json'), '{}');
    for (let index = 0; index < restoredFiles; index++)
      writeFileSync(join(state, `${index}.txt`), contentOf(version, index));
    const { status, stderr } = runCli(['backup', 'create', '--tag', version, ...words], { home: world.home });
    assert.equal(status, 0, stderr);
  }
  for (let cycle = 0; cycle < restoreCyclesEach; cycle++) {
    let allowed: readonly string[] = versions;
    let isCut = false;
    const cutting = sleep(100 + world.random.below(900)).then(() => {
      world.disk.cut(cycle % 2 === 0 ? 'everything' : 'data');
      isCut = true;
    });
    for (let turn = 0; !isCut; turn++) {
      const version = versions[turn % 2] ?? 'first';
      if (turn > 0) allowed = versions;
      const restore = ['backup', 'restore', version, '--no-snapshot', ...words];
      const { status } = await runProgram([launcherPath, ...restore], world.home);
      if (status !== 0) continue;
      allowed = [version];
      seen.restores++;
    }
    await cutting;
    world.disk.detach();
    world.disk.attach();
    for (let index = 0; index < restoredFiles; index++) {
      const bytes = readFileSync(join(state, `${index}.txt`));
      const version = versions.find((one) => bytes.equals(contentOf(one, index)));
      assert.ok(
        version !== undefined && allowed.includes(version),
        `${index}.txt: ${bytes.length} bytes, ${version}`,
      );
      seen[version]++;
    }
    seen.cycles++;
  }
  world.disk.detach();
  return seen;
}
