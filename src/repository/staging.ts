/**
 * Where an encrypted repository's runs put copies of what they back up, as that of a database: beside other temporary files of
 * this machine, so that nothing unsealed ever lies in the repository. Removed when the run ends, and what a killed run left when
 * the next one begins.
 */
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTemporary, withPath } from '../io/files.ts';
import { isAlive } from './locks.ts';

export function makeStaging(repositoryId: string): string {
  const folder = tmpdir();
  const prefix = `exuvia-${repositoryId.slice(0, 12)}-`;
  return withPath('create folder in', folder, () => {
    for (const name of readdirSync(folder)) {
      const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : 0;
      if (pid > 0 && pid !== process.pid && !isAlive(pid)) removeTemporary(join(folder, name));
    }
    return mkdtempSync(join(folder, `${prefix}${process.pid}-`));
  });
}
