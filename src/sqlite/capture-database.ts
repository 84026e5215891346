/** One database, by whichever way works: the order of attempts of RELIABILITY cases is in docs/decisions/0005-sqlite-capture.md. */
import { readdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CopyFacts, inspectCopy } from './inspect.ts';
import { captureLive } from './live.ts';
import { Refusal, refusalOf } from './refusal.ts';
import type { CaptureMethod, CaptureResult, CaptureSource, CaptureTask, OnCopied } from './result.ts';
import { captureStaged } from './staged.ts';
import { copyBytesMax, hasRecoveryFile, opensWithoutTrace, type Survey, surveyDatabase } from './survey.ts';

/** Four, because a way may be tried, given up for the other, and tried again when the writer has moved on. */
const attemptsMax = 4;
const pauseMs = 150;

interface Failure {
  readonly method: CaptureMethod;
  readonly refusal: Refusal;
}

/** Never throws: what went wrong is in the result, and then nothing is left in the task's folder. */
export async function captureDatabase(
  source: CaptureSource,
  onCopied: OnCopied = () => {},
): Promise<CaptureResult> {
  const failures: Failure[] = [];
  while (failures.length < attemptsMax) {
    if (failures.length > 0) await sleep(pauseMs);
    // Each has another name: whoever hears late of one finds that it is gone, and not the beginning of the next.
    const copyPath = join(source.folder, `copy-${failures.length}.sqlite`);
    const outcome = await attempt({ ...source, copyPath }, failures.at(-1), onCopied);
    if ('kind' in outcome) return outcome;
    clearFolder(source.folder);
    failures.push(outcome);
    if (isHopeless(failures)) break;
  }
  return failedAfter(failures);
}

async function attempt(
  task: CaptureTask,
  last: Failure | undefined,
  onCopied: OnCopied,
): Promise<CaptureResult | Failure> {
  let method: CaptureMethod = 'live';
  try {
    const survey = surveyDatabase(task.source);
    if (survey === undefined) return { kind: 'not-a-database' };
    method = chooseMethod(survey, last);
    requireSpace(task.folder, copyBytesMax(survey));
    await (method === 'live' ? captureLive(task) : captureStaged(task, survey));
    const facts = inspectCopy(task.copyPath, onCopied);
    return capturedResult(task, facts, method, notesOn(survey, method, last));
  } catch (error) {
    return { method, refusal: refusalOf(error) };
  }
}

/** @internal Live where that leaves no trace, and staged where it did not work; but never a copy that could not be recovered. */
export function chooseMethod(survey: Survey, last: Failure | undefined): CaptureMethod {
  if (!opensWithoutTrace(survey)) return 'staged';
  if (last?.method !== 'live') return 'live';
  // Somebody holds the locks, and keeps what would undo a half transaction in memory only, if at all.
  if (last.refusal.kind === 'busy' && !hasRecoveryFile(survey)) return 'live';
  return 'staged';
}

function requireSpace(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize > bytes) return;
  throw new Refusal(
    'final',
    `no space for a copy of it in the staging folder: it needs ${bytes} bytes, ${bavail * bsize} are free (ENOSPC)`,
  );
}

function capturedResult(
  task: CaptureTask,
  { note: checkNote, ...facts }: CopyFacts,
  method: CaptureMethod,
  otherNotes: readonly (string | undefined)[],
): CaptureResult {
  const notes = [checkNote, ...otherNotes].filter((note) => note !== undefined);
  const note = notes.length === 0 ? {} : { note: notes.join('; ') };
  return { kind: 'captured', copyPath: task.copyPath, method, ...facts, ...note };
}

function notesOn(survey: Survey, method: CaptureMethod, last: Failure | undefined): (string | undefined)[] {
  const journalBytes = survey.journal?.bytes ?? 0;
  const wasRolledBack = method === 'staged' && last?.refusal.kind === 'unopenable' && journalBytes > 0;
  return [
    wasRolledBack ? 'an interrupted transaction was rolled back in the copy' : undefined,
    method === 'staged' && last?.refusal.kind === 'busy' ? 'another process held its locks' : undefined,
    survey.main.linkCount > 1
      ? `it has ${survey.main.linkCount} names; changes that wait in a log beside another name are not in the copy`
      : undefined,
  ];
}

function isHopeless(failures: readonly Failure[]): boolean {
  const kinds = failures.map(({ refusal }) => refusal.kind);
  if (kinds.some((kind) => kind === 'final' || kind === 'no-database')) return true;
  return kinds.filter((kind) => kind === 'broken').length >= 2; // once by each way, or twice by the only one
}

function failedAfter(failures: readonly Failure[]): CaptureResult {
  const refusal = failures.at(-1)?.refusal ?? new Refusal('final', 'it was not tried');
  if (refusal.kind === 'no-database') return { kind: 'not-a-database' };
  const retryable = refusal.kind === 'busy';
  return { kind: 'failed', reason: refusal.message, retryable };
}

function clearFolder(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { force: true });
}
