/** A tag names snapshots, so it must not mean something else where snapshots are named. */
import { UsageError } from '../model/errors.ts';

/** Why a text cannot be a tag, or undefined when it can. */
export function tagProblem(tag: string): string | undefined {
  if (tag === '') return 'it is empty';
  if (tag === 'latest') return 'it always means the newest snapshot';
  if (/[/\\]/.test(tag) || /\.(tar|tgz|tzst|zip|gz|zst)$/i.test(tag)) return 'it would mean an archive';
  return /[~\p{Cc}]/u.test(tag) ? 'tags hold neither ~ nor control characters' : undefined;
}

/** @throws UsageError for the first that cannot be one */
export function checkTags(tags: readonly string[]): void {
  for (const tag of tags) {
    const problem = tagProblem(tag);
    if (problem !== undefined)
      throw new UsageError(`A snapshot cannot have the tag ${JSON.stringify(tag)}: ${problem}`);
  }
}

/** Of what `backup export --redact` writes: marks stand in it in the place of secrets. */
export const redactedTag = 'redacted';
