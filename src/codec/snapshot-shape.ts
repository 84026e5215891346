/** Checks that a decoded JSON value is a snapshot record: a file may be authentic and still come from another program. */
import { DamageError } from '../model/errors.ts';
import type { SnapshotRecord } from '../model/snapshot.ts';

type Check = (value: unknown) => boolean;

const isString: Check = (value) => typeof value === 'string';
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isId: Check = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const arrayOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const shape =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) &&
    Object.entries(fields).every(([name, check]) => check((value as Record<string, unknown>)[name]));

const isTime: Check = (value) =>
  typeof value === 'string' && /^\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);

const orAbsent =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

const fields: Readonly<Record<keyof SnapshotRecord, Check>> = {
  version: (value) => value === 1,
  time: isTime,
  sequence: isCount,
  parent: orNull(isId),
  sources: arrayOf(shape({ path: isString, kind: isString, root: orNull(isId), entries: isCount })),
  host: shape({
    name: isString,
    platform: isString,
    home: isString,
    user: isString,
    users: isObject,
    groups: isObject,
  }),
  program: shape({ name: isString, version: isString, node: isString }),
  components: orNull(arrayOf(isString)),
  include: arrayOf(isString),
  exclude: arrayOf(isString),
  tags: arrayOf(isString),
  message: isString,
  reason: isString,
  openclaw: orNull(isObject),
  stats: shape({ files: isCount, totalBytes: isCount, addedBytes: isCount, storedBytes: isCount }),
  unreadable: arrayOf(shape({ path: isString, reason: isString })),
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
