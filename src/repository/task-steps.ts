/** What a thread's task consists of, one after another. */
import { ExuviaError, errnoOf } from '../model/errors.ts';

/**
 * Numbers of the items for which `work` is false or fails, and of those that come after `goesOn` has become false, which is asked before
 * each. @throws what is no error of a file or of stored bytes
 */
export function numbersOfFailed<T>(
  items: readonly T[],
  goesOn: () => boolean,
  work: (item: T) => boolean,
): number[] {
  const failed: number[] = [];
  for (const [number, item] of items.entries())
    if (!goesOn() || !succeeds(() => work(item))) failed.push(number);
  return failed;
}

/** False where `work` is or fails. @throws what is no error of a file or of stored bytes */
export function succeeds(work: () => boolean): boolean {
  try {
    return work();
  } catch (error) {
    if (errnoOf(error) === undefined && !(error instanceof ExuviaError)) throw error;
    return false;
  }
}
