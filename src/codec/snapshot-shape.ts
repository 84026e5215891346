/** Checks that a decoded JSON value is a snapshot record: a file may be authentic and still come from another program. */
import { DamageError } from '../model/errors.ts';
import { limits } from '../model/limits.ts';
import {
  arrayOf,
  type Check,
  isCount,
  isObject,
  isPathText,
  isString,
  matching,
  oneOf,
  orAbsent,
  orNull,
  recordOf,
  shape,
} from '../model/shape.ts';
import type { SnapshotRecord, SnapshotStats, SourceKind } from '../model/snapshot.ts';

const isId = matching(/^[0-9a-f]{64}$/);
const isTime = matching(/^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

const kinds: readonly SourceKind[] = [
  'state',
  'config',
  'credentials',
  'workspace',
  'agent',
  'include',
  'folder',
];

const isSource = shape({
  path: isPathText,
  pathBytes: orAbsent(isString),
  kind: oneOf(kinds),
  label: orAbsent(isString),
  root: orNull(isId),
  entries: isCount,
});

const isSources: Check = (value) =>
  Array.isArray(value) && value.length <= limits.sourcesMax && value.every(isSource);

const statFields: Readonly<Record<keyof SnapshotStats, Check>> = {
  files: isCount,
  directories: isCount,
  links: isCount,
  newFiles: isCount,
  changedFiles: isCount,
  unchangedFiles: isCount,
  removedFiles: isCount,
  totalBytes: isCount,
  readBytes: isCount,
  addedBytes: isCount,
  storedBytes: isCount,
  durationMs: isCount,
};

const isOpenClaw = shape({
  version: orAbsent(isString),
  configPath: orAbsent(isString),
  credentialsPath: orAbsent(isString),
  agents: orAbsent(arrayOf(shape({ id: isString, path: isString }))),
  schemas: orAbsent(recordOf((value) => typeof value === 'number')),
});

const fields: Readonly<Record<keyof SnapshotRecord, Check>> = {
  version: (value) => value === 1,
  time: isTime,
  sequence: isCount,
  parent: orNull(isId),
  sources: isSources,
  host: shape({
    name: isString,
    platform: isString,
    home: isString,
    user: isString,
    users: recordOf(isString),
    groups: recordOf(isString),
  }),
  program: shape({ name: isString, version: isString, node: isString }),
  components: orNull(arrayOf(isString)),
  include: arrayOf(isString),
  exclude: arrayOf(isString),
  tags: arrayOf(isString),
  message: isString,
  reason: isString,
  openclaw: orNull(isOpenClaw),
  stats: shape(statFields),
  unreadable: arrayOf(shape({ path: isString, pathBytes: orAbsent(isString), reason: isString })),
  unreadableCount: isCount,
  pinned: orAbsent((value) => value === true),
  replaces: orAbsent(isId),
  original: orAbsent(isId),
  lost: orAbsent(shape({ reason: isString, paths: arrayOf(isString), count: isCount })),
};

export function checkSnapshotRecord(value: unknown, place: string): SnapshotRecord {
  if (!isObject(value)) throw new DamageError(place, 'its record is not an object');
  const record = value as Record<string, unknown>;
  const wrong = Object.entries(fields).find(([name, check]) => !check(record[name]));
  if (wrong !== undefined) throw new DamageError(place, `its record has no valid "${wrong[0]}"`);
  return record as unknown as SnapshotRecord;
}
