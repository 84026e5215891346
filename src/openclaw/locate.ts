/** Finds the OpenClaw state directory among the paths of an archive, by what lies in it. */

/** Names at the top of a state directory, and how much each says. */
const marks: Readonly<Record<string, number>> = {
  'openclaw.json': 8,
  'clawdbot.json': 8,
  agents: 4,
  credentials: 4,
  workspace: 3,
  state: 2,
  memory: 2,
  sessions: 2,
  cron: 2,
  identity: 1,
  devices: 1,
  logs: 1,
};
const scoreMin = 6;

/** The folder (slash path, '' for the top) that looks most like a state directory, or undefined. */
export function findStateInside(paths: Iterable<string>): string | undefined {
  const found = new Map<string, Set<string>>();
  for (const path of paths) {
    const parts = path.split('/');
    for (const [index, name] of parts.entries()) {
      if (marks[name] === undefined || !Object.hasOwn(marks, name)) continue;
      const folder = parts.slice(0, index).join('/');
      const names = found.get(folder) ?? new Set();
      names.add(name);
      found.set(folder, names);
    }
  }
  const scored = [...found].map(([folder, names]) => ({ folder, score: scoreOf(folder, names) }));
  scored.sort((a, b) => b.score - a.score || a.folder.length - b.folder.length);
  const best = scored[0];
  return best !== undefined && best.score >= scoreMin ? best.folder : undefined;
}

function scoreOf(folder: string, names: ReadonlySet<string>): number {
  const name = folder.split('/').at(-1) ?? '';
  const byName = /^\.(openclaw|clawdbot|moltbot)/.test(name) ? 6 : 0;
  return byName + [...names].reduce((sum, mark) => sum + (marks[mark] ?? 0), 0);
}
