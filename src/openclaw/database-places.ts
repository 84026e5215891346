/**
 * Databases that an assistant writes to all day, by their paths below the state directory. There may be others anywhere, and those of other
 * agents: only a walk finds all of them.
 */
export const usualDatabases = [
  'state/openclaw.sqlite',
  'agents/main/agent/openclaw-agent.sqlite',
  'memory/main.sqlite',
] as const;
