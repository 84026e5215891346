/** How much a repository grows in one hour of an assistant's life. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type FolderSize, folderSize } from '../lib/sizes.ts';
import { agentHomeSize, buildAgentHome, type HomeSize, liveOneHour } from './data.ts';
import { exuvia, installedPeers, type Tool } from './tools.ts';

export interface AgentHourOptions {
  /** Empty or missing folder for the home and the repositories; the caller removes it. */
  readonly dir: string;
  /** Also measure the other tools that are installed. */
  readonly peers: boolean;
  readonly seed?: number;
  readonly size?: HomeSize;
}

export interface ToolGrowth {
  readonly tool: string;
  readonly version: string;
  readonly settings: string;
  readonly firstBytes: number;
  readonly growthBytes: number;
  /** The same as disk blocks. */
  readonly growthDiskBytes: number;
  readonly firstWallMs: number;
  readonly hourWallMs: number;
}

export interface AgentHour {
  readonly seed: number;
  readonly home: FolderSize;
  /** First the product, then the product without `local/`, then the others. */
  readonly tools: readonly ToolGrowth[];
}

/** Of the seeds 1 to 5 the one with most pages changed in the hour. */
export const defaultSeed = 1;

/** What the packs, snapshots and parameters of the product may grow by, with or without its local cache. */
export const growthBytesMax = 500_000;

export async function measureAgentHour(options: AgentHourOptions): Promise<AgentHour> {
  const { dir, peers, seed = defaultSeed, size = agentHomeSize } = options;
  const source = join(dir, 'home');
  mkdirSync(dir, { recursive: true });
  buildAgentHome(source, seed, size);
  const home = folderSize(source);
  const product = exuvia(dir);
  const first = await snapshotAll([product, ...(peers ? installedPeers(dir) : [])], source);
  const withoutLocalBefore = product.sizeWithoutLocal();
  liveOneHour(source, seed, size);
  const grown = await growthOf(first, source);
  const withoutLocal = difference(product.sizeWithoutLocal(), withoutLocalBefore);
  const [own, ...others] = grown;
  const ownWithoutLocal = { ...own!, tool: 'exuvia without local/', ...withoutLocal };
  return { seed, home, tools: [own!, ownWithoutLocal, ...others] };
}

interface FirstSnapshot {
  readonly tool: Tool;
  readonly wallMs: number;
  readonly size: FolderSize;
}

async function snapshotAll(tools: readonly Tool[], source: string): Promise<FirstSnapshot[]> {
  const first: FirstSnapshot[] = [];
  for (const tool of tools) {
    await tool.init();
    const { wallMs } = await tool.snapshot(source);
    first.push({ tool, wallMs, size: tool.size() });
  }
  return first;
}

async function growthOf(first: readonly FirstSnapshot[], source: string): Promise<ToolGrowth[]> {
  const grown: ToolGrowth[] = [];
  for (const { tool, wallMs, size } of first) {
    const second = await tool.snapshot(source);
    const { name, version, settings } = tool;
    const sizes = difference(tool.size(), size);
    grown.push({ tool: name, version, settings, ...sizes, firstWallMs: wallMs, hourWallMs: second.wallMs });
  }
  return grown;
}

function difference(after: FolderSize, before: FolderSize) {
  return {
    firstBytes: before.bytes,
    growthBytes: after.bytes - before.bytes,
    growthDiskBytes: after.diskBytes - before.diskBytes,
  };
}
