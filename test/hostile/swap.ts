/** Restores while an attacker swaps folders of the target for links that lead outside. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ExuviaError, errnoOf } from '../../src/model/errors.ts';
import { byteStringOf, type PathKey } from '../../src/model/paths.ts';
import { silentProgress } from '../../src/model/progress.ts';
import { executeRestore } from '../../src/restorer/execute.ts';
import { planRestore } from '../../src/restorer/plan.ts';
import { contentReader } from '../../src/tree/content.ts';
import { openTree, TreeBuilder } from '../../src/tree/tree.ts';
import { MemoryStore } from '../helpers/memory-store.ts';
import { file, folder, link } from './crafted-repository.ts';
import { Fence } from './fence.ts';

const program = fileURLToPath(new URL('swapper.ts', import.meta.url));

/** Names that lie outside too, so that a write through a link would replace what is there. */
const entries = [
  ['', folder],
  ['a', folder],
  ['a\0b', folder],
  ['a\0b\0c', folder],
  ['a\0b\0c\0x', file('evil')],
  ['a\0b\0passwd', file('evil')],
  ['a\0b\0x', file('evil')],
  ['a\0x', file('evil')],
  ['d', folder],
  ['d\0e', folder],
  ['d\0e\0l', link('/nowhere')],
  ['d\0e\0x', file('evil')],
  ['d\0passwd', file('evil')],
] as const;

export interface SwapReport {
  readonly rounds: number;
  /** Of the attacker. */
  readonly swaps: number;
  /** Rounds in which it was noticed: a folder had become a link, or had gone. */
  readonly refused: number;
}

/** As many restores, beside the attacker. Nothing outside the target may change. */
export async function restoreAmongSwaps(rounds: number): Promise<SwapReport> {
  using fence = new Fence();
  const store = new MemoryStore();
  const builder = new TreeBuilder(store);
  for (const [key, node] of entries) builder.add(key as PathKey, node);
  const root = builder.finish();
  mkdirSync(fence.target);
  const attacker = spawn(process.execPath, [program, fence.target, fence.outside], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(attacker.stdout, 'data');
    const open = [fence.at('inner'), fence.scratch];
    const before = fence.print(open);
    let refused = 0;
    for (let round = 0; round < rounds; round++) {
      refused += (await restoreOnce(fence, store, root)) ? 1 : 0;
      if (round % 100 === 99 || round === rounds - 1)
        assert.deepEqual(fence.print(open), before, `round ${round}`);
    }
    attacker.kill('SIGTERM');
    const [said] = (await once(attacker.stdout, 'data')) as [Buffer];
    return { rounds, swaps: Number(said.toString()), refused };
  } finally {
    attacker.kill('SIGKILL');
  }
}

async function restoreOnce(
  fence: Fence,
  store: MemoryStore,
  root: Parameters<typeof openTree>[1],
): Promise<boolean> {
  try {
    const plan = planRestore({
      tree: openTree(store, root),
      idOfHash: (hash) => store.idOfHash(hash),
      target: byteStringOf(fence.target),
      wanted: () => true,
      conflict: 'overwrite',
      deleteExtra: true,
      mayDelete: () => true,
      nowMs: Date.now(),
    });
    const { failures } = await executeRestore(plan, contentReader(store), {
      progress: silentProgress,
      unique: '0123456789ab',
      setOwner: process.getuid?.() === 0,
    });
    return failures.length > 0;
  } catch (error) {
    if (!(error instanceof ExuviaError) && errnoOf(error) === undefined) throw error;
    return true;
  }
}
