/** The `openclaw` of the shim beside the real one: its documented words are Exuvia's, all others reach the real program. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { openclawVersion } from '../helpers/real-openclaw.ts';
import type { World } from './world.ts';

export function useShim(world: World): void {
  const { home, stateDir } = world.openclaw;
  const real = join(dirname(world.installed), '.bin');
  const { path } = world.mustExuvia(['shim', 'install', '--json']).json;
  const openclaw = (...words: string[]) => {
    const { status, stdout, stderr } = spawnSync('openclaw', words, {
      cwd: home,
      env: {
        PATH: [dirname(path), real, dirname(process.execPath), '/usr/bin', '/bin'].join(':'),
        HOME: home,
        TMPDIR: world.path('temporary'),
        OPENCLAW_STATE_DIR: stateDir,
        TZ: 'UTC',
      },
      encoding: 'utf8',
      timeout: 180_000,
    });
    assert.equal(status, 0, `openclaw ${words.join(' ')}: ${stderr || stdout}`);
    return stdout;
  };
  assert.match(openclaw('--version'), new RegExp(openclawVersion.replaceAll('.', '\\.')));
  assert.match(openclaw('config', 'validate'), /valid/i, 'a word of "config" that is not documented');
  assert.match(openclaw('sessions', 'list', '--json'), /"sessions"/);
  const { snapshot } = JSON.parse(openclaw('backup', 'create', '--json'));
  assert.match(snapshot.id, /^[0-9a-f]{64}$/, 'and this one is ours');
  assert.match(openclaw('config', 'export'), /gateway/);
  world.mustExuvia(['shim', 'remove']);
  world.note('the shim: unknown subcommands reach the real program, documented ones reach Exuvia');
}
