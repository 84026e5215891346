/**
 * An encrypted repository with a past, and everything that somebody who kept its older files, or has those of another repository
 * under the same key, could put in the place of the present ones. Each of those files is authentic: only its place or time is wrong.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  changeKey,
  checkRepository,
  createBackup,
  type Environment,
  forgetBackups,
  listBackups,
  pruneRepository,
  restoreBackup,
  systemEnvironment,
} from '../../src/index.ts';
import { compareFolders } from '../helpers/compare-folders.ts';
import { Seeded } from '../helpers/seeded.ts';
import { teller } from './every-kind.ts';
import { filesBelow, isClear } from './small-repository.ts';

type Files = ReadonlyMap<string, Buffer>;

export interface Replay {
  readonly name: string;
  /** What lies outside `local/` afterwards. */
  readonly files: Files;
  /** A file in the place of another: that is never harmless. */
  readonly mustBeFound: boolean;
}

const otherRepository = 'another repository';
const parametersName = 'exuvia-repository.json';
const copyName = 'exuvia-repository.copy.json';

export class ReplayedRepository {
  readonly #root: string;
  readonly #keysOfPresent: Environment;
  readonly #stages: { readonly name: string; readonly files: Files }[] = [];
  /** What each snapshot restores to, also those that were forgotten. */
  readonly #expected = new Map<string, string>();
  #present: Files = new Map();
  #snapshotsOfPresent: readonly string[] = [];
  #targets = 0;

  private constructor(root: string, changesKey: boolean) {
    this.#root = root;
    this.#keysOfPresent = this.#environment(changesKey ? 'key-2' : 'key-1');
  }

  /** @param changesKey whether the key was changed after the older files were kept */
  static async make(changesKey: boolean): Promise<ReplayedRepository> {
    const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    const made = new ReplayedRepository(mkdtempSync(join(folder, 'exuvia-replays-')), changesKey);
    const old = made.#environment('key-1');
    await made.#snapshot(old, 'repository', 1);
    made.#keep('an older state', 'repository');
    await made.#snapshot(old, 'repository', 2);
    made.#keep('the state before', 'repository');
    const [first] = made.#expected.keys();
    const place = { repository: made.#at('repository') };
    await forgetBackups(old, place, [first ?? '']);
    await pruneRepository(old, { ...place, recompress: 5 });
    if (changesKey) await changeKey(old, { ...place, newKeyFile: made.#at('key-2') }, undefined);
    await made.#snapshot(made.#keysOfPresent, 'repository', 3);
    made.#snapshotsOfPresent = [...made.#expected.keys()].slice(1);
    made.#present = made.#filesOf('repository');
    await made.#snapshot(old, 'other', 1);
    made.#keep(otherRepository, 'other');
    return made;
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  #at(path: string): string {
    return join(this.#root, path);
  }

  #environment(key: string): Environment {
    const env = { EXUVIA_KEY_FILE: this.#at(key) };
    return systemEnvironment({ env, cwd: this.#root, osHome: this.#root });
  }

  async #snapshot(environment: Environment, repository: string, day: number): Promise<void> {
    const random = new Seeded(day);
    mkdirSync(this.#at('source'), { recursive: true });
    writeFileSync(this.#at('source/notes.md'), random.text(1500));
    writeFileSync(this.#at(`source/day-${day}.bin`), random.bytes(900));
    const clock = { nowMs: () => Date.UTC(2026, 0, day) };
    const place = { repository: this.#at(repository) };
    const options = { ...place, encrypt: true, sources: [this.#at('source')] };
    const { snapshot } = await createBackup({ ...environment, clock }, options);
    const target = this.#at(`target-${this.#targets++}`);
    await restoreBackup(environment, { ...place, target }, snapshot?.id ?? '');
    if (repository === 'repository') this.#expected.set(snapshot?.id ?? '', target);
  }

  #filesOf(repository: string): Files {
    const paths = filesBelow(this.#at(repository)).filter((path) => !path.startsWith('local/'));
    return new Map(paths.map((path) => [path, readFileSync(join(this.#at(repository), path))]));
  }

  #keep(name: string, repository: string): void {
    this.#stages.push({ name, files: this.#filesOf(repository) });
  }

  *replays(): Generator<Replay> {
    for (const stage of this.#stages) {
      yield* this.#ofFiles(stage.name, stage.files);
      yield* this.#ofKinds(stage.name, stage.files);
    }
  }

  /** One file of another time or repository, put back or put in the place of each that is there. */
  *#ofFiles(from: string, files: Files): Generator<Replay> {
    for (const [path, bytes] of files) {
      if (this.#present.get(path)?.equals(bytes)) continue;
      const put = (place: string): Files => new Map(this.#present).set(place, bytes);
      if (!this.#present.has(path))
        yield { name: `${path} of ${from}, put back`, files: put(path), mustBeFound: false };
      for (const [place, present] of this.#present) {
        // The copy of the parameters counts only when the parameters themselves are damaged.
        const mustBeFound = place !== copyName;
        if (!present.equals(bytes))
          yield { name: `${path} of ${from} in the place of ${place}`, files: put(place), mustBeFound };
      }
    }
  }

  /** All packs, all snapshots, the parameters, or any two of the three. */
  *#ofKinds(from: string, files: Files): Generator<Replay> {
    const kinds = ['packs/', 'snapshots/', 'exuvia-repository'];
    for (let chosen = 1; chosen < 1 << kinds.length; chosen++) {
      const isOld = (path: string): boolean =>
        kinds.some((kind, index) => (chosen & (1 << index)) !== 0 && path.startsWith(kind));
      const mixed = new Map([
        ...[...this.#present].filter(([path]) => !isOld(path)),
        ...[...files].filter(([path]) => isOld(path)),
      ]);
      // A whole repository of the same key is what it is, and looks so.
      const isWholeOther = from === otherRepository && isOld('snapshots/') && isOld(parametersName);
      if (isWholeOther) continue;
      const names = kinds.filter((_, index) => (chosen & (1 << index)) !== 0).join(' and ');
      yield { name: `${names} of ${from}`, files: mixed, mustBeFound: false };
    }
  }

  /** What is wrong: a replay that is not told, or bytes that were not stored. */
  async judge({ files, mustBeFound }: Replay, keepsLocal: boolean): Promise<string[]> {
    const place = { repository: this.#at('repository') };
    rmSync(place.repository, { recursive: true, force: true });
    if (keepsLocal) {
      // What this machine knows is believed only where it was written.
      this.#put(this.#present);
      await listBackups(this.#keysOfPresent, place);
    }
    this.#put(files);
    const isSound = await orRefused(async () => {
      const checked = await checkRepository(this.#keysOfPresent, { ...place, readData: true }, []);
      return checked.isSound;
    });
    const listed = (await orRefused(() => listBackups(this.#keysOfPresent, place)))?.snapshots ?? [];
    const problems: string[] = [];
    if (isSound && mustBeFound) problems.push('not found');
    for (const { id } of listed) problems.push(...(await this.#restoreProblems(id, isSound === true)));
    const missing = this.#snapshotsOfPresent.filter((id) => !listed.some((one) => one.id === id));
    if (isSound && keepsLocal && missing.length > 0)
      problems.push(`sound, though ${missing.length} snapshots that were known are gone`);
    return problems;
  }

  /** In the place of all that is there but `local/`. */
  #put(files: Files): void {
    const root = this.#at('repository');
    for (const name of ['packs', 'snapshots', parametersName, copyName])
      rmSync(join(root, name), { recursive: true, force: true });
    for (const [path, bytes] of files) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), bytes);
    }
  }

  async #restoreProblems(id: string, mustBeWhole: boolean): Promise<string[]> {
    const expected = this.#expected.get(id);
    if (expected === undefined) return [`${id.slice(0, 8)} is no snapshot of this repository`];
    const target = this.#at('restored');
    rmSync(target, { recursive: true, force: true });
    const place = { repository: this.#at('repository') };
    const done = await orRefused(() => restoreBackup(this.#keysOfPresent, { ...place, target }, id));
    const differences = existsSync(target)
      ? compareFolders(expected, target, { skipTimes: true })
      : ['nothing was restored'];
    if (mustBeWhole) return differences.map((text) => `sound, but ${id.slice(0, 8)}: ${text}`);
    const told = new Set(done?.failures.map(({ path }) => path));
    return differences
      .filter((text) => {
        const missing = /^"(.*)" only in a$/.exec(text)?.[1];
        const isTold = done === undefined || (missing !== undefined && told.has(missing));
        return !isTold && text !== 'nothing was restored';
      })
      .map((text) => `${id.slice(0, 8)}: ${text}`);
  }
}

/** Undefined when it is refused with a clear error. */
async function orRefused<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isClear(error)) return undefined;
    throw error;
  }
}

/** Judges those that `isChosen` lets through, each with and without `local/`. @throws Error with every violation */
export async function judgeReplays(
  context: TestContext,
  { isChosen, tells = false }: { isChosen: (index: number) => boolean; tells?: boolean },
): Promise<number> {
  let judged = 0;
  const violations: string[] = [];
  for (const changesKey of [false, true]) {
    const replayed = await ReplayedRepository.make(changesKey);
    try {
      const chosen = [...replayed.replays()].filter((_, index) => isChosen(index));
      const tell = tells ? teller(context.name, chosen.length * 2) : undefined;
      for (const replay of chosen) {
        for (const keepsLocal of [false, true]) {
          const problems = await replayed.judge(replay, keepsLocal);
          const place = `${replay.name}${keepsLocal ? ', local/ kept' : ''}${changesKey ? ', key changed' : ''}`;
          violations.push(...problems.map((text) => `${place}: ${text}`));
          judged++;
          tell?.({ judged }, violations.length);
        }
      }
    } finally {
      replayed.remove();
    }
  }
  context.diagnostic(`${judged} replays, ${violations.length} violations`);
  if (violations.length > 0) throw new Error(violations.join('\n'));
  return judged;
}
