import { byteStringToBytes, displayKey, isUtf8, type PathKey, pathOfKey } from '../model/paths.ts';

/** A path as a record names it: text, and the bytes in base64 where text would lose something. */
export function pathFields(key: PathKey): { readonly path: string; readonly pathBytes?: string } {
  const path = pathOfKey(key);
  if (isUtf8(path)) return { path: displayKey(key) };
  return { path: displayKey(key), pathBytes: byteStringToBytes(path).toString('base64') };
}
