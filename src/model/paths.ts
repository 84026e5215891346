/**
 * File names are bytes. They are held as *byte strings*: JavaScript strings in which every character is one byte
 * (0 to 255, what Node calls latin1). Byte strings lose nothing, compare like the bytes they hold, and are cheap.
 *
 * A path inside a snapshot is a `PathKey`: its components joined by a zero byte, which no name can contain. So keys in
 * byte order are files in depth-first order, and everything below a folder is one contiguous range. The empty key is the
 * root of a source itself.
 */
declare const byteStringTag: unique symbol;
declare const pathKeyTag: unique symbol;

export type ByteString = string & { readonly [byteStringTag]: true };
export type PathKey = string & { readonly [pathKeyTag]: true };

export const keySeparator = '\0';
export const rootKey = '' as PathKey;

/** UTF-8 text to its bytes. */
export function byteStringOf(text: string): ByteString {
  return (isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')) as ByteString;
}

/** Bytes as they came from `readdir` or `readlink` with encoding latin1. */
export function byteStringFromLatin1(latin1: string): ByteString {
  return latin1 as ByteString;
}

export function byteStringFromBytes(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1') as ByteString;
}

export function byteStringToBytes(bytes: ByteString | PathKey): Buffer {
  return Buffer.from(bytes, 'latin1');
}

/** As text for people: UTF-8, with U+FFFD where the bytes are not UTF-8. Not for going back to the file. */
export function textOf(bytes: ByteString): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
}

/** Whether `textOf` loses nothing. */
export function isUtf8(bytes: ByteString): boolean {
  return isAscii(bytes) || byteStringOf(textOf(bytes)) === bytes;
}

/** What to give to `fs`: the text itself where it is ASCII, bytes where it is not. */
export function fsPath(bytes: ByteString): string | Buffer {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1');
}

export function childKey(parent: PathKey, name: ByteString): PathKey {
  return (parent === '' ? name : parent + keySeparator + name) as string as PathKey;
}

export function parentKey(key: PathKey): PathKey | undefined {
  if (key === '') return undefined;
  const cut = key.lastIndexOf(keySeparator);
  return (cut < 0 ? '' : key.slice(0, cut)) as PathKey;
}

export function baseName(key: PathKey): ByteString {
  return key.slice(key.lastIndexOf(keySeparator) + 1) as ByteString;
}

export function keyComponents(key: PathKey): ByteString[] {
  return key === '' ? [] : (key.split(keySeparator) as ByteString[]);
}

/** Whether `key` is `ancestor` or lies below it. */
export function isWithin(key: PathKey, ancestor: PathKey): boolean {
  if (ancestor === '') return true;
  if (!key.startsWith(ancestor)) return false;
  return key.length === ancestor.length || key.charCodeAt(ancestor.length) === 0;
}

/** The key of a relative path written with slashes (`workspace/MEMORY.md`); `.` and empty parts are dropped. */
export function keyOfPath(path: ByteString): PathKey {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.join(keySeparator) as PathKey;
}

/** The key as a relative path with slashes, still bytes. */
export function pathOfKey(key: PathKey): ByteString {
  return key.replaceAll(keySeparator, '/') as string as ByteString;
}

/** The key as a relative path for people. */
export function displayKey(key: PathKey): string {
  return textOf(pathOfKey(key));
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: zero bytes separate the components of keys
const noPath = /\/|(?:^|\u0000)\.{0,2}(?:\u0000|$)/;

/** Whether a stored key is the path of something below its root, or the root: no part empty, `.` or `..`, no slash. */
export function isPathKey(key: string): boolean {
  return key === '' || !noPath.test(key);
}

/** Why a name cannot be a component of a key, or undefined when it can. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name === '.' || name === '..') return `it is ${JSON.stringify(name)}`;
  if (name.includes('/')) return 'it contains a slash';
  if (name.includes('\0')) return 'it contains a zero byte';
  return undefined;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: zero bytes separate the components of keys
const beyondAscii = /[^\u0000-\u007f]/;

/** A pattern, not a loop: in a run of 1,000 files nothing has been compiled yet, and a loop costs ten times as much. */
export function isAscii(text: string): boolean {
  return !beyondAscii.test(text);
}
