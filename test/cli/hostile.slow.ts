import { test } from 'node:test';
import { lookAtHostileHome } from './hostile.ts';

test('what is hostile is shown harmless: a line of 2 GB', (context) => {
  lookAtHostileHome(context, {
    lineBytes: 2_000_000_000,
    valueBytes: 15_000_000,
    msMax: 110_000,
    memoryBytesMax: 600_000_000,
  });
});
