/** `backup blame`: for each line of a file's newest version, the snapshot in which it came. */
import { createNumbering, matchSequences } from '../diff/sequence-match.ts';
import { UsageError } from '../model/errors.ts';
import type { SnapshotSource } from '../model/snapshot.ts';
import type { BlobReader } from '../model/store.ts';
import type { FileNode } from '../model/tree.ts';
import { contentBytes } from '../tree/content.ts';
import type { Environment } from './environment.ts';
import {
  historiesOf,
  holdingOf,
  logOf,
  type PathHistory,
  type PathLog,
  type SnapshotName,
} from './path-history.ts';
import type { PlaceOptions } from './places.ts';
import { withRepositoryToRead } from './read-backups.ts';
import { isSecretFile, SecretMask, secretsInJson } from './secret-mask.ts';

export interface BlameOptions extends PlaceOptions {
  /** Secrets are shown as they are; else a fingerprint stands for each. */
  readonly showSecrets?: boolean;
}

export interface BlamedLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
  /** The first snapshot that has the line in this place. */
  readonly first: SnapshotName;
}

export interface BlamedFile {
  readonly path: string;
  readonly source: string;
  /** The newest snapshot that has the file. */
  readonly last: SnapshotName;
  readonly lines: readonly BlamedLine[];
}

const fileBytesMax = 16 * 1024 * 1024;
const linesMax = 200_000;
const matching = { maxEditLength: 2000, timeoutMs: 1000 };

/** One answer for each source that has such a path. @throws UsageError for what is not text */
export async function blamePath(
  environment: Environment,
  options: BlameOptions,
  path: string,
): Promise<readonly BlamedFile[]> {
  return await withRepositoryToRead(environment, options, (repository) => {
    const holding = holdingOf(repository);
    return historiesOf(environment, repository, path).map((history) => {
      const file = blame(repository, logOf(holding(history.source), history), history);
      return options.showSecrets ? file : maskFile(repository.parameters.id, history.source, file);
    });
  });
}

function maskFile(key: string, source: SnapshotSource, file: BlamedFile): BlamedFile {
  const content = Buffer.from(file.lines.map(({ text }) => text).join('\n'));
  const mask = new SecretMask({
    key,
    isSecretFile: isSecretFile(source, file.path),
    secrets: secretsInJson(file.path, content),
  });
  return { ...file, lines: file.lines.map((line) => ({ ...line, text: mask.line(line.text) })) };
}

/** Lines that stay where they are in the order of the others keep the snapshot in which they came. */
function blame(blobs: BlobReader, { path, source, versions }: PathLog, { events }: PathHistory): BlamedFile {
  const number = createNumbering();
  let lines: { readonly text: string; readonly first: SnapshotName }[] = [];
  let last: SnapshotName | undefined;
  for (const [index, { node }] of events.entries()) {
    const version = versions[index];
    if (node?.type !== 'file' || version === undefined) continue;
    last = version.last;
    if (version.change === 'attributes') continue;
    const texts = linesOf(blobs, path, node);
    const origin = new Map(
      matchSequences(
        lines.map(({ text }) => number(text)),
        texts.map(number),
        matching,
      ).map(([before, after]) => [after, lines[before]?.first]),
    );
    lines = texts.map((text, at) => ({ text, first: origin.get(at) ?? version.first }));
  }
  if (last === undefined)
    throw new UsageError(
      `${path} is not a file`,
      'Name a file; exuvia backup log shows the versions of others.',
    );
  return { path, source, last, lines: lines.map((line, at) => ({ line: at + 1, ...line })) };
}

function linesOf(blobs: BlobReader, path: string, node: FileNode): string[] {
  const content = node.size <= fileBytesMax ? contentBytes(blobs, node) : undefined;
  if (content === undefined || node.content.kind === 'pages' || content.includes(0)) {
    throw new UsageError(
      `${path} is not a text of at most 16 MB`,
      'exuvia backup grep finds the rows of a database, and the snapshots that had them first.',
    );
  }
  const lines = content.toString('utf8').split('\n');
  if (lines.length > linesMax + 1)
    throw new UsageError(
      `${path} has more than ${linesMax} lines`,
      'exuvia backup grep finds a line, and the snapshots that had it.',
    );
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
