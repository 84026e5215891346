/**
 * Exuvia and a real OpenClaw, in temporary folders: one home is made, used, backed up, restored, damaged and repaired, and
 * served by a gateway. `EXUVIA_TEST_OPENCLAW` may name a folder with `node_modules/openclaw`, else npm installs it.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, installOpenClaw, openclawVersion } from '../helpers/real-openclaw.ts';
import { startStubModel } from '../helpers/stub-model.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { exportToOpenClaw, importBlankTimes, importFromOpenClaw } from './archives.ts';
import { exportAndImportConfiguration } from './configuration.ts';
import { afterGatewayIsKilled, whileGatewayRuns } from './gateway.ts';
import { conversesAgain, restoreDamagedHome } from './in-place.ts';
import { moveToAnotherUser } from './migration.ts';
import { exportAndImportSessions } from './sessions.ts';
import { useShim } from './shim.ts';
import { changeHome, changeHomeAgain, makeHome, restoreEach } from './snapshots.ts';
import { World } from './world.ts';

test(`with OpenClaw ${openclawVersion}`, { timeout: 1_800_000 }, async (context) => {
  const folder = temporaryFolder(context);
  mkdirSync(join(folder, 'installed'));
  const startedMs = performance.now();
  const installed = installOpenClaw(join(folder, 'installed'));
  context.diagnostic(`installing OpenClaw: ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  const model = await startStubModel({ pieceDelayMs: 50 });
  context.after(() => model.close());
  const world = new World(context, { folder, installed, model, gatewayPort: await freePort() });
  const stories: readonly [string, (world: World) => void | Promise<void>][] = [
    ['OpenClaw makes a home and holds a conversation', makeHome],
    ['a first snapshot is taken', (it) => void it.checkpoint()],
    ['OpenClaw and its user change the home', changeHome],
    ['a second snapshot is taken', (it) => void it.checkpoint()],
    ['the home changes again', changeHomeAgain],
    ['a third snapshot is taken', (it) => void it.checkpoint()],
    ['each snapshot is restored equal to what was there', restoreEach],
    ['an exported archive is verified and restored by OpenClaw', exportToOpenClaw],
    ['an archive by OpenClaw is imported and restored', importFromOpenClaw],
    ['an archive with blank times is restored', importBlankTimes],
    ['a damaged home is restored in place, and the restore undone', restoreDamagedHome],
    ['the restored home converses', conversesAgain],
    ['the home moves to another user', moveToAnotherUser],
    ['its configuration is exported and imported', exportAndImportConfiguration],
    ['its sessions are exported and imported', exportAndImportSessions],
    ['the shim stands before the real program', useShim],
    ['snapshots are sound and restores refused while a gateway runs', whileGatewayRuns],
    ['the lock of a killed gateway is no gateway', afterGatewayIsKilled],
  ];
  for (const [name, tell] of stories) {
    let isDone = false;
    await context.test(name, async () => {
      await tell(world);
      isDone = true;
    });
    if (!isDone) break; // The next story begins where this one ends.
  }
});
