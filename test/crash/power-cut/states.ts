/** Which states a power cut at one moment may leave, and what each looks like. */
import type { Seeded } from '../../helpers/seeded.ts';
import {
  applyChanges,
  applyNames,
  type Disk,
  type DoneChange,
  type FileItem,
  type FolderItem,
  type Item,
  type LinkItem,
  type Unit,
} from './disk.ts';

/** What became of the uncertain units, by their numbers. */
export interface Choice {
  readonly whole: Uint8Array;
  /** The unit of which only the first bytes are there, or -1. */
  readonly torn: number;
  readonly tornBytes: number;
  /** Writes have set lengths and nothing else. */
  readonly isZeroed: boolean;
}

const tearsAt = [0, 512, 1024, 2048, 4096];
/** Up to so many units every subset is tried. */
const exhaustiveUnits = 5;

/** `subsets`: how many random subsets, where there are more than can all be tried. */
export function* choices(units: readonly Unit[], subsets: number, random: Seeded): Generator<Choice> {
  const whole = (each: (index: number) => boolean): Uint8Array =>
    Uint8Array.from(units, (_, index) => Number(each(index)));
  const plain = (bits: Uint8Array): Choice => ({ whole: bits, torn: -1, tornBytes: 0, isZeroed: false });
  yield plain(whole(() => false));
  if (units.length === 0) return;
  yield plain(whole(() => true));
  if (units.length <= exhaustiveUnits) {
    for (let set = 1; set < (1 << units.length) - 1; set++) yield plain(whole((at) => (set >> at) % 2 === 1));
  } else {
    for (let one = 0; one < units.length; one++) {
      yield plain(whole((at) => at !== one));
      yield plain(whole((at) => at === one));
    }
    for (let count = 0; count < subsets; count++) yield plain(randomSubset(units.length, random));
  }
  if (units.every((unit) => unit.kind === 'names')) return;
  const names = whole((at) => units[at]?.kind === 'names');
  yield plain(names);
  yield { ...plain(whole(() => true)), isZeroed: true };
  yield* tornChoices(units, whole);
}

/** Of any density: few of many units are as likely as nearly all. */
function randomSubset(count: number, random: Seeded): Uint8Array {
  const density = random.next();
  return Uint8Array.from({ length: count }, () => Number(random.next() < density));
}

function* tornChoices(
  units: readonly Unit[],
  whole: (each: (index: number) => boolean) => Uint8Array,
): Generator<Choice> {
  for (const [torn, unit] of units.entries()) {
    if (unit.kind !== 'data') continue;
    const isBefore = (at: number) => units[at]?.kind === 'names' || at < torn;
    for (const tornBytes of tearsAt.filter((bytes) => bytes < unit.bytes)) {
      yield { whole: whole(isBefore), torn, tornBytes, isZeroed: false };
      yield { whole: whole((at) => at !== torn), torn, tornBytes, isZeroed: false };
    }
  }
}

/** A file as one state has it. `key` names its bytes: equal keys, equal bytes. */
export interface SeenFile {
  readonly key: string;
  readonly item: FileItem | LinkItem;
  readonly bytes: () => Uint8Array;
}

export interface SeenTree {
  readonly files: ReadonlyMap<string, SeenFile>;
  readonly folders: ReadonlySet<string>;
}

/** Looks at the states of one moment. */
export class Moment {
  readonly units: readonly Unit[];
  readonly #root: FolderItem;
  readonly #uncertain: ReadonlySet<FolderItem>;
  /** Number of the first unit of each file and folder: its units follow one another. */
  readonly #firstUnit = new Map<FileItem | FolderItem, number>();

  constructor(disk: Disk) {
    this.units = disk.units();
    this.#root = disk.root;
    this.#uncertain = disk.uncertainFolders();
    for (const [number, unit] of this.units.entries()) {
      const owner = unit.kind === 'names' ? unit.folder : unit.file;
      if (unit.index === 0) this.#firstUnit.set(owner, number);
    }
  }

  /** Equal keys, equal trees of files. */
  keyOf(choice: Choice): string {
    return this.#keyBelow(this.#root, choice);
  }

  treeOf(choice: Choice): SeenTree {
    const tree = { files: new Map<string, SeenFile>(), folders: new Set<string>() };
    this.#collect(this.#root, '', choice, tree);
    return tree;
  }

  #keyBelow(folder: FolderItem, choice: Choice): string {
    if (!this.#uncertain.has(folder)) return `${folder.id}.${folder.stamp};`;
    let key = `${folder.id}(`;
    for (const [name, item] of this.#entries(folder, choice)) {
      if (item.type === 'folder') {
        if (!item.isScratch) key += this.#keyBelow(item, choice);
      } else key += `${name}=${this.#contentKey(item, choice)};`;
    }
    return `${key})`;
  }

  #collect(
    folder: FolderItem,
    path: string,
    choice: Choice,
    tree: { readonly files: Map<string, SeenFile>; readonly folders: Set<string> },
  ): void {
    for (const [name, item] of this.#entries(folder, choice)) {
      const full = `${path}/${name}`;
      if (item.type === 'folder') {
        if (item.isScratch) continue;
        tree.folders.add(full);
        this.#collect(item, full, choice, tree);
      } else {
        const key = this.#contentKey(item, choice);
        tree.files.set(full, { key, item, bytes: () => this.#contentOf(item, choice) });
      }
    }
  }

  #entries(folder: FolderItem, choice: Choice): ReadonlyMap<string, Item> {
    const first = this.#firstUnit.get(folder);
    if (first === undefined) return folder.certain;
    const names = new Map(folder.certain);
    for (const [index, change] of folder.pending.entries()) {
      if (choice.whole[first + index] === 1) applyNames(names, change);
    }
    return names;
  }

  #contentKey(item: FileItem | LinkItem, choice: Choice): string {
    if (item.type === 'link') return `${item.id}`;
    const first = this.#firstUnit.get(item);
    if (first === undefined) return `${item.id}.${item.stamp}`;
    const end = first + item.pending.length;
    const bits = choice.whole.subarray(first, end).join('');
    const torn =
      choice.torn >= first && choice.torn < end ? `t${choice.torn - first}/${choice.tornBytes}` : '';
    return `${item.id}.${item.stamp}+${bits}${torn}${choice.isZeroed ? 'z' : ''}`;
  }

  #contentOf(item: FileItem | LinkItem, choice: Choice): Uint8Array {
    if (item.type === 'link') return Buffer.from(`-> ${item.target}`);
    const first = this.#firstUnit.get(item);
    if (first === undefined) return item.certain;
    const done: DoneChange[] = [];
    for (const [index, change] of item.pending.entries()) {
      const number = first + index;
      if (number === choice.torn) done.push({ change, bytes: choice.tornBytes, isZero: false });
      else if (choice.whole[number] === 1)
        done.push({ change, bytes: Number.POSITIVE_INFINITY, isZero: choice.isZeroed });
    }
    return applyChanges(item.certain, done);
  }
}
