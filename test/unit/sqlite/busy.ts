import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { databaseProblems, ledgerEntries, Writer, type WriterOptions } from '../../helpers/sqlite-writer.ts';
import { withSandbox } from './sandbox.ts';

/** Generous: a machine that runs other tests may stop a process for longer than a capture takes. */
const stallLimitMs = 2000;

/** Takes `count` captures of a database that another process never stops writing to, and looks at each of them. */
export async function captureUnderWriter(
  context: TestContext,
  journalMode: WriterOptions['journalMode'],
  { count, fillerBytes }: { count: number; fillerBytes: number },
): Promise<void> {
  await withSandbox(async ({ at, mustCapture }) => {
    await using writer = await Writer.start({
      path: at('x.sqlite'),
      journalMode,
      work: 'endless',
      fillerBytes,
    });
    const seen: number[] = [];
    let transactions = 0;
    let slowestMs = 0;
    for (let index = 0; index < count; index++) {
      const { copyPath, method, check } = await mustCapture('x.sqlite');
      const stats = await writer.stats();
      transactions += stats.transactions;
      slowestMs = Math.max(slowestMs, stats.slowestMs);
      assert.deepEqual(
        { method, check, problems: databaseProblems(copyPath) },
        { method: 'live', check: 'ok', problems: [] },
      );
      seen.push(ledgerEntries(copyPath));
    }
    await writer.stop();
    context.diagnostic(
      `${journalMode}: ${count} captures, ${transactions} transactions meanwhile, slowest ${slowestMs.toFixed(1)} ms`,
    );
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
      'a later capture holds no earlier state',
    );
    assert.ok(new Set(seen).size > count / 2, 'the writer wrote between the captures');
    assert.ok(slowestMs < stallLimitMs, `the writer stood still for ${slowestMs} ms`);
    assert.deepEqual(databaseProblems(at('x.sqlite')), []);
  });
}
