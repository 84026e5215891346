import { test } from 'node:test';
import { runCommands } from './commands.ts';

test('commands in any order do what a simple model says', async () => {
  await runCommands({ seed: Number(process.env['EXUVIA_SEED'] ?? 1), rows: 60, commandsMax: 40 });
});
