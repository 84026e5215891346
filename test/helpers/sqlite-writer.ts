/**
 * A program that writes to a database in a process of its own, and the functions that run it.
 *
 * Each of its transactions moves an amount between two accounts, adds a line to a log and counts it, so any part of a
 * transaction without the rest breaks one of the invariants that `databaseProblems` looks at.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';

export interface WriterOptions {
  readonly path: string;
  readonly journalMode: 'WAL' | 'DELETE' | 'TRUNCATE' | 'PERSIST' | 'MEMORY';
  readonly lockingMode?: 'NORMAL' | 'EXCLUSIVE';
  /** `endless`: commits as fast as it can. `half`: stops in the middle of a transaction that has reached the file. `idle`: commits once. */
  readonly work: 'endless' | 'half' | 'idle';
  /** In WAL mode: the log is brought in after each few pages, so that it begins anew all the time, or is cut to nothing then. */
  readonly log?: 'short' | 'truncated';
  readonly fillerBytes?: number;
  readonly pageSize?: number;
}

export interface WriterStats {
  readonly transactions: number;
  readonly slowestMs: number;
}

const accounts = 500;
const balance = 1000;
/** Older lines of the log go: a database that only grows would be another one at each capture. */
const linesKept = 5000;

/** Makes the database of the invariants and closes it. */
export function createLedger(
  options: Pick<WriterOptions, 'path' | 'journalMode' | 'fillerBytes' | 'pageSize'>,
): void {
  const db = new Database(options.path);
  db.pragma(`page_size = ${options.pageSize ?? 4096}`);
  db.pragma(`journal_mode = ${options.journalMode}`);
  db.pragma('synchronous = OFF');
  db.exec(`
    CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL, padding BLOB NOT NULL);
    CREATE TABLE log (id INTEGER PRIMARY KEY, note TEXT NOT NULL);
    CREATE TABLE counter (id INTEGER PRIMARY KEY, entries INTEGER NOT NULL);
    CREATE TABLE filler (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE VIRTUAL TABLE log_text USING fts5(note);
    INSERT INTO counter VALUES (1, 0);`);
  const addAccount = db.prepare('INSERT INTO account (balance, padding) VALUES (?, randomblob(300))');
  const addFiller = db.prepare('INSERT INTO filler (bytes) VALUES (randomblob(8000))');
  db.transaction(() => {
    for (let index = 0; index < accounts; index++) addAccount.run(balance);
    for (let bytes = 0; bytes < (options.fillerBytes ?? 0); bytes += 8000) addFiller.run();
  })();
  db.close();
}

/** What is wrong with a ledger: empty when it is the state after some whole transaction. */
export function databaseProblems(path: string): string[] {
  const db = new Database(path);
  try {
    const get = (sql: string) => db.prepare(sql).pluck().get();
    const problems: string[] = [];
    const expect = (name: string, found: unknown, want: unknown) => {
      if (found !== want) problems.push(`${name}: ${String(found)}, want ${String(want)}`);
    };
    expect('integrity_check', get('PRAGMA integrity_check'), 'ok');
    expect('sum of balances', get('SELECT sum(balance) FROM account'), accounts * balance);
    const lines = Math.min(Number(get('SELECT entries FROM counter')), linesKept);
    expect('log lines', get('SELECT count(*) FROM log'), lines);
    expect('indexed lines', get('SELECT count(*) FROM log_text'), lines);
    return problems;
  } finally {
    db.close();
  }
}

/** How many transactions a ledger holds. */
export function ledgerEntries(path: string): number {
  const db = new Database(path);
  try {
    return Number(db.prepare('SELECT entries FROM counter').pluck().get());
  } finally {
    db.close();
  }
}

/** A running writer: `await using writer = await Writer.start(…)`. */
export class Writer implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Makes the ledger and starts the writer; it has done its first transaction (or half) when this resolves. */
  static async start(options: WriterOptions): Promise<Writer> {
    createLedger(options);
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), JSON.stringify(options)]);
    child.stderr.pipe(process.stderr);
    const writer = new Writer(child);
    await writer.stats();
    return writer;
  }

  /** What it did since it was last asked. */
  stats(): Promise<WriterStats> {
    return this.#ask('stats');
  }

  /** It rests after the transaction it is in. */
  async pause(): Promise<void> {
    await this.#ask('pause');
  }

  async resume(): Promise<void> {
    await this.#ask('resume');
  }

  async #ask(word: string): Promise<WriterStats> {
    this.#child.stdin.write(`${word}\n`);
    const { value } = await this.#lines.next();
    return JSON.parse(value);
  }

  /** Whatever a test does, no writer outlives it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.kill();
  }

  /** SIGKILL, as a power cut of the program. */
  async kill(): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await ended;
  }

  /** Lets it close its database. */
  async stop(): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.stdin.end();
    await ended;
  }
}

function openForWriting(options: WriterOptions): Database.Database {
  const db = new Database(options.path, { timeout: 20_000 });
  db.pragma(`journal_mode = ${options.journalMode}`);
  db.pragma('synchronous = OFF');
  db.pragma(`locking_mode = ${options.lockingMode ?? 'NORMAL'}`);
  if (options.log !== undefined) db.pragma('wal_autocheckpoint = 2');
  return db;
}

function transferOn(db: Database.Database): () => void {
  const move = db.prepare('UPDATE account SET balance = balance + ? WHERE id = ?');
  const log = db.prepare('INSERT INTO log (note) VALUES (?)');
  const index = db.prepare('INSERT INTO log_text (note) VALUES (?)');
  const count = db.prepare('UPDATE counter SET entries = entries + 1');
  const forget = db.prepare('DELETE FROM log WHERE id = ?');
  const forgetText = db.prepare('DELETE FROM log_text WHERE rowid = ?');
  let serial = 0;
  return db.transaction(() => {
    serial++;
    const note = `transfer ${serial} of ${serial % 97} crowns`;
    move.run(-(serial % 97), 1 + ((serial * 7) % accounts));
    const old = Number(log.run(note).lastInsertRowid) - linesKept;
    count.run();
    index.run(note);
    if (old > 0) {
      forget.run(old);
      forgetText.run(old);
    }
    move.run(serial % 97, 1 + ((serial * 31) % accounts));
  });
}

/** Changes every account and does not commit; the small cache makes the changed pages go to the file. */
function halfTransaction(db: Database.Database): void {
  db.pragma('cache_size = 5');
  db.exec('BEGIN IMMEDIATE; UPDATE account SET balance = balance + 1, padding = randomblob(300);');
}

/** As far as it can: while somebody reads, it stays. */
function truncateLog(db: Database.Database): void {
  db.pragma('busy_timeout = 0');
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.pragma('busy_timeout = 20000');
}

function main(options: WriterOptions): void {
  const db = openForWriting(options);
  const transfer = transferOn(db);
  let transactions = 0;
  let slowestMs = 0;
  const step = () => {
    const started = performance.now();
    transfer();
    transactions++;
    slowestMs = Math.max(slowestMs, performance.now() - started);
  };
  step();
  if (options.work === 'half') halfTransaction(db);
  const state = { isStopped: false, isPaused: false };
  const loop = () => {
    if (state.isStopped) return;
    for (let count = 0; count < 10 && !state.isPaused; count++) step();
    if (options.log === 'truncated' && !state.isPaused) truncateLog(db);
    setImmediate(loop);
  };
  if (options.work === 'endless') loop();
  createInterface({ input: process.stdin })
    .on('line', (word) => {
      if (word !== 'stats') state.isPaused = word === 'pause';
      process.stdout.write(`${JSON.stringify({ transactions, slowestMs } satisfies WriterStats)}\n`);
      transactions = 0;
      slowestMs = 0;
    })
    .on('close', () => {
      state.isStopped = true;
      db.close();
    });
}

if (import.meta.main) main(JSON.parse(process.argv[2] ?? '{}'));
