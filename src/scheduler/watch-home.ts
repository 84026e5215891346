/** `exuvia watch`: a snapshot shortly after the home stops changing. */
import { InterruptedError, messageOf } from '../model/errors.ts';
import type { PlannedSource } from '../openclaw/sources.ts';
import { planBackup } from '../operations/backup-plan.ts';
import { withSettings } from '../operations/configured-backup.ts';
import type { Environment } from '../operations/environment.ts';
import {
  findHome,
  findKeyProblem,
  findRepository,
  isAttended,
  type PlaceOptions,
} from '../operations/places.ts';
import { loadSettings } from '../operations/settings.ts';
import { FolderWatch } from './folder-watch.ts';
import { runScheduledBackup, type ScheduledBackup } from './run-schedule.ts';
import { dueAtMs, type WatchPace } from './watch-due.ts';

export type WatchEvent =
  | { readonly kind: 'watching'; readonly folders: number }
  /** Changes cannot be heard of everywhere: the home is looked through now and then. */
  | { readonly kind: 'polling'; readonly everyMs: number; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'stopped' };

export interface WatchOptions extends PlaceOptions, WatchPace {
  readonly signal: AbortSignal;
  readonly log: (event: WatchEvent) => void;
  /** Called for each look that found something. */
  readonly onBackup: (done: ScheduledBackup) => void;
}

/** How often the home is looked through where changes cannot be heard of; more rarely when snapshots may not be that close. */
const pollMs = 30_000;

/**
 * Until the signal. The first look is at once: what changed while nobody watched counts. @throws WrongKeyError when somebody is
 * there to give another key; without anybody each look that fails is logged, until there is a key
 */
export async function watchHome(environment: Environment, options: WatchOptions): Promise<void> {
  if (isAttended(environment)) {
    const root = findRepository(environment, options, findHome(environment, options));
    const problem = await findKeyProblem(environment, root);
    if (problem !== undefined) throw problem;
  }
  const watch = new HomeWatch(environment, options);
  await watch.run();
}

class HomeWatch {
  readonly #environment: Environment;
  readonly #options: WatchOptions;
  #watch: FolderWatch | undefined;
  #watched = '';
  #isPolling = false;
  #firstChangeMs: number | undefined;
  #lastChangeMs: number | undefined;
  #lastSnapshotMs: number | undefined;
  #wake: () => void = () => {};

  constructor(environment: Environment, options: WatchOptions) {
    this.#environment = environment;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { signal, log } = this.#options;
    const stop = (): void => this.#wake();
    signal.addEventListener('abort', stop);
    try {
      this.#renewWatch();
      log({ kind: 'watching', folders: this.#watch?.folders ?? 0 });
      await this.#backUp();
      while (!signal.aborted) await this.#waitAndBackUp();
    } finally {
      signal.removeEventListener('abort', stop);
      this.#watch?.[Symbol.dispose]();
    }
    log({ kind: 'stopped' });
  }

  async #waitAndBackUp(): Promise<void> {
    const dueMs = this.#dueMs();
    const leftMs = dueMs - this.#environment.clock.nowMs();
    if (leftMs > 0) await this.#sleep(leftMs);
    else await this.#backUp();
  }

  #dueMs(): number {
    const times = {
      firstChangeMs: this.#firstChangeMs,
      lastChangeMs: this.#lastChangeMs,
      lastSnapshotMs: this.#lastSnapshotMs,
    };
    const changedMs = dueAtMs(times, this.#options) ?? Number.POSITIVE_INFINITY;
    if (!this.#isPolling) return changedMs;
    return Math.min(changedMs, (this.#lastSnapshotMs ?? 0) + Math.max(pollMs, this.#options.atMostEveryMs));
  }

  /** Until the time, a change, or the signal. */
  async #sleep(leftMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      // Times further ahead than a timer can hold come with a change.
      const timer = setTimeout(resolve, Math.min(leftMs, 2 ** 31 - 1));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }

  async #backUp(): Promise<void> {
    const { clock } = this.#environment;
    this.#firstChangeMs = undefined; // what changes from here on may not be in this snapshot
    this.#lastChangeMs = undefined;
    try {
      const environment = { ...this.#environment, signal: this.#options.signal };
      const { repository, stateDir, profile } = this.#options;
      const places = { repository, stateDir, profile };
      const done = await runScheduledBackup(environment, { ...places, skipIfUnchanged: true });
      if (!done.backup.unchanged) this.#options.onBackup(done);
      this.#renewWatch();
    } catch (error) {
      if (error instanceof InterruptedError) return;
      this.#options.log({ kind: 'failed', reason: messageOf(error) });
      this.#changed(); // and try again when the next snapshot may be made
    }
    this.#lastSnapshotMs = clock.nowMs();
  }

  #changed(): void {
    const nowMs = this.#environment.clock.nowMs();
    this.#firstChangeMs ??= nowMs;
    this.#lastChangeMs = nowMs;
    this.#wake();
  }

  /** The configuration may name other folders by now. */
  #renewWatch(): void {
    const sources = this.#sources();
    const watched = JSON.stringify(sources.map(({ path }) => path));
    if (watched === this.#watched) return;
    this.#watch?.[Symbol.dispose]();
    this.#watched = watched;
    this.#watch = new FolderWatch(sources, {
      onChange: () => this.#changed(),
      onTrouble: (reason) => {
        this.#isPolling = true;
        const everyMs = Math.max(pollMs, this.#options.atMostEveryMs);
        this.#options.log({ kind: 'polling', everyMs, reason });
      },
    });
  }

  #sources(): readonly PlannedSource[] {
    const { repository, stateDir, profile } = this.#options;
    const { settings } = loadSettings(findHome(this.#environment, this.#options));
    return planBackup(this.#environment, withSettings({ repository, stateDir, profile }, settings)).sources;
  }
}
