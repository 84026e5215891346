/** Whether a restore fits on the disk of its target. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { ExuviaError, errnoOf } from '../model/errors.ts';
import { type ByteString, fsPath, textOf } from '../model/paths.ts';
import type { RestorePlan } from './plan.ts';

/** Room that a restore leaves. */
const spareBytes = 16 * 1024 * 1024;

/** Refuses before anything is written when the target cannot hold it. */
export function checkSpace(plan: RestorePlan): void {
  const { writeBytes } = plan.totals;
  if (writeBytes === 0) return;
  const free = freeBytes(plan.target);
  if (free === undefined || writeBytes + spareBytes <= free) return;
  const target = textOf(plan.target);
  throw new ExuviaError(`Cannot restore into ${target}: ${writeBytes} bytes are needed, ${free} are free`, {
    code: 'ERR_FS_ENOSPC',
    hint: 'Free some space, or restore a part with --only or --path.',
  });
}

/** Of the nearest folder that exists. */
function freeBytes(path: ByteString): number | undefined {
  let at: string = path;
  for (;;) {
    try {
      const { bavail, bsize } = statfsSync(fsPath(at as ByteString));
      return bavail * bsize;
    } catch (error) {
      const parent = dirname(at);
      if (errnoOf(error) !== 'ENOENT' || parent === at) return undefined;
      at = parent;
    }
  }
}
