import { test } from 'node:test';
import { captureUnderWriter } from './busy.ts';

for (const journalMode of ['WAL', 'DELETE'] as const) {
  test(`capture() gives one transaction's state under a writer that never rests (${journalMode})`, (context) =>
    captureUnderWriter(context, journalMode, { count: 20, fillerBytes: 3_000_000 }));
}

for (const log of ['short', 'truncated'] as const) {
  test(`capture() gives one transaction's state while the log begins anew all the time (${log})`, (context) =>
    captureUnderWriter(context, 'WAL', { count: 6, fillerBytes: 20_000_000, log }));
}
