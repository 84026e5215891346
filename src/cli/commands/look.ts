import {
  backupStats,
  catFile,
  listBackupHeads,
  listBackups,
  listFiles,
  rebuildIndex,
  type Snapshot,
  type SnapshotHead,
  showBackup,
  UsageError,
} from '../../index.ts';
import { bold } from '../console.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { outputStream } from '../output.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { bytesText, countText, numberText, safeText, tableText, timeText, unreadableText } from '../text.ts';

export async function runList(
  { environment, console }: CommandContext,
  options: GlobalOptions & { readonly tag?: string; readonly latest?: string },
): Promise<ExitCode> {
  const list = await (console.json ? listBackups : listBackupHeads)(environment, options);
  const tagged = list.snapshots.filter((one) => options.tag === undefined || one.tags.includes(options.tag));
  const snapshots = options.latest === undefined ? tagged : tagged.slice(-positiveCount(options.latest));
  console.payload({ ...list, snapshots }, () => listText(snapshots));
  for (const damage of list.damaged) console.warn(damage.message);
  return list.damaged.length > 0 ? exitCodes.damage : exitCodes.done;
}

function positiveCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError(`--latest ${text}: want a whole number from 1`);
  return count;
}

function listText(snapshots: readonly SnapshotHead[]): string {
  if (snapshots.length === 0) return 'No snapshots yet. Run exuvia backup create.';
  const rows = snapshots.map((one) => [
    one.id.slice(0, 8),
    timeText(one.time),
    numberText(one.stats.files),
    bytesText(one.stats.totalBytes),
    bytesText(one.stats.storedBytes),
    notesText(one),
  ]);
  const head = ['id', 'time', 'files', 'size', 'stored', 'notes'];
  return `${tableText([head, ...rows], [2, 3, 4])}\n${countText(snapshots.length, 'snapshot')}`;
}

function notesText(snapshot: SnapshotHead): string {
  const parts = snapshot.tags.map((tag) => `[${tag}]`);
  if (snapshot.components !== null) parts.push(`only ${snapshot.components.join(', ')}`);
  if (snapshot.reason !== 'manual') parts.push(snapshot.reason);
  if (snapshot.pinned) parts.push('pinned');
  if (snapshot.unreadableCount > 0) parts.push('incomplete');
  if (snapshot.lost !== undefined) parts.push(lostText(snapshot.lost));
  if (snapshot.message !== '') parts.push(snapshot.message);
  return parts.length === 0 ? '' : safeText(parts.join(' '));
}

function lostText({ reason, count }: NonNullable<SnapshotHead['lost']>): string {
  return reason === 'purge'
    ? `without ${countText(count, 'purged file')}`
    : `without ${countText(count, 'lost file')}`;
}

export async function runShow(
  { environment, console }: CommandContext,
  options: GlobalOptions,
  reference = '',
): Promise<ExitCode> {
  const snapshot = await showBackup(environment, options, reference);
  console.payload({ snapshot }, () => showText(snapshot));
  return exitCodes.done;
}

function showText(snapshot: Snapshot): string {
  const { stats, host } = snapshot;
  const rows = [
    ['Time', timeText(snapshot.time)],
    ['Host', `${host.name} (${host.platform}), user ${host.user}`],
    ...snapshot.sources.map((source) => [
      'Source',
      `${source.path} (${source.kind}, ${source.entries} entries)`,
    ]),
    ['Components', snapshot.components?.join(', ') ?? 'all'],
    ['Tags', snapshot.tags.join(', ') || '–'],
    ['Message', snapshot.message || '–'],
    ['Reason', snapshot.reason],
    ['OpenClaw', snapshot.openclaw?.version ?? '–'],
    [
      'Files',
      `${stats.files} (${stats.newFiles} new, ${stats.changedFiles} changed, ${stats.removedFiles} removed)`,
    ],
    ['Size', bytesText(stats.totalBytes)],
    ['Added', `${bytesText(stats.addedBytes)}, stored in ${bytesText(stats.storedBytes)}`],
    ['Parent', snapshot.parent?.slice(0, 8) ?? '–'],
    ...(snapshot.pinned ? [['Pinned', 'yes']] : []),
    ...(snapshot.original === undefined ? [] : [['First id', snapshot.original]]),
    ...(snapshot.lost === undefined
      ? []
      : [['Lost', `${lostText(snapshot.lost)}: ${snapshot.lost.paths.slice(0, 20).join(', ')}`]]),
    ...snapshot.unreadable.map((one) => ['Not readable', unreadableText(one)]),
  ].map(([name = '', value = '']) => [name, safeText(value)]);
  return `${bold(`Snapshot ${snapshot.id}`)}\n${tableText(rows)}`;
}

export async function runLs(
  { environment, console }: CommandContext,
  options: GlobalOptions & { readonly recursive?: boolean },
  reference = '',
  path = '',
): Promise<ExitCode> {
  const { snapshot, source, entries } = await listFiles(environment, options, reference, path);
  console.payload({ snapshot: snapshot.id, source, entries }, () => {
    const rows = entries.map((entry) => [
      modeText(entry.type, entry.mode),
      entry.type === 'file' ? bytesText(entry.size) : '',
      timeText(entry.mtime),
      safeText(entry.path) + (entry.linkTarget === undefined ? '' : ` -> ${safeText(entry.linkTarget)}`),
    ]);
    const others =
      path === '' ? snapshot.sources.slice(1).map((one) => `also holds ${safeText(one.path)}`) : [];
    return [tableText(rows, [1]), ...others].filter((part) => part !== '').join('\n');
  });
  return exitCodes.done;
}

function modeText(type: string, mode: number): string {
  const kind = type === 'directory' ? 'd' : type === 'symlink' ? 'l' : '-';
  const bits = [6, 3, 0].map((shift) => {
    const three = (mode >> shift) & 7;
    return `${three & 4 ? 'r' : '-'}${three & 2 ? 'w' : '-'}${three & 1 ? 'x' : '-'}`;
  });
  return kind + bits.join('');
}

export async function runCat(
  { environment, console }: CommandContext,
  options: GlobalOptions,
  reference = '',
  path = '',
): Promise<ExitCode> {
  if (console.json) {
    const pieces: Buffer[] = [];
    await catFile(environment, options, reference, path, (bytes) => void pieces.push(Buffer.from(bytes)));
    const bytes = Buffer.concat(pieces);
    console.payload({ path, bytes: bytes.length, base64: bytes.toString('base64') }, () => '');
    return exitCodes.done;
  }
  await catFile(environment, options, reference, path, async (bytes) => {
    const copy = Buffer.from(bytes); // the stream may keep it for a while
    const output = outputStream();
    if (!output.write(copy)) await new Promise((resolve) => output.once('drain', resolve));
  });
  return exitCodes.done;
}

export async function runStats(
  { environment, console }: CommandContext,
  options: GlobalOptions,
): Promise<ExitCode> {
  const stats = await backupStats(environment, options);
  console.payload(stats, () =>
    tableText([
      ['Repository', safeText(stats.repository)],
      [
        'Snapshots',
        `${stats.snapshots}${stats.oldest ? ` (${timeText(stats.oldest)} to ${timeText(stats.newest ?? '')})` : ''}`,
      ],
      ['Restorable', bytesText(stats.restorableBytes)],
      ['Stored', `${bytesText(stats.packBytes)} in ${countText(stats.packs, 'pack')}`],
      ['Before compression', `${bytesText(stats.blobBytes)} in ${countText(stats.blobs, 'blob')}`],
      ...(stats.damaged > 0 ? [['Damaged', String(stats.damaged)]] : []),
    ]),
  );
  return stats.damaged > 0 ? exitCodes.damage : exitCodes.done;
}

export async function runRebuildIndex(
  { environment, console }: CommandContext,
  options: GlobalOptions,
): Promise<ExitCode> {
  const rebuilt = await rebuildIndex(environment, options);
  console.result(
    rebuilt,
    () => `Index rebuilt: ${countText(rebuilt.blobs, 'blob')} in ${countText(rebuilt.packs, 'pack')}`,
  );
  for (const damage of rebuilt.damaged) console.warn(damage.message);
  return rebuilt.damaged.length > 0 ? exitCodes.damage : exitCodes.done;
}
