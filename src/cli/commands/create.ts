import { type ConfiguredBackup, createConfiguredBackup, type SnapshotStats } from '../../index.ts';
import { dim } from '../console.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { bytesText, countText, durationText, safeText, unreadableText } from '../text.ts';

interface CreateWords extends GlobalOptions {
  readonly only?: readonly string[];
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly source?: readonly string[];
  readonly output?: string;
  readonly layout: 'openclaw' | 'home';
  readonly overwrite?: boolean;
  readonly encryptTo?: readonly string[];
  readonly tag?: readonly string[];
  readonly message?: string;
  readonly encrypt?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly skipIfUnchanged?: boolean;
}

export async function runCreate(context: CommandContext, words: CreateWords): Promise<ExitCode> {
  const { environment, console } = context;
  const { source: sources, output, layout, overwrite, encryptTo, tag: tags, ...rest } = words;
  const created = await createConfiguredBackup(environment, {
    ...rest,
    ...(sources === undefined ? {} : { sources }),
    ...(tags === undefined ? {} : { tags }),
    ...(output === undefined
      ? {}
      : {
          output: {
            path: output,
            layout,
            ...(overwrite === undefined ? {} : { overwrite }),
            ...(encryptTo === undefined ? {} : { encryptTo }),
          },
        }),
  });
  console.result(createdJson(created), () => createdText(created));
  console.incomplete(problemLines(created));
  const isWhole =
    created.unreadable.length === 0 && created.hooks.every((hook) => hook.problem === undefined);
  return isWhole ? exitCodes.done : exitCodes.incomplete;
}

function createdJson(created: ConfiguredBackup): unknown {
  const { archive, snapshot, ...rest } = created;
  return {
    ...rest,
    snapshot: snapshot ?? null,
    ...(archive === undefined ? {} : { archive }),
  };
}

function createdText(created: ConfiguredBackup): string {
  const { stats, snapshot, archive, skipped } = created;
  const name =
    snapshot === undefined
      ? 'Dry run: nothing was stored'
      : `${created.unchanged ? 'No new snapshot, nothing changed since' : 'Snapshot'} ${snapshot.id.slice(0, 8)}`;
  const lines = [
    `${name}: ${filesText(stats)}, ${bytesText(stats.totalBytes)} in all, ${durationText(stats.durationMs)}`,
  ];
  if (snapshot !== undefined) {
    lines.push(
      stats.addedBytes === 0
        ? 'Nothing new to store'
        : `Added ${bytesText(stats.addedBytes)} of new data, stored in ${bytesText(stats.storedBytes)}`,
    );
    lines.push(dim(`Repository: ${safeText(created.repository)}`));
  } else lines.push(`Would add ${bytesText(stats.addedBytes)} before compression`);
  if (archive !== undefined) lines.push(`Archive: ${safeText(archive.path)} (${bytesText(archive.bytes)})`);
  const leftOut = skipped.filter((one) => one.reason !== 'sidecar' && one.reason !== 'repository');
  if (leftOut.length > 0)
    lines.push(dim(`Left out: ${countText(leftOut.length, 'path')} (--json lists them)`));
  return [...lines, ...problemLines(created)].join('\n');
}

const unreadableLinesMax = 20;

function problemLines({ unreadable, hooks }: ConfiguredBackup): string[] {
  const files = unreadable.map((one) => `Not readable: ${unreadableText(one)}`);
  const moreCount = files.length - unreadableLinesMax;
  return [
    ...files.slice(0, unreadableLinesMax),
    ...(moreCount > 0 ? [`… and ${countText(moreCount, 'more path')} not readable`] : []),
    ...hooks.flatMap(({ name, problem }) =>
      problem === undefined ? [] : [`${name} failed: ${safeText(problem)}`],
    ),
  ];
}

function filesText(stats: SnapshotStats): string {
  const parts = [
    [stats.newFiles, 'new'],
    [stats.changedFiles, 'changed'],
    [stats.removedFiles, 'removed'],
  ].flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}`]));
  const changes = parts.length === 0 ? 'nothing changed' : parts.join(', ');
  return `${countText(stats.files, 'file')} (${changes})`;
}
