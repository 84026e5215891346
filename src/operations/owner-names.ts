/** Names of the owners that occur in a snapshot: ids mean nothing on another machine. */
import { readFileSync } from 'node:fs';

export function userNames(ids: Iterable<number>): Record<string, string> {
  return namesIn('/etc/passwd', ids);
}

export function groupNames(ids: Iterable<number>): Record<string, string> {
  return namesIn('/etc/group', ids);
}

/** `name:x:id:…` lines. Node has no call for it; where the file is missing, names are simply not recorded. */
function namesIn(file: string, ids: Iterable<number>): Record<string, string> {
  const wanted = new Set([...ids].map(String));
  if (wanted.size === 0) return {};
  let lines: string[];
  try {
    lines = readFileSync(file, 'utf8').split('\n');
  } catch {
    return {};
  }
  const fields = lines.map((line) => line.split(':'));
  return Object.fromEntries(
    fields.flatMap(([name, , id]) => (name && id !== undefined && wanted.has(id) ? [[id, name]] : [])),
  );
}
