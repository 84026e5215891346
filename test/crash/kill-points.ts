/**
 * Runs a command, kills it at its n-th call that changes something, and looks at what is left: every snapshot that was
 * there restores byte for byte, the same command runs to its end without any manual step, and what the killed run left
 * is collected by the next.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { CrashCommand } from './commands.ts';
import { type KeptState, keepState, resetState, siteFolders } from './site.ts';
import { type CallPoint, pointsBelow, runTraced } from './system-calls.ts';
import { type Ended, failureText, isTemporary, Workshop } from './workshop.ts';

export interface PreparedCommand {
  readonly command: CrashCommand;
  readonly points: readonly CallPoint[];
  /** Calls that open something for reading. */
  readonly readings: readonly CallPoint[];
  readonly start: KeptState;
  /** Snapshots there were before the run. */
  readonly idsBefore: readonly string[];
  /** Packs before the run, how many there are more after an undisturbed one, and how many that makes: some may go again. */
  readonly packsBefore: number;
  readonly packsAdded: number;
  readonly packsMade: number;
  /** What a snapshot that the run adds restores to. */
  readonly added: string | undefined;
}

export interface Violation {
  readonly command: string;
  readonly point: CallPoint;
  readonly fault: string;
  readonly problems: readonly string[];
}

/** One workshop and the commands in it; two of them work side by side. */
export class Bench {
  readonly shop: Workshop;
  readonly #base: KeptState;

  private constructor(shop: Workshop) {
    this.shop = shop;
    this.#base = keepState(shop.root, 'base');
    const home = join(shop.root, 'expected/home');
    execFileSync('cp', ['-a', shop.stateDir, home]);
    shop.expected.set('home', home);
  }

  static async open(): Promise<Bench> {
    return new Bench(await Workshop.make());
  }

  close(): void {
    this.shop.remove();
  }

  get traceFile(): string {
    return join(this.shop.root, 'trace');
  }

  /** Runs the command undisturbed and records its calls and what comes of it. */
  async prepare(command: CrashCommand): Promise<PreparedCommand> {
    const { shop } = this;
    resetState(shop.root, this.#base);
    await command.prepare?.(shop);
    const idsBefore = await this.#learnSnapshots();
    const start = keepState(shop.root, command.name.replaceAll(/[^a-z]/g, '-'));
    const packsBefore = shop.packs().length;
    const run = await runTraced(shop.commandRun(command.args(shop)), this.traceFile);
    if (run.status !== 0) throw new Error(`${command.name}: ${failureText(run)}`);
    const { changes, readings } = pointsBelow(run.lines, shop.root, siteFolders);
    const packsAdded = shop.packs().length - packsBefore;
    const added = await this.#addedBy(command, idsBefore);
    const problems = (await command.problemsAfter?.(shop)) ?? [];
    if (problems.length > 0) throw new Error(`${command.name}, undisturbed: ${problems.join('; ')}`);
    const packsMade = changes.filter(({ call, text }) => isPackMade(call, text)).length;
    return {
      command,
      points: changes,
      readings,
      start,
      idsBefore,
      packsBefore,
      packsAdded,
      packsMade,
      added,
    };
  }

  /** What each snapshot restores to that the command begins with; damaged ones are known from before. */
  async #learnSnapshots(): Promise<readonly string[]> {
    const ids = await this.#mustList();
    for (const id of ids) if (!this.shop.expected.has(id)) await this.shop.expect(id);
    return ids;
  }

  async #mustList(): Promise<readonly string[]> {
    const listed = await this.shop.list();
    if (typeof listed === 'string') throw new Error(listed);
    return listed.ids;
  }

  async #addedBy(command: CrashCommand, idsBefore: readonly string[]): Promise<string | undefined> {
    const fresh = (await this.#mustList()).filter((id) => !idsBefore.includes(id));
    if (fresh.length !== (command.adds === undefined ? 0 : 1))
      throw new Error(`${command.name} added ${fresh.length} snapshots`);
    const home = this.shop.expected.get('home');
    return fresh[0] === undefined
      ? undefined
      : await this.shop.expect(fresh[0], command.adds === 'home' ? home : undefined);
  }

  reset(prepared: PreparedCommand): void {
    resetState(this.shop.root, prepared.start);
  }

  async killAt(prepared: PreparedCommand, point: CallPoint): Promise<Violation | undefined> {
    const { shop } = this;
    this.reset(prepared);
    const { call, ordinal } = point;
    const args = prepared.command.args(shop);
    const run = await runTraced(
      shop.commandRun(args),
      this.traceFile,
      `${call}:signal=SIGKILL:when=${ordinal}`,
    );
    const problems: string[] = [];
    // A name that is made at random can make a call more or less; the last one may then not be reached.
    if (run.signal !== 'SIGKILL' && run.status !== 0) problems.push(`the run: ${failureText(run)}`);
    problems.push(...(prepared.command.problemsBetween?.(shop) ?? []));
    problems.push(...(await this.problemsOf(prepared, { again: true })));
    if (problems.length === 0) return undefined;
    return { command: prepared.command.name, point, fault: 'SIGKILL', problems };
  }

  /** Everything that must hold after a run that was disturbed, whatever came of it. */
  async problemsOf(
    prepared: PreparedCommand,
    options: { readonly again: boolean; readonly isPartial?: boolean },
  ): Promise<string[]> {
    const problems = await this.#snapshotProblems(prepared, options.isPartial ?? false);
    if (this.shop.packs().length > prepared.packsBefore + prepared.packsMade)
      problems.push('more packs than a whole run makes');
    if (options.again) problems.push(...(await this.#againProblems(prepared)));
    problems.push(...(await this.#createProblems(prepared)));
    return problems;
  }

  /** A run that was `isPartial` said of its new snapshot that not all is in it. */
  async #snapshotProblems(prepared: PreparedCommand, isPartial: boolean): Promise<string[]> {
    const { command, added, idsBefore } = prepared;
    const { shop } = this;
    const mayRemove = command.mayRemove?.(shop) ?? [];
    const listed = await shop.list();
    if (typeof listed === 'string') return [listed];
    const problems = listed.damaged.map((message) => `damaged: ${message}`);
    for (const id of idsBefore) {
      if (!listed.ids.includes(id) && !mayRemove.includes(id))
        problems.push(`snapshot ${id.slice(0, 8)} is gone`);
    }
    for (const id of listed.ids) {
      const folder = idsBefore.includes(id) ? shop.expected.get(id) : added;
      if (folder === undefined) problems.push(`snapshot ${id.slice(0, 8)} was not there before`);
      else if (folder !== added || !isPartial) {
        const differences = await shop.differencesOf(id, folder);
        problems.push(...differences.filter((text) => command.mayDiffer?.(text) !== true));
      }
    }
    return problems;
  }

  async #againProblems({ command }: PreparedCommand): Promise<string[]> {
    const { shop } = this;
    const ended = await shop.run((command.argsAgain ?? command.args)(shop));
    if (ended.status !== 0) return [`run again: ${failureText(ended)}`];
    return ((await command.problemsAfter?.(shop)) ?? []).map((problem) => `run again: ${problem}`);
  }

  /** The next ordinary backup works, stores the home as it is, and leaves nothing that does not belong. */
  async #createProblems({ packsBefore, packsAdded }: PreparedCommand): Promise<string[]> {
    const { shop } = this;
    const ended: Ended = await shop.run(['backup', 'create', '--json']);
    if (ended.status !== 0) return [`the next create: ${failureText(ended)}`];
    const problems = shop.strangers().map((path) => `left behind: ${path}`);
    // The run itself, the same again, and a create: each may have made its packs anew.
    const packsMax = packsBefore + 2 * Math.max(1, packsAdded) + 1;
    if (shop.packs().length > packsMax) problems.push(`${shop.packs().length} packs, at most ${packsMax}`);
    const { id } = JSON.parse(ended.stdout).snapshot;
    const differences = await shop.differencesOf(id, shop.stateDir, {
      skipContent: (path) => path.endsWith('.sqlite'),
      ignore: isTemporary,
    });
    problems.push(...differences.map((text) => `the next: ${text}`));
    return problems;
  }
}

/** A pack gets its name. */
function isPackMade(call: string, text: string): boolean {
  return call.startsWith('rename') && /, "[^"]*\/packs\/[^"]*\.pack"/.test(text);
}

export function violationText({ command, point, fault, problems }: Violation): string {
  return `${command}: ${fault} at ${point.call} no. ${point.ordinal} (${point.text}): ${problems.join('; ')}`;
}
