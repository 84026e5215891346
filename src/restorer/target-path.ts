import { type ByteString, type PathKey, pathOfKey } from '../model/paths.ts';

/** The absolute path of a key in the target. */
export function targetPath(target: ByteString, key: PathKey): ByteString {
  if (key === '') return target;
  return (target.endsWith('/') ? target + pathOfKey(key) : `${target}/${pathOfKey(key)}`) as ByteString;
}
