/** Restores while an attacker (swapper.py) swaps folders of the target for links that lead outside. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExuviaError, errnoOf } from '../../src/model/errors.ts';
import { byteStringOf, type PathKey } from '../../src/model/paths.ts';
import { silentProgress } from '../../src/model/progress.ts';
import type { BlobStore, ContentReader } from '../../src/model/store.ts';
import { Repository } from '../../src/repository/repository.ts';
import { executeRestore } from '../../src/restorer/execute.ts';
import { planRestore } from '../../src/restorer/plan.ts';
import { contentReader } from '../../src/tree/content.ts';
import { openTree, TreeBuilder } from '../../src/tree/tree.ts';
import { MemoryStore } from '../helpers/memory-store.ts';
import { plainOptions } from '../helpers/repositories.ts';
import { file, folder, link } from './crafted-repository.ts';
import { Fence } from './fence.ts';

const program = fileURLToPath(new URL('swapper.py', import.meta.url));

/** Names that lie outside too, so that a write through a link would replace what is there. */
const entriesOf = (text: string) =>
  [
    ['', folder],
    ['a', folder],
    ['a\0b', folder],
    ['a\0b\0c', folder],
    ['a\0b\0c\0x', file(text)],
    ['a\0b\0passwd', file(text)],
    ['a\0b\0x', file(text)],
    ['a\0x', file(text)],
    ['d', folder],
    ['d\0e', folder],
    ['d\0e\0l', link('/nowhere')],
    ['d\0e\0x', file(text)],
    ['d\0passwd', file(text)],
  ] as const;

export interface SwapReport {
  readonly rounds: number;
  /** Of the attacker. */
  readonly swaps: number;
  /** Rounds in which it was noticed: a folder had become a link, or had gone. */
  readonly refused: number;
  /** Files that were put in place by the store. */
  readonly ordered: number;
}

/** Only there a folder is held by a descriptor, and can the attacker exchange two names in one step. */
export const whyNoSwaps =
  process.platform === 'linux' ? false : 'what is promised here is promised on Linux only';

/** As many restores, beside the attacker. @throws AssertionError as soon as anything outside the target has changed */
export async function restoreAmongSwaps(rounds: number): Promise<SwapReport> {
  return await restoreFromAmongSwaps(new MemoryStore(), rounds);
}

/** The same from a repository, whose threads put the files in place. */
export async function restoreInThreadsAmongSwaps(rounds: number): Promise<SwapReport> {
  const path = mkdtempSync(join(tmpdir(), 'exuvia-swap-'));
  try {
    await using repository = Repository.open(path, plainOptions());
    assert.ok(repository.orders.expect(2 ** 30), 'there are threads');
    const report = await restoreFromAmongSwaps(repository, rounds);
    assert.ok(report.ordered >= rounds, `threads were at work: ${report.ordered} files`);
    return report;
  } finally {
    rmSync(path, { recursive: true });
  }
}

async function restoreFromAmongSwaps(store: BlobStore, rounds: number): Promise<SwapReport> {
  using fence = new Fence();
  // No mode that a restored folder has, so that one given through a link is seen.
  chmodSync(fence.outside, 0o700);
  // Two by turns, so that each restore has every file to write.
  const roots = ['evil', 'more evil'].map((text) => {
    const builder = new TreeBuilder(store);
    for (const [key, node] of entriesOf(text)) builder.add(key as PathKey, node);
    return builder.finish();
  });
  if (store instanceof Repository) store.flush();
  mkdirSync(fence.target);
  const attacker = spawn('python3', [program, fence.target, fence.outside], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = async (): Promise<string> => {
    const [bytes] = await Promise.race([once(attacker.stdout, 'data'), once(attacker, 'close')]);
    assert.ok(Buffer.isBuffer(bytes), 'the attacker gave up');
    return bytes.toString();
  };
  try {
    assert.equal(await said(), 'ready\n');
    const open = [fence.at('inner'), fence.scratch];
    const before = fence.print(open);
    const changedBefore = changeTimes(fence);
    let refused = 0;
    let ordered = 0;
    const reader = contentReader(store);
    const content: ContentReader = {
      ...reader,
      orders: reader.orders && {
        ...reader.orders,
        take: (node, order) => {
          const isTaken = reader.orders?.take(node, order) === true;
          if (isTaken) ordered++;
          return isTaken;
        },
      },
    };
    for (let round = 0; round < rounds; round++) {
      refused += (await restoreOnce(fence, store, content, roots[round % 2] ?? null)) ? 1 : 0;
      assert.deepEqual(changeTimes(fence), changedBefore, `round ${round}`);
      if (round % 100 === 99 || round === rounds - 1)
        assert.deepEqual(fence.print(open), before, `round ${round}`);
    }
    attacker.kill('SIGTERM');
    return { rounds, swaps: Number(await said()), refused, ordered };
  } finally {
    attacker.kill('SIGKILL');
  }
}

/** Changed by every write, removal and change of mode, owner or times, also one that is undone. */
function changeTimes(fence: Fence): (bigint | undefined)[] {
  return ['', '/passwd', '/x', '/deep'].map(
    (path) => lstatSync(fence.outside + path, { bigint: true, throwIfNoEntry: false })?.ctimeNs,
  );
}

async function restoreOnce(
  fence: Fence,
  store: BlobStore,
  content: ContentReader,
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
    const { failures } = await executeRestore(plan, content, {
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
