import { test } from 'node:test';
import { temporaryFolder } from '../helpers/temporary.ts';
import { checkDatabasePair, hasSqldiff } from './sqlite-diff.ts';

test('diffSqlite(): what it says of the older database gives the newer one, and sqldiff counts as many', (context) => {
  const folder = temporaryFolder(context);
  const first = Number(process.env['EXUVIA_SEED'] ?? 1);
  for (let seed = first; seed < first + 40; seed++) checkDatabasePair(folder, seed);
  if (!hasSqldiff) context.diagnostic('sqldiff is not installed: it was not asked');
});
