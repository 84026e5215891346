/** Puts sessions into a store of the era of files. Transcripts come first: an entry never names a transcript that is not there. */
import { dirname, join } from 'node:path';
import { makePrivateFolder, publishFile, temporaryBeside } from '../../io/files.ts';
import { asText } from '../json5.ts';
import type { BundledSession, JsonRecord } from './bundle.ts';
import { formatTranscript, readSessionIndex } from './jsonl-store.ts';

/** @param unique makes a part of a name that nothing else uses */
export function writeSessionFiles(
  indexPath: string,
  sessions: readonly BundledSession[],
  unique: () => string,
): void {
  makePrivateFolder(dirname(indexPath));
  const publish = (path: string, text: string): void =>
    publishFile(path, Buffer.from(text), temporaryBeside(path, unique()));
  const entries: Record<string, JsonRecord> = {};
  for (const { key, sessionId, entry, events } of sessions) {
    const path = join(dirname(indexPath), `${sessionId}.jsonl`);
    publish(path, formatTranscript(events));
    const isNamed = asText(entry['sessionFile']) !== undefined;
    entries[key] = isNamed ? { ...entry, sessionFile: path } : entry;
  }
  const index = { ...readSessionIndex(indexPath), ...entries };
  publish(indexPath, `${JSON.stringify(index, undefined, 2)}\n`);
}
