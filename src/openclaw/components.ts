/**
 * The parts of a home that people name: `--only config,workspace`. A path may belong to several: in the current era one agent
 * database holds sessions, memory and credentials at once.
 */
import { UsageError } from '../model/errors.ts';

export const components = {
  config: 'configuration: openclaw.json, what it includes, its backups, .env and secrets',
  credentials: 'credentials: channel logins, pairing, auth profiles, device identity, approvals',
  sessions: 'conversations: session stores, transcripts and their archives',
  memory: 'memory: MEMORY.md, daily notes and the memory databases',
  workspace: 'workspaces: the files the agents live with',
  cron: 'scheduled jobs and their runs',
  state: 'databases and files of the running system',
  skills: 'skills and hooks',
  extensions: 'extensions and plugins',
  media: 'attachments and other media',
  browser: 'browser profiles',
  logs: 'logs',
  cache: 'what is made again when it is missing',
} as const;

export type ComponentName = keyof typeof components;

export const componentNames = Object.keys(components) as ComponentName[];

interface Rule {
  readonly pattern: RegExp;
  readonly names: readonly ComponentName[];
}

/** On slash paths relative to the state directory. All rules that match count. */
const rules: readonly Rule[] = [
  {
    pattern:
      /^(openclaw|clawdbot)\.json($|[.])|^\.env$|^secrets(\.json|\/|$)|^config-journal|^settings(\/|$)|^exuvia\.json5$/,
    names: ['config'],
  },
  {
    pattern:
      /^credentials(\/|$)|^agents\/[^/]+\/agent\/(auth[^/]*\.json|codex-home(\/|$))|^(devices|nodes|identity)(\/|$)|^exec-approvals\.json$|^gateway\.(token|password)$|^matrix(\/|$)|^secrets(\.json|\/|$)|^\.env$/,
    names: ['credentials'],
  },
  {
    pattern: /^agents\/[^/]+\/agent\/openclaw-agent\.sqlite($|-)/,
    names: ['sessions', 'memory', 'credentials'],
  },
  { pattern: /^state\/openclaw\.sqlite($|-)/, names: ['state', 'cron', 'credentials'] },
  {
    pattern:
      /^sessions(\/|$)|^agents\/[^/]+\/sessions(\/|$)|^session-sqlite-migration-runs(\/|$)|^(transcripts|voice-calls|subagents)(\/|$)/,
    names: ['sessions'],
  },
  { pattern: /^memory(\/|$)|^wiki(\/|$)|^workspace[^/]*\/(MEMORY\.md$|memory(\/|$))/, names: ['memory'] },
  { pattern: /^workspace(-[^/]*)?(\/|$)/, names: ['workspace'] },
  { pattern: /^cron(\/|$)/, names: ['cron'] },
  { pattern: /^(skills|hooks|plugin-skills)(\/|$)/, names: ['skills'] },
  {
    pattern: /^(extensions|plugins|plugin-runtime-deps|npm|npm-runtime|git|dev|tools)(\/|$)/,
    names: ['extensions'],
  },
  { pattern: /^(media|canvas)(\/|$)/, names: ['media'] },
  { pattern: /^(browser|sandbox|sandboxes)(\/|$)/, names: ['browser'] },
  { pattern: /^logs(\/|$)|\.log$/, names: ['logs'] },
  {
    pattern:
      /^(cache|tmp|models|completions|archived)(\/|$)|^agents\/[^/]+\/(qmd|agent\/(cache|tmp|\.tmp|shell_snapshots))(\/|$)/,
    names: ['cache'],
  },
];

const rest: readonly ComponentName[] = ['state'];

/** Components of a slash path relative to the state directory; never none. */
export function componentsOf(path: string): readonly ComponentName[] {
  const found = rules.filter((rule) => rule.pattern.test(path)).flatMap((rule) => rule.names);
  return found.length > 0 ? [...new Set(found)] : rest;
}

export function isComponent(name: string): name is ComponentName {
  return Object.hasOwn(components, name);
}

/** @throws UsageError with a name that is near */
export function parseComponent(name: string): ComponentName {
  const wanted = name.trim().toLowerCase();
  if (isComponent(wanted)) return wanted;
  const isNear = (known: string): boolean => known.startsWith(wanted) || distance(known, wanted) <= 2;
  const near = wanted === '' ? undefined : componentNames.find(isNear);
  throw new UsageError(
    `Unknown component ${JSON.stringify(name)}${near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`}`,
    `Known components: ${componentNames.join(', ')}.`,
  );
}

/** Edit distance (Levenshtein), row by row. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
