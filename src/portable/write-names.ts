/**
 * Names in a tar archive. Names that tools or OpenClaw's verifier would stumble over get a readable stand-in in ASCII, and
 * their true bytes in a PAX record of ours, which other tools pass over: names that are not UTF-8, and, where the archive must
 * be portable, names with a backslash, a line feed or `x:` at the start, and names that differ from one beside them only in case or
 * in Unicode form.
 */
import { nodeCrypto } from '../codec/node-crypto.ts';
import {
  type ByteString,
  byteStringToBytes,
  isUtf8,
  keyComponents,
  type PathKey,
  textOf,
} from '../model/paths.ts';
import { paxLinkPathKey, paxPathKey } from './read-pax.ts';

export interface TarName {
  /** What goes into the header. */
  readonly text: string;
  /** The true bytes in base64, only where they are not those of `text`. */
  readonly trueBytes?: string;
}

/** The name of a path that stands alone: the place of a source, the target of a link. */
export function tarNameOf(path: ByteString): TarName {
  return nameFrom(path, (part) => isUtf8(part));
}

/** The target of a link; a `portable` one has no line feed, which node-tar cannot read in a PAX record. */
export function linkNameOf(target: ByteString, portable: boolean): TarName {
  return nameFrom(target, (part) => isUtf8(part) && !(portable && part.includes('\n')));
}

function nameFrom(path: ByteString, isFine: (part: ByteString) => boolean): TarName {
  const parts = path.split('/') as ByteString[];
  if (parts.every(isFine)) return { text: textOf(path) };
  const text = parts.map((part) => (isFine(part) ? textOf(part) : standIn(part))).join('/');
  return { text, trueBytes: base64Of(path) };
}

/** OpenClaw's verifier refuses backslashes and what begins like a drive; node-tar cannot read line feeds in PAX records. */
const refusedPart = /[\\\n]|^[A-Za-z]:/;

interface Folder {
  readonly component: string;
  readonly text: string;
  /** Names inside as `portableKey` sees them. */
  children?: Set<string>;
}

/** Names the entries of one tree, which come in key order: a folder before what is inside it. */
export class PathNamer {
  readonly #place: ByteString;
  readonly #portable: boolean;
  /** The folders that the last entry lies in, and itself. */
  readonly #open: Folder[];

  constructor(place: ByteString, portable: boolean) {
    this.#place = place;
    this.#portable = portable;
    this.#open = [{ component: '', text: textOf(place) }];
  }

  nameOf(key: PathKey): TarName {
    const components = keyComponents(key);
    let depth = 0;
    while (depth < components.length && this.#open[depth + 1]?.component === components[depth]) depth++;
    this.#open.length = depth + 1;
    for (const component of components.slice(depth)) this.#enter(component);
    const text = this.#open
      .map((folder) => folder.text)
      .filter((part) => part !== '')
      .join('/');
    const truePath = [this.#place, ...components].filter((part) => part !== '').join('/') as ByteString;
    return textOf(truePath) === text && isUtf8(truePath) ? { text } : { text, trueBytes: base64Of(truePath) };
  }

  #enter(component: ByteString): void {
    const parent = this.#open.at(-1);
    let text = isUtf8(component) ? textOf(component) : standIn(component);
    if (this.#portable && parent !== undefined) {
      parent.children ??= new Set();
      if (refusedPart.test(text) || parent.children.has(portableKey(text))) text = standIn(component);
      parent.children.add(portableKey(text));
    }
    this.#open.push({ component, text });
  }
}

/** Names that OpenClaw's verifier takes for the same have the same key. */
export function portableKey(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

const standInCharsMax = 200;

/** `caf\xe9.txt` becomes `caf_.txt~1b2c3d4e5f60`: two names do not get the same. */
function standIn(name: string): string {
  const readable = name.replaceAll(/[^ -~]|[\\:]/g, '_').slice(0, standInCharsMax);
  const hash = nodeCrypto().createHash('sha256').update(Buffer.from(name, 'latin1')).digest('hex');
  return `${readable}~${hash.slice(0, 12)}`;
}

function base64Of(path: ByteString): string {
  return byteStringToBytes(path).toString('base64');
}

/** The PAX records for names that the header does not hold truly. */
export function namePaxRecords(path: TarName, link: TarName | undefined): Record<string, string> {
  return {
    ...(path.trueBytes === undefined ? {} : { [paxPathKey]: path.trueBytes }),
    ...(link?.trueBytes === undefined ? {} : { [paxLinkPathKey]: link.trueBytes }),
  };
}
