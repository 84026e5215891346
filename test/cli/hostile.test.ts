import { test } from 'node:test';
import { lookAtHostileHome } from './hostile.ts';

test('what is hostile is shown harmless, in bounded time and memory', (context) => {
  lookAtHostileHome(context, {
    lineBytes: 20_000_000,
    valueBytes: 1_000_000,
    msMax: 30_000,
    memoryBytesMax: 600_000_000,
  });
});
