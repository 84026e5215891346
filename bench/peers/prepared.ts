/**
 * Folders that outlive a run with `--dir DIR`, so that the next one has less to prepare:
 *
 *     DIR/a, DIR/b, DIR/c      data sets, never changed; DIR/a.json is written when one is complete
 *     DIR/work/b/source        a copy that lives on: files are edited and touched in it
 *     DIR/work/b/live/TOOL     what a tool keeps of it
 *     DIR/work/b/history/TOOL  eight snapshots, each after a change, the same for every tool
 *
 * What a tool keeps is made anew when it has another version; of the product, when it has another commit.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { circumstances } from '../lib/report.ts';
import { run } from '../lib/run.ts';
import { type DataSet, dataSets, type SetName, totalBytes, touchAll } from './data.ts';
import { runCommands } from './rounds.ts';
import type { Repository, Tool } from './tools.ts';

export const historySnapshots = 8;

/**
 * A file that changed less than this ago cannot be told from one that changes while it is read: tools that care read it
 * again the next time.
 */
const settleMs = 2100;

/** Builds the data set unless it is there. */
export function preparedData(dir: string, name: SetName): string {
  const data = join(dir, name);
  const mark = join(dir, `${name}.json`);
  if (existsSync(mark)) return data;
  rmSync(data, { recursive: true, force: true });
  console.error(`building data set ${name} in ${data}`);
  dataSets[name].build(data);
  writeFileSync(mark, JSON.stringify(totalBytes(data)));
  return data;
}

interface State {
  /** How many times the source was changed or touched. */
  changes: number;
  /** Of these, how many the tool of that name has stored, and which version of it did. */
  readonly stored: Record<string, { readonly changes: number; readonly version: string }>;
}

export class PreparedSet {
  readonly name: SetName;
  readonly source: string;
  readonly data: string;
  readonly dir: string;
  readonly #set: DataSet;
  readonly #state: State;
  readonly #history = new Map<string, Repository>();
  readonly #live = new Map<string, Repository>();

  private constructor(dir: string, name: SetName, data: string) {
    this.name = name;
    this.data = data;
    this.dir = join(dir, 'work', name);
    this.source = join(this.dir, 'source');
    this.#set = dataSets[name];
    this.#state = existsSync(this.#stateFile)
      ? (JSON.parse(readFileSync(this.#stateFile, 'utf8')) as State)
      : { changes: 0, stored: {} };
  }

  static async open(dir: string, name: SetName): Promise<PreparedSet> {
    const prepared = new PreparedSet(dir, name, preparedData(dir, name));
    if (!existsSync(prepared.#stateFile)) await prepared.#copySource(prepared.source);
    prepared.#save();
    return prepared;
  }

  /** An hour passes, or one file in a hundred is edited. */
  async change(): Promise<void> {
    this.#set.change(this.source, ++this.#state.changes);
    await this.#settle();
  }

  async touch(): Promise<void> {
    touchAll(this.source, ++this.#state.changes);
    await this.#settle();
  }

  /** The repository of a tool that has stored the source as it is now. */
  async live(tool: Tool): Promise<Repository> {
    const { name } = tool;
    const dir = this.liveDir(tool);
    const version = versionKey(tool);
    const stored = this.#state.stored[name];
    if (stored?.version !== version) {
      delete this.#state.stored[name];
      this.#save();
      rmSync(dir, { recursive: true, force: true });
    }
    const repository = this.#live.get(name) ?? tool.repositoryAt(dir);
    this.#live.set(name, repository);
    if (stored?.version !== version) await runCommands(repository.init(), repository.env);
    if (stored?.version !== version || stored.changes !== this.#state.changes)
      await runCommands(repository.backup(this.source), repository.env);
    this.#state.stored[name] = { changes: this.#state.changes, version };
    this.#save();
    return repository;
  }

  liveDir(tool: Tool): string {
    return join(this.dir, 'live', slug(tool.name));
  }

  /** To be called when a tool has stored the source as it is, without `live`. */
  hasStored(tool: Tool): void {
    this.#state.stored[tool.name] = { changes: this.#state.changes, version: versionKey(tool) };
    this.#save();
  }

  /** The same eight snapshots for each tool; the newest is of what lies in `historySource`. */
  async history(tools: readonly Tool[]): Promise<ReadonlyMap<string, Repository>> {
    const missing = tools.filter((tool) => !this.#hasHistory(tool));
    if (missing.length > 0) await this.#buildHistory(missing);
    for (const tool of tools) {
      if (!this.#history.has(tool.name))
        this.#history.set(tool.name, tool.repositoryAt(this.historyDir(tool)));
    }
    return this.#history;
  }

  get historySource(): string {
    return join(this.dir, 'history-source');
  }

  historyDir(tool: Tool): string {
    return join(this.dir, 'history', slug(tool.name));
  }

  /** A copy of what the tool has of the history, in place of what is in `dir`. */
  async copyHistory(tool: Tool, dir: string): Promise<void> {
    rmSync(dir, { recursive: true, force: true });
    await run('cp', ['-a', this.historyDir(tool), dir]);
  }

  /** An empty folder for one run of a tool. */
  scratch(tool: Tool): string {
    const dir = join(this.dir, 'scratch', slug(tool.name));
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { recursive: true });
    return dir;
  }

  removeScratch(): void {
    rmSync(join(this.dir, 'scratch'), { recursive: true, force: true });
  }

  #hasHistory(tool: Tool): boolean {
    const mark = `${this.historyDir(tool)}.version`;
    return existsSync(mark) && readFileSync(mark, 'utf8') === versionKey(tool);
  }

  async #buildHistory(tools: readonly Tool[]): Promise<void> {
    await this.#copySource(this.historySource);
    const repositories: Repository[] = [];
    for (const tool of tools) {
      rmSync(`${this.historyDir(tool)}.version`, { force: true });
      rmSync(this.historyDir(tool), { recursive: true, force: true });
      const repository = tool.repositoryAt(this.historyDir(tool));
      await runCommands(repository.init(), repository.env);
      repositories.push(repository);
    }
    for (let snapshot = 0; snapshot < historySnapshots; snapshot++) {
      if (snapshot > 0) this.#set.change(this.historySource, snapshot);
      for (const repository of repositories)
        await runCommands(repository.backup(this.historySource), repository.env);
    }
    for (const tool of tools) writeFileSync(`${this.historyDir(tool)}.version`, versionKey(tool));
  }

  async #copySource(to: string): Promise<void> {
    rmSync(to, { recursive: true, force: true });
    mkdirSync(this.dir, { recursive: true });
    await run('cp', ['-a', this.data, to]);
  }

  async #settle(): Promise<void> {
    this.#save();
    await new Promise((resolve) => setTimeout(resolve, settleMs));
  }

  get #stateFile(): string {
    return join(this.dir, 'state.json');
  }

  #save(): void {
    writeFileSync(this.#stateFile, JSON.stringify(this.#state, null, 2));
  }
}

function slug(name: string): string {
  return name.toLowerCase().replaceAll(' ', '-');
}

const { commit } = circumstances();
/** A checkout with changes is another one each time. */
const ownVersion = commit === undefined || commit.endsWith('+') ? `${commit} at ${Date.now()}` : commit;

/** What a tool has kept is of use only to the same version of it, with the same settings. */
export function versionKey(tool: Tool): string {
  return tool.kind === 'own' ? `${tool.version} ${ownVersion}` : `${tool.version} ${tool.settings}`;
}
