import assert from 'node:assert/strict';
import { renameSync, rmSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { databaseProblems, ledgerEntries, Writer, type WriterOptions } from '../../helpers/sqlite-writer.ts';
import { type Sandbox, stateOf, withSandbox } from './sandbox.ts';

/** Generous: a machine that runs other tests may stop a process for longer than a capture takes. */
const stallLimitMs = 2000;
/** What somebody who waits for a transaction does not notice. */
const noticedMs = 100;
const windowCaptures = 10;

export interface BusyOptions {
  readonly count: number;
  readonly fillerBytes: number;
  readonly log?: WriterOptions['log'];
  /** So often all of it, each time with a new database: one that is written to for long grows. */
  readonly rounds?: number;
}

/** What the writer did while captures were taken, and while it was alone for as long. */
interface BusyFigures {
  captures: number;
  transactions: number;
  /** The slowest transaction of each ten captures, and of the time alone that follows them. */
  readonly meanwhileMs: number[];
  readonly aloneMs: number[];
}

/** Takes captures of a database that another process never stops writing to, and looks at each of them. */
export async function captureUnderWriter(
  context: TestContext,
  journalMode: WriterOptions['journalMode'],
  { count, fillerBytes, log, rounds = 1 }: BusyOptions,
): Promise<void> {
  const figures: BusyFigures = { captures: 0, transactions: 0, meanwhileMs: [], aloneMs: [] };
  for (let round = 0; round < rounds; round++) {
    await withSandbox(async (sandbox) => {
      const path = sandbox.at('x.sqlite');
      const always = { path, journalMode, work: 'endless', fillerBytes } as const;
      await using writer = await Writer.start(log === undefined ? always : { ...always, log });
      await captureBeside(sandbox, writer, { count, figures });
      await writer.stop();
      assert.deepEqual(databaseProblems(path), []);
    });
  }
  const slowestMs = Math.max(...figures.meanwhileMs);
  const typical = { meanwhileMs: median(figures.meanwhileMs), aloneMs: median(figures.aloneMs) };
  context.diagnostic(
    `${journalMode}: ${figures.captures} captures, ${figures.transactions} transactions meanwhile; slowest ${slowestMs.toFixed(1)} ms, ` +
      `alone ${Math.max(...figures.aloneMs).toFixed(1)} ms; slowest of ten captures, in the median ${typical.meanwhileMs.toFixed(1)} ms, ` +
      `alone ${typical.aloneMs.toFixed(1)} ms`,
  );
  assert.ok(slowestMs < stallLimitMs, `the writer stood still for ${slowestMs} ms`);
  // Of many, so that what else the machine does is in both.
  if (figures.aloneMs.length >= 20)
    assert.ok(typical.meanwhileMs <= typical.aloneMs + noticedMs, JSON.stringify(typical));
}

async function captureBeside(
  sandbox: Sandbox,
  writer: Writer,
  { count, figures }: { readonly count: number; readonly figures: BusyFigures },
): Promise<void> {
  const seen: number[] = [];
  for (let done = 0; done < count; done += windowCaptures) {
    await writer.stats();
    const startedMs = performance.now();
    const copies = await captureSome(sandbox, Math.min(windowCaptures, count - done));
    const meanwhile = await writer.stats();
    await sleep(performance.now() - startedMs);
    const alone = await writer.stats();
    figures.captures += copies.length;
    figures.transactions += meanwhile.transactions;
    figures.meanwhileMs.push(meanwhile.slowestMs);
    figures.aloneMs.push(alone.slowestMs);
    for (const copy of copies) {
      assert.deepEqual(databaseProblems(copy), []);
      seen.push(ledgerEntries(copy));
      rmSync(copy);
    }
    await captureAtRest(sandbox, writer);
  }
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
    'a later capture holds no earlier state',
  );
  assert.ok(new Set(seen).size > count / 2, 'the writer wrote between the captures');
}

/** Copies that are kept, to be looked at when the writer's time is not measured. */
async function captureSome({ mustCapture, at }: Sandbox, count: number): Promise<string[]> {
  const copies: string[] = [];
  for (let index = 0; index < count; index++) {
    const { copyPath, method, check } = await mustCapture('x.sqlite');
    assert.deepEqual({ method, check }, { method: 'live', check: 'ok' });
    const copy = at(`../copy-${index}`);
    renameSync(copyPath, copy);
    copies.push(copy);
  }
  return copies;
}

/** Between two transactions: a capture changes nothing of the database and its log. */
async function captureAtRest(sandbox: Sandbox, writer: Writer): Promise<void> {
  await writer.pause();
  const before = stateOf(sandbox.folder, { except: 'x.sqlite-shm' });
  await sandbox.mustCapture('x.sqlite');
  assert.deepEqual(stateOf(sandbox.folder, { except: 'x.sqlite-shm' }), before);
  await writer.resume();
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
