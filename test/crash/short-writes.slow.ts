import { test } from 'node:test';
import { crashCommands } from './commands.ts';
import { runWithShortWrites } from './short-writes.ts';
import { whyNoTracing } from './system-calls.ts';

test('every command goes on where a write takes half of its bytes', {
  skip: whyNoTracing() ?? false,
}, async () => {
  await runWithShortWrites(crashCommands);
});
