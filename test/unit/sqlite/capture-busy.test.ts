import { test } from 'node:test';
import { captureUnderWriter } from './busy.ts';

for (const journalMode of ['WAL', 'DELETE'] as const) {
  test(`capture() gives one transaction's state under a writer that never rests (${journalMode})`, (context) =>
    captureUnderWriter(context, journalMode, { count: 20, fillerBytes: 3_000_000 }));
}
