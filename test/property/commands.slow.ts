import { test } from 'node:test';
import { runCommands } from './commands.ts';

test('commands in any order do what a simple model says: long rows', async () => {
  await runCommands({ seed: Date.now() % 1_000_000, rows: 400, commandsMax: 120 });
});
