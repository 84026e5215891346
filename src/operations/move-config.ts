/** The paths of a configuration bundle made those of this home, as after a restore. Pure. */
import type { BundleFile, BundleSource } from '../openclaw/config-bundle.ts';
import type { OpenClawHome } from '../openclaw/discovery.ts';
import {
  type MovedValue,
  mentionsOf,
  movePathsInJson5,
  type PathMove,
  pathMoves,
} from '../openclaw/move-paths.ts';

export interface MovedConfigPaths {
  readonly moves: readonly PathMove[];
  /** Each value that is another one than in the bundle, with the file of the bundle it is in. */
  readonly changes: readonly (MovedValue & { readonly file: string })[];
}

export interface MovedConfig extends MovedConfigPaths {
  readonly files: readonly BundleFile[];
  /** Of texts that name a path of the other home and are more than that path. */
  readonly warnings: readonly string[];
}

/** Files must have been checked: they parse. */
export function moveConfigPaths(
  files: readonly BundleFile[],
  source: BundleSource,
  home: OpenClawHome,
): MovedConfig {
  const moves = pathMoves([
    { from: source.home, to: home.home },
    { from: source.stateDir, to: home.stateDir },
  ]);
  const moved = files.map((file) => ({ file, ...moveIn(file, moves) }));
  return {
    moves,
    files: moved.map(({ file, content }) => ({ ...file, content })),
    changes: moved.flatMap(({ file, changes }) => changes.map((change) => ({ file: file.path, ...change }))),
    warnings: moved.flatMap(({ file, mentions }) =>
      mentions.map(
        ({ where, from }) => `${file.path}: ${where} names ${from}, of another home; it is kept as it is`,
      ),
    ),
  };
}

interface MovedFile {
  readonly content: Buffer;
  readonly changes: readonly MovedValue[];
  readonly mentions: readonly { readonly where: string; readonly from: string }[];
}

function moveIn({ kind, content }: BundleFile, moves: readonly PathMove[]): MovedFile {
  if ((kind !== 'config' && kind !== 'include') || moves.length === 0)
    return { content, changes: [], mentions: [] };
  const before = content.toString('utf8');
  const { text, changes } = movePathsInJson5(before, moves);
  const moved = changes.length === 0 ? content : Buffer.from(text);
  return { content: moved, changes, mentions: mentionsOf(before, moves) };
}
