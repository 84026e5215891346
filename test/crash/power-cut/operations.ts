/** What a run did to its files, in order: as the recorder saw it, and with the marks that say what had been promised by then. */

export type FileOperation =
  /** `created`: the name is new; otherwise the file was there and was cut to nothing. */
  | { readonly kind: 'open'; readonly path: string; readonly created: boolean }
  | { readonly kind: 'write'; readonly path: string; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  /** fsync of a file or of a folder. */
  | { readonly kind: 'sync'; readonly path: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'make-folder'; readonly path: string }
  | { readonly kind: 'link'; readonly from: string; readonly to: string }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  /** Something the recorder knows no name for. A log that holds one is refused: it would not be exact. */
  | { readonly kind: 'unknown'; readonly call: string; readonly path: string };

export type Mark =
  /** The snapshot's file and its folder are on the disk: from here on it must survive. */
  | { readonly kind: 'acknowledged'; readonly snapshot: string; readonly replaces?: string | undefined }
  /** It may be gone from here on; `final`: it must be. */
  | { readonly kind: 'forgotten'; readonly snapshot: string; readonly final: boolean }
  /** From here on files below the folder may be the first or the second of these; null is none. */
  | {
      readonly kind: 'restoring';
      readonly folder: string;
      readonly files: ReadonlyMap<string, readonly [Uint8Array | null, Uint8Array | null]>;
    }
  /** The disk has damaged something: these files and snapshots may be bad until a repair is done. */
  | { readonly kind: 'damaged'; readonly subjects: ReadonlySet<string> }
  | { readonly kind: 'repaired' }
  /** The restore has said that it is done: from here on only the second will do. */
  | { readonly kind: 'restored' }
  /** The folder is on the disk as it is now, whatever was done to it by others. */
  | { readonly kind: 'settled'; readonly folder: string; readonly files: ReadonlyMap<string, Uint8Array> };

export type Operation = FileOperation | Mark;

/** Paths in a log begin with this, whatever folder the run had. */
export const logRoot = '/';

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? logRoot : path.slice(0, slash);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
