/** What a new configuration text must be, and what OpenClaw would make of it beside the one that is there. Pure. */
import { asRecord, parseJson5, recordAt } from './json5.ts';
import { locateJson5 } from './json5-positions.ts';

/** Root keys of OpenClaw's schema, with those of its older names; newer versions add a few. */
const rootKeys = new Set(
  (
    '$schema $include meta env wizard diagnostics logging cli update browser ui secrets auth acp models nodeHost agents agent ' +
    'tools bindings broadcast audio media messages commands approvals session cron hooks web channels discovery canvasHost ' +
    'talk gateway memory mcp skills plugins routing identity telegram whatsapp discord slack signal imessage bridge'
  ).split(' '),
);

/** Why a parsed document is no configuration, as part of a sentence; undefined when it may be one. */
export function configProblem(value: unknown): string | undefined {
  const config = asRecord(value);
  if (config === undefined) {
    const kind = Array.isArray(value) ? 'an array' : value === null ? 'null' : `a ${typeof value}`;
    return `it holds ${kind}, and a configuration is an object`;
  }
  const format = config['format'];
  if (typeof format === 'string')
    return `it is of the format ${JSON.stringify(format)}, which is no configuration`;
  const keys = Object.keys(config);
  if (keys.length > 0 && !keys.some((key) => rootKeys.has(key))) {
    const few = keys.slice(0, 3).map((key) => JSON.stringify(key));
    return `it does not look like a configuration of OpenClaw: it has ${few.join(', ')} and no key that OpenClaw knows`;
  }
  return undefined;
}

/** What a user should know before OpenClaw reads it, as sentences. */
export function configWarnings(present: unknown, next: unknown): string[] {
  const unknown = Object.keys(asRecord(next) ?? {}).filter((key) => !rootKeys.has(key));
  const warnings = unknown.map((key) =>
    key === 'backup'
      ? 'It has a "backup" block, with which current versions of OpenClaw refuse to start; it belongs into exuvia.json5'
      : `It has the key ${JSON.stringify(key)}, which OpenClaw may not know; it refuses to start with unknown keys`,
  );
  if (
    recordAt(present, 'gateway')?.['mode'] !== undefined &&
    recordAt(next, 'gateway')?.['mode'] === undefined
  )
    warnings.push('It has no gateway.mode, and the present one has: OpenClaw may take it for damaged');
  return warnings;
}

/**
 * The text with the `meta` block of the present one where it has none: OpenClaw takes a configuration without it for
 * damaged, and puts its last good copy back. Undefined when nothing is to be added. Both texts must be JSON5 objects.
 */
export function withMetaOf(present: string, text: string): string | undefined {
  const next = asRecord(parseJson5(text));
  if (
    next === undefined ||
    Object.hasOwn(next, 'meta') ||
    recordAt(parseJson5(present), 'meta') === undefined
  )
    return undefined;
  const meta = locateJson5(present).findLast(({ path }) => path.length === 1 && path[0] === 'meta');
  const root = locateJson5(text)[0];
  if (meta === undefined || root === undefined) return undefined;
  const literal = present.slice(meta.start, meta.end);
  const comma = Object.keys(next).length > 0 ? ',' : '';
  return `${text.slice(0, root.start + 1)}\n  "meta": ${literal}${comma}${text.slice(root.start + 1)}`;
}
