/** A task of a thread: files are read and hashed, and compared with what was stored of them. */
import { idNamer } from '../codec/hash.ts';
import { hasContent } from '../tree/same-content.ts';
import type { CompareTask } from './frame-threads.ts';
import { numbersOfFailed } from './task-steps.ts';

/** Numbers of the files that have other bytes, changed meanwhile or could not be read. `goesOn` is asked before each, and told of each piece. */
export function compareFiles({ files, idKey }: CompareTask, goesOn: () => boolean): number[] {
  const idOfHash = idNamer(idKey);
  return numbersOfFailed(files, goesOn, (file) => hasContent(file, idOfHash, goesOn));
}
