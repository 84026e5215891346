import { type WatchEvent, watchHome } from '../../index.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { CommandContext, GlobalOptions } from '../run.ts';
import { countText, durationText, safeText, timeText } from '../text.ts';
import { doneJson, doneText } from './schedule.ts';

interface WatchWords extends GlobalOptions {
  readonly quietFor: number;
  readonly atMostEvery: number;
}

export async function runWatch(
  { environment, console }: CommandContext,
  { quietFor, atMostEvery, ...options }: WatchWords,
): Promise<ExitCode> {
  // A line for each event, as a log: text, or one JSON object a line.
  const log = (value: unknown, text: string): void =>
    console.line(value, `${timeText(new Date().toISOString())} ${text}`);
  await watchHome(environment, {
    ...options,
    quietMs: quietFor * 1000,
    atMostEveryMs: atMostEvery * 1000,
    signal: environment.signal ?? new AbortController().signal,
    log: (event) => log({ event: event.kind, ...event, kind: undefined }, eventText(event)),
    onBackup: (done) => log({ event: 'backup', ...doneJson(done) }, doneText(done)),
  });
  return exitCodes.done;
}

function eventText(event: WatchEvent): string {
  switch (event.kind) {
    case 'watching':
      return `watching ${countText(event.folders, 'folder')}`;
    case 'polling':
      return `looking every ${durationText(event.everyMs)}, because not all changes can be heard of: ${safeText(event.reason)}`;
    case 'failed':
      return `failed: ${safeText(event.reason)}`;
    case 'stopped':
      return 'stopped';
  }
}
