/** Many processes at once on one repository. */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launcherPath } from './cli.ts';
import { compareFolders } from './compare-folders.ts';
import { Seeded } from './seeded.ts';

interface Ended {
  readonly words: readonly string[];
  readonly code: number | null;
  readonly text: string;
}

export interface CrowdOptions {
  readonly home: string;
  readonly seed: number;
  readonly durationMs: number;
  /** Some processes are killed at a random moment. */
  readonly kills: boolean;
}

const writers = 4;

/** Runs eight at a time until the time is over; returns what went wrong. */
export async function runCrowd(
  options: CrowdOptions,
): Promise<{ problems: string[]; runs: Record<string, number> }> {
  const crowd = new Crowd(options);
  const endMs = performance.now() + options.durationMs;
  const loop = async (work: () => Promise<void>): Promise<void> => {
    while (performance.now() < endMs) await work();
  };
  await crowd.prepare();
  await Promise.all([
    ...Array.from({ length: writers }, (_, no) => loop(() => crowd.change(no))),
    loop(() => crowd.run('prune', '--max-unused', '0')),
    loop(() => crowd.run('forget', '--keep-last', '3')),
    loop(() => crowd.run('check', '--read-data')),
    loop(() => crowd.restore()),
  ]);
  await crowd.judge();
  return { problems: crowd.problems, runs: crowd.runs };
}

class Crowd {
  readonly problems: string[] = [];
  readonly runs: Record<string, number> = {};
  readonly #options: CrowdOptions;
  readonly #random: Seeded;
  #restores = 0;

  constructor(options: CrowdOptions) {
    this.#options = options;
    this.#random = new Seeded(options.seed);
  }

  #source(no: number): string {
    return join(this.#options.home, `source-${no}`);
  }

  async prepare(): Promise<void> {
    for (let no = 0; no < writers; no++) {
      mkdirSync(join(this.#source(no), 'folder'), { recursive: true });
      this.#write(no, 'steady', 50_000);
      await this.run('create', '--source', this.#source(no), '--tag', `first-${no}`);
    }
  }

  #write(no: number, name: string, bytes: number): void {
    writeFileSync(join(this.#source(no), name), this.#random.bytes(bytes));
  }

  async change(no: number): Promise<void> {
    for (let count = 0; count < 5; count++)
      this.#write(no, `folder/file-${this.#random.below(20)}`, 10 + this.#random.below(20_000));
    rmSync(join(this.#source(no), `folder/file-${this.#random.below(20)}`), { force: true });
    await this.run('create', '--source', this.#source(no));
  }

  async restore(): Promise<void> {
    const target = join(this.#options.home, `restored-${this.#restores++}`);
    await this.run('restore', `first-${this.#random.below(writers)}`, '--target', target);
    rmSync(target, { recursive: true, force: true });
    await this.run('list');
  }

  /** Exit code 11 names who holds the lock; any other than 0 is wrong. */
  async run(...words: string[]): Promise<void> {
    const kept =
      words[0] === 'forget'
        ? [...words, '--keep-tag', Array.from({ length: writers }, (_, no) => `first-${no}`).join()]
        : words;
    const ended = await this.#spawn(kept);
    const name = words[0] ?? '';
    this.runs[name] = (this.runs[name] ?? 0) + 1;
    if (ended.code === 0 || ended.code === null) return;
    if (ended.code === 11 && /process \d+|another process/.test(ended.text)) return;
    this.problems.push(`${ended.words.join(' ')}: exit ${ended.code}: ${ended.text.slice(0, 300)}`);
  }

  #spawn(words: readonly string[]): Promise<Ended> {
    const { home, kills } = this.#options;
    const child = spawn(
      process.execPath,
      [launcherPath, 'backup', ...words, '--repository', join(home, 'repository')],
      {
        env: { PATH: process.env['PATH'] ?? '', HOME: home, TZ: 'UTC' },
      },
    );
    let text = '';
    child.stderr.on('data', (bytes) => (text += bytes));
    child.stdout.on('data', (bytes) => (text += bytes));
    const isKilled = kills && this.#random.below(4) === 0;
    const timer = isKilled ? setTimeout(() => child.kill('SIGKILL'), this.#random.below(400)) : undefined;
    return new Promise((resolve) => {
      child.on('close', (code) => {
        clearTimeout(timer);
        resolve({ words, code, text });
      });
    });
  }

  /** With everybody gone: each source is backed up once more and restored, and what was kept from the beginning too. */
  async judge(): Promise<void> {
    const calm = new Crowd({ ...this.#options, kills: false });
    for (let no = 0; no < writers; no++) {
      await calm.run('create', '--source', this.#source(no), '--tag', `last-${no}`);
      await calm.#compare(no);
      await calm.run('restore', `first-${no}`, '--target', join(this.#options.home, `first-${no}`));
    }
    await calm.run('check', '--read-data');
    await calm.run('prune', '--max-unused', '0');
    await calm.run('check', '--read-data');
    this.problems.push(...calm.problems.map((problem) => `afterwards: ${problem}`));
  }

  async #compare(no: number): Promise<void> {
    const target = join(this.#options.home, `last-${no}`);
    await this.run('restore', `last-${no}`, '--target', target);
    this.problems.push(...compareFolders(this.#source(no), target).map((text) => `source ${no}: ${text}`));
  }
}
