/**
 * node bench/agent-hour/main.ts [--peers] [--full] [--pages] [--seed N] [--dir DIR] [--json FILE]
 *
 * Prints what the repository grows by in one agent hour; `--peers` adds the other tools that are installed, `--full` takes
 * the database with all of OpenClaw's bookkeeping, `--pages` lists which pages of the database changed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { grouped, markdownTable, megabytes, seconds, writeJson } from '../lib/report.ts';
import { agentHomeSize, fullAgentHomeSize } from './data.ts';
import { type AgentHour, defaultSeed, growthBytesMax, measureAgentHour } from './measure.ts';
import { measureChangedPages, pagesTable } from './pages.ts';

const { values } = parseArgs({
  options: {
    peers: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    pages: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(defaultSeed) },
    dir: { type: 'string' },
    json: { type: 'string' },
  },
});

const dir = mkdtempSync(join(values.dir ?? tmpdir(), 'exuvia-agent-hour-'));
try {
  const size = values.full ? fullAgentHomeSize : agentHomeSize;
  const seed = Number(values.seed);
  if (values.pages) {
    const pages = measureChangedPages({ dir, seed, size });
    console.log(pagesTable(pages));
    if (values.json !== undefined) writeJson(values.json, { pages });
  } else {
    const hour = await measureAgentHour({ dir, peers: values.peers, seed, size });
    console.log(hourTable(hour));
    if (values.json !== undefined) writeJson(values.json, { hour });
    process.exitCode = values.full || hour.tools[0]!.growthBytes <= growthBytesMax ? 0 : 1;
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}

function hourTable(hour: AgentHour): string {
  const rows = hour.tools.map((tool) => ({
    tool: tool.tool,
    version: tool.version,
    settings: tool.settings,
    first: megabytes(tool.firstBytes),
    'first takes': seconds(tool.firstWallMs),
    'the hour adds, bytes': grouped(tool.growthBytes),
    'on disk': grouped(tool.growthDiskBytes),
    'the hour takes': seconds(tool.hourWallMs),
  }));
  return `Home: ${grouped(hour.home.files)} files, ${megabytes(hour.home.bytes)}; seed ${hour.seed}\n\n${markdownTable(rows)}`;
}
