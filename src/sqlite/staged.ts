/**
 * Capture of a database that SQLite cannot open read-only where it is: the file and its journal or log are copied by
 * plain file calls, and SQLite recovers the copy as it would have recovered the source after a crash.
 *
 * The copy is one moment's state only if nobody wrote meanwhile: everything is looked at before and after, and times that
 * are too fresh to show another write are waited for. Names do not matter to the recovery: neither a log nor a journal
 * holds the name of its database. (A super-journal, of a transaction over several files, is named by its absolute path.)
 *
 * No SQLite connection to the source may exist in this process: see survey.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../model/errors.ts';
import { copyFile } from './copy.ts';
import { recoverCopy } from './inspect.ts';
import { Refusal } from './refusal.ts';
import type { CaptureTask } from './result.ts';
import {
  type FilePrint,
  isSettled,
  isUnchanged,
  type Survey,
  settleMs,
  sidecarPath,
  surveyDatabase,
} from './survey.ts';

/** Copies the database to `task.copyPath` and recovers it there. `before` is what was seen when this way was chosen. */
export async function captureStaged(task: CaptureTask, before: Survey): Promise<void> {
  if (!isSettled(before, Date.now())) await sleep(settleMs);
  if (!copyUnchanged(task, before)) throw new Refusal('busy', 'it was written to while it was copied');
  if (hasContent(before.wal) || hasContent(before.journal)) recoverCopy(task.copyPath);
}

function copyUnchanged(task: CaptureTask, before: Survey): boolean {
  try {
    copyFile(task.source, task.copyPath);
    if (hasContent(before.wal)) copyFile(sidecarPath(task.source, '-wal'), `${task.copyPath}-wal`);
    if (hasContent(before.journal))
      copyFile(sidecarPath(task.source, '-journal'), `${task.copyPath}-journal`);
    const after = surveyDatabase(task.source);
    return after !== undefined && isUnchanged(before, after);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false; // whoever closed the database removed its log
    throw error;
  }
}

function hasContent(print: FilePrint | undefined): boolean {
  return print !== undefined && print.bytes > 0;
}
