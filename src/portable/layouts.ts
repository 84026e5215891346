/** Where things are in an archive: formats by file name, and the place of each source in the two layouts. Pure. */
import { type ByteString, byteStringFromBytes, byteStringOf } from '../model/paths.ts';
import type { SnapshotSource } from '../model/snapshot.ts';
import { payloadName } from './manifest.ts';
import { tarNameOf } from './write-names.ts';

/** `openclaw`: what `openclaw backup` writes and reads. `home`: for plain `tar xzf … -C ~`. */
export type ArchiveLayout = 'openclaw' | 'home';
export type WrittenFormat = 'tar' | 'tar.gz' | 'tar.zst';

const endings: readonly (readonly [string, WrittenFormat])[] = [
  ['.tar.gz', 'tar.gz'],
  ['.tgz', 'tar.gz'],
  ['.tar.zst', 'tar.zst'],
  ['.tzst', 'tar.zst'],
  ['.tar', 'tar'],
];

/** The format that a file's name asks for, or undefined when it names none that can be written. */
export function formatOfName(path: string): WrittenFormat | undefined {
  const name = path.toLowerCase();
  return endings.find(([ending]) => name.endsWith(ending))?.[1];
}

/** The one folder at the top of an archive in layout `openclaw`; `time` is the snapshot's. */
export function archiveRootName(time: string): string {
  return `${time.replaceAll(':', '-')}-openclaw-backup`;
}

/** Our own file, the last entry of an archive, by layout. */
export function exuviaFilePath(layout: ArchiveLayout, time: string): string {
  return layout === 'openclaw' ? `${archiveRootName(time)}/exuvia.json` : homeExuviaFile;
}

export const homeExuviaFile = '.exuvia-archive.json';
/** The folder of sources that lie outside the home folder, in layout `home`. */
export const homeExternalFolder = 'exuvia-external';

type SourcePlace = Pick<SnapshotSource, 'kind' | 'path' | 'pathBytes'>;

/**
 * The path in the archive of each source, in order; '' is the top of the archive. Places are UTF-8: a source whose own path is not
 * gets a stand-in, and its record keeps the path.
 */
export function placesOf(
  layout: ArchiveLayout,
  sources: readonly SourcePlace[],
  snapshot: { readonly time: string; readonly home: string },
): ByteString[] {
  const payload = `${archiveRootName(snapshot.time)}/${payloadName}`;
  const places =
    layout === 'home'
      ? homePlaces(sources, byteStringOf(snapshot.home))
      : sources.map((source) => joinPath(payload, payloadPath(pathBytesOf(source))));
  return places.map((place) => byteStringOf(tarNameOf(place).text));
}

function pathBytesOf({ path, pathBytes }: SourcePlace): ByteString {
  return pathBytes === undefined ? byteStringOf(path) : byteStringFromBytes(Buffer.from(pathBytes, 'base64'));
}

/** `posix/home/u/.openclaw`, `windows/C/Users/u/.openclaw`, `relative/…`: how OpenClaw writes source paths in archives. */
export function payloadPath(path: string): ByteString {
  const slashed = path.replaceAll('\\', '/');
  const drive = /^([A-Za-z]):\//.exec(slashed)?.[1];
  if (drive !== undefined) return joinPath('windows', drive.toUpperCase(), ...partsOf(slashed).slice(1));
  return joinPath(slashed.startsWith('/') ? 'posix' : 'relative', ...partsOf(slashed));
}

function homePlaces(sources: readonly SourcePlace[], home: ByteString): ByteString[] {
  const state = sources.find((source) => source.kind === 'state');
  const statePlace = state === undefined ? undefined : stateName(pathBytesOf(state));
  return sources.map((source, index) => {
    if (source === state && statePlace !== undefined) return statePlace;
    const inHome = relativeTo(home, pathBytesOf(source));
    // A state folder from elsewhere takes the place of what may be in the home folder under its name.
    const isTaken = statePlace !== undefined && inHome !== undefined && overlap(inHome, statePlace);
    if (inHome !== undefined && !isTaken && !isOurs(inHome)) return inHome;
    return joinPath(homeExternalFolder, `${index + 1}-${partsOf(pathBytesOf(source)).at(-1) ?? 'root'}`);
  });
}

/** `.openclaw`, or the folder's own name where it is one of OpenClaw's (`.openclaw-dev`). */
function stateName(path: ByteString): ByteString {
  const name = partsOf(path).at(-1);
  return (name?.startsWith('.openclaw') ? name : '.openclaw') as ByteString;
}

function isOurs(place: ByteString): boolean {
  return place !== '' && (overlap(homeExternalFolder, place) || overlap(homeExuviaFile, place));
}

/** `path` relative to `home` with slashes, '' when they are the same, undefined when it lies elsewhere or there is no home. */
function relativeTo(home: ByteString, path: ByteString): ByteString | undefined {
  if (partsOf(home).length === 0) return undefined;
  const base = payloadPath(home);
  const full = payloadPath(path);
  if (full === base) return '' as ByteString;
  return full.startsWith(`${base}/`) ? (full.slice(base.length + 1) as ByteString) : undefined;
}

/** Whether one of two places in an archive is the other or lies below it. */
export function overlap(a: string, b: string): boolean {
  return a === '' || b === '' || a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

/** Parts with slashes between; '' for the top of the archive is no part. */
export function joinPath(...parts: string[]): ByteString {
  return parts.filter((part) => part !== '').join('/') as ByteString;
}

function partsOf(path: string): string[] {
  return path.split(/[\\/]/).filter((part) => part !== '' && part !== '.');
}
