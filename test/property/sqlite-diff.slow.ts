import { test } from 'node:test';
import { temporaryFolder } from '../helpers/temporary.ts';
import { checkDatabasePair } from './sqlite-diff.ts';

test('diffSqlite(): what it says of the older database gives the newer one: 2,000 pairs', (context) => {
  const folder = temporaryFolder(context);
  const first = Date.now() % 1_000_000;
  for (let seed = first; seed < first + 2000; seed++) checkDatabasePair(folder, seed);
});
