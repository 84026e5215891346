/** Whether a value that somebody else wrote has the shape it should have: small checks that are put together. Pure. */

export type Check = (value: unknown) => boolean;

export const isString: Check = (value) => typeof value === 'string';

/** A whole number from 0 that is exact. */
export const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;

export const isObject: Check = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A path with a zero byte names nothing that a system could open. */
export const isPathText: Check = (value) =>
  isString(value) && value !== '' && !(value as string).includes('\0');

export function orNull(check: Check): Check {
  return (value) => value === null || check(value);
}

export function orAbsent(check: Check): Check {
  return (value) => value === undefined || check(value);
}

export function oneOf(values: readonly string[]): Check {
  return (value) => values.includes(value as string);
}

export function matching(pattern: RegExp): Check {
  return (value) => typeof value === 'string' && pattern.test(value);
}

export function arrayOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

/** An object with any keys. */
export function recordOf(check: Check): Check {
  return (value) => isObject(value) && Object.values(value as object).every(check);
}

/** An object with at least these keys. */
export function shape(fields: Readonly<Record<string, Check>>): Check {
  const all = Object.entries(fields);
  return (value) => isObject(value) && all.every(([name, check]) => check(own(value as object, name)));
}

/** Never what the object inherits. */
function own(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
