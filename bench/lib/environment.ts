import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** No settings of whoever runs this: an empty home below `dir`, and no variables but these. */
export function cleanEnvironment(dir: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const home = join(dir, 'empty-home');
  mkdirSync(home, { recursive: true });
  const { PATH, TMPDIR, LANG } = process.env;
  return { PATH, ...(TMPDIR === undefined ? {} : { TMPDIR }), LANG: LANG ?? 'C.UTF-8', HOME: home, ...more };
}
