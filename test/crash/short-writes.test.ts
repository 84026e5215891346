/** A slice of short-writes.slow.ts for the main run: other commands with another EXUVIA_SEED. */
import { test } from 'node:test';
import { crashCommands } from './commands.ts';
import { runWithShortWrites } from './short-writes.ts';
import { whyNoTracing } from './system-calls.ts';

const every = 5;
const seed = Number(process.env['EXUVIA_SEED'] ?? 1);

test('commands go on where a write takes half of its bytes: a slice', {
  skip: whyNoTracing() ?? false,
}, async () => {
  await runWithShortWrites(crashCommands.filter((_, index) => index % every === seed % every));
});
