/** Goes through a log, and at every moment through what a power cut may leave. */

import { Seeded } from '../../helpers/seeded.ts';
import { Disk } from './disk.ts';
import type { Rule, Violation } from './judge.ts';
import { Judge } from './judge.ts';
import type { Operation } from './operations.ts';
import { isMark, noPromises, type Promises, promisesAfter } from './promises.ts';
import { isScratch, repositoryFolder } from './scene.ts';
import { type Choice, choices, Moment } from './states.ts';

export interface ExploreOptions {
  readonly seed: number;
  /** Random subsets tried at a moment that has too many for all. */
  readonly subsets: number;
  /** How many states are kept, each of the different ones as likely as any other. */
  readonly samples?: number;
}

export interface Sample {
  readonly moment: number;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly folders: ReadonlySet<string>;
  readonly promises: Promises;
}

export interface Found extends Violation {
  readonly moment: number;
  readonly after: string;
  readonly choice: string;
}

export interface Exploration {
  readonly operations: number;
  readonly states: number;
  /** States that differ in what is judged: files outside local/, or promises. */
  readonly different: number;
  readonly counts: ReadonlyMap<Rule, number>;
  /** The first of each rule. */
  readonly found: readonly Found[];
  readonly samples: readonly Sample[];
}

export function explore(log: readonly Operation[], options: ExploreOptions): Exploration {
  const explorer = new Explorer(options);
  explorer.look('the beginning');
  for (const operation of log) explorer.step(operation);
  return explorer.result();
}

const seenMax = 300_000;

class Explorer {
  readonly #options: ExploreOptions;
  readonly #disk = new Disk(isScratch);
  readonly #judge = new Judge(repositoryFolder);
  readonly #random: Seeded;
  readonly #counts = new Map<Rule, number>();
  readonly #found: Found[] = [];
  readonly #samples: Sample[] = [];
  #seen = new Set<string>();
  #promises = noPromises;
  #operations = 0;
  #states = 0;
  #different = 0;

  constructor(options: ExploreOptions) {
    this.#options = options;
    this.#random = new Seeded(options.seed);
  }

  step(operation: Operation): void {
    if (isMark(operation)) {
      if (operation.kind === 'settled')
        this.#disk.settle(operation.folder, operation.files, repositoryFolder.split('/').at(-1) ?? '');
      this.#promises = promisesAfter(this.#promises, operation);
    } else {
      this.#disk.apply(operation);
      this.#operations++;
    }
    this.look(describe(operation));
  }

  look(after: string): void {
    const moment = new Moment(this.#disk);
    for (const choice of choices(moment.units, this.#options.subsets, this.#random)) {
      this.#states++;
      const key = `${this.#promises.epoch} ${moment.keyOf(choice)}`;
      if (this.#seen.has(key)) continue;
      if (this.#seen.size >= seenMax) this.#seen = new Set();
      this.#seen.add(key);
      this.#different++;
      this.#judgeState(moment, choice, after);
    }
  }

  result(): Exploration {
    return {
      operations: this.#operations,
      states: this.#states,
      different: this.#different,
      counts: this.#counts,
      found: this.#found,
      samples: this.#samples,
    };
  }

  #judgeState(moment: Moment, choice: Choice, after: string): void {
    const tree = moment.treeOf(choice);
    for (const violation of this.#judge.judge(tree, this.#promises)) {
      const count = this.#counts.get(violation.rule) ?? 0;
      this.#counts.set(violation.rule, count + 1);
      if (count > 0) continue;
      const bits = choice.whole.join('');
      const torn = choice.torn < 0 ? '' : ` torn ${choice.torn} at ${choice.tornBytes}`;
      this.#found.push({ ...violation, moment: this.#operations, after, choice: `${bits}${torn}` });
    }
    const place = this.#placeOfSample();
    if (place === undefined || this.#promises.damaged.size > 0) return; // the program would rightly complain
    this.#samples[place] = {
      moment: this.#operations,
      promises: this.#promises,
      folders: tree.folders,
      files: new Map([...tree.files].map(([path, file]) => [path, file.bytes()])),
    };
  }

  /** Reservoir sampling: where this state goes, or undefined. */
  #placeOfSample(): number | undefined {
    const { samples = 0 } = this.#options;
    if (this.#samples.length < samples) return this.#samples.length;
    const place = this.#random.below(this.#different);
    return place < samples ? place : undefined;
  }
}

function describe(operation: Operation): string {
  const { kind } = operation;
  if ('path' in operation) return `${kind} ${operation.path}`;
  if (kind === 'rename' || kind === 'link') return `${kind} ${operation.from} ${operation.to}`;
  return kind === 'acknowledged' || kind === 'forgotten' ? `${kind} ${operation.snapshot}` : kind;
}
