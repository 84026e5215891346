import { test } from 'node:test';
import { captureUnderWriter } from './busy.ts';

for (const journalMode of ['WAL', 'DELETE'] as const) {
  test(`capture() gives one transaction's state 1,000 times under a writer that never rests (${journalMode})`, (context) =>
    captureUnderWriter(context, journalMode, { count: 100, rounds: 10, fillerBytes: 3_000_000 }));
}

for (const journalMode of ['WAL', 'DELETE', 'TRUNCATE', 'PERSIST', 'MEMORY'] as const) {
  test(`capture() gives one transaction's state 60 times under a writer that never rests (${journalMode})`, (context) =>
    captureUnderWriter(context, journalMode, { count: 60, fillerBytes: 10_000_000 }));
}

for (const journalMode of ['WAL', 'DELETE'] as const) {
  test(`capture() copies 100 MB under a writer that never rests (${journalMode})`, (context) =>
    captureUnderWriter(context, journalMode, { count: 10, fillerBytes: 100_000_000 }));
}

for (const log of ['short', 'truncated'] as const) {
  test(`capture() gives one transaction's state 1,000 times while the log begins anew all the time (${log})`, (context) =>
    captureUnderWriter(context, 'WAL', { count: 100, rounds: 10, fillerBytes: 10_000_000, log }));
}
