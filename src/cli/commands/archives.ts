import { exportBackup, importArchive } from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { bytesText, countText, safeText } from '../text.ts';

interface ExportWords extends GlobalOptions {
  readonly layout: 'openclaw' | 'home';
  readonly format?: 'tar' | 'tar.gz' | 'tar.zst';
  readonly overwrite?: boolean;
  readonly redact?: boolean;
  readonly encryptTo?: readonly string[];
}

export async function runExport(
  { environment, console }: CommandContext,
  options: ExportWords,
  reference = '',
  path = '',
): Promise<ExitCode> {
  const { layout, format, overwrite, redact, encryptTo } = options;
  const { snapshot, archive, redacted, notLookedInto } = await exportBackup(environment, options, reference, {
    path,
    layout,
    ...(format === undefined ? {} : { format }),
    ...(overwrite === undefined ? {} : { overwrite }),
    ...(redact === undefined ? {} : { redact }),
    ...(encryptTo === undefined ? {} : { encryptTo }),
  });
  const parts = redacted === undefined ? {} : { redacted, notLookedInto };
  console.result({ snapshot: snapshot.id, archive, ...parts }, () =>
    [
      `Wrote ${safeText(archive.path)}: ${countText(archive.entries, 'entry', 'entries')}, ${bytesText(archive.bytes)}`,
      `SHA-256 ${archive.sha256}`,
      ...archive.leftOut.map((one) => `Left out: ${safeText(one.path)}: ${safeText(one.reason)}`),
      ...(redacted ?? []).map((one) => `Redacted: ${safeText(one.path)}: ${safeText(one.what)}`),
      ...(notLookedInto ?? []).map((one) => `Kept as it is, no text: ${safeText(one)}`),
    ].join('\n'),
  );
  return exitCodes.done;
}

interface ImportWords extends GlobalOptions {
  readonly tag?: readonly string[];
  readonly message?: string;
}

export async function runImport(
  { environment, console }: CommandContext,
  options: ImportWords,
  path = '',
): Promise<ExitCode> {
  const { tag: tags, ...rest } = options;
  const imported = await importArchive(
    environment,
    { ...rest, ...(tags === undefined ? {} : { tags }) },
    path,
  );
  const { snapshot, skipped } = imported;
  console.result(imported, () =>
    [
      `Snapshot ${snapshot.id.slice(0, 8)}: ${countText(snapshot.stats.files, 'file')}, ${bytesText(snapshot.stats.totalBytes)}`,
      ...snapshot.sources.map((source) => `Holds ${safeText(source.path)} (${source.kind})`),
      ...skipped.map((one) => `Skipped ${safeText(one.path)}: ${safeText(one.reason)}`),
    ].join('\n'),
  );
  return exitCodes.done;
}
