/** Names of files on their way to their place. Short, so that they fit where the name itself is as long as names may be. */
import type { ByteString } from '../model/paths.ts';

/** `unique` is 12 hex digits of the run's own. */
export function temporaryName(unique: string, count: number): ByteString {
  return `.exuvia-${unique}-${count}` as ByteString;
}

export function isTemporaryName(name: string): boolean {
  return /^\.exuvia-[0-9a-f]{12}-\d+$/.test(name);
}
