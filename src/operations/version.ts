import { createRequire } from 'node:module';

declare const EXUVIA_VERSION: string | undefined;

/** Set when the command line is bundled; read from package.json otherwise. */
export const exuviaVersion: string =
  typeof EXUVIA_VERSION === 'string'
    ? EXUVIA_VERSION
    : (createRequire(import.meta.url)('../../package.json') as { version: string }).version;
