/** Key paths as people write them: `agents.list[0].env["odd name"]`. */
import { asRecord } from './json5.ts';

/** @param root the value that the path leads into: it tells elements of an array from keys made of digits */
export function keyPathText(root: unknown, path: readonly string[]): string {
  let text = '';
  let at = root;
  for (const key of path) {
    if (Array.isArray(at)) text += `[${key}]`;
    else if (!/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(key)) text += `[${JSON.stringify(key)}]`;
    else text += text === '' ? key : `.${key}`;
    at = childOf(at, key);
  }
  return text;
}

export function valueAt(root: unknown, path: readonly string[]): unknown {
  return path.reduce(childOf, root);
}

function childOf(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value[Number(key)];
  const record = asRecord(value);
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}
