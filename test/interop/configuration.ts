/** What OpenClaw thinks of a configuration that was exported, redacted, changed and imported. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { World } from './world.ts';

const token = `123456789:${'Ab_'.repeat(12)}`;

/** Telegram's own switch, which stands after its token. */
function turnedOff(config: string): string {
  return config.replace(/("botToken": "[^"]*",\s*"enabled": )true/, '$1false');
}

export function exportAndImportConfiguration(world: World): void {
  const { openclaw } = world;
  const configOf = (): string => readFileSync(join(openclaw.stateDir, 'openclaw.json'), 'utf8');
  const isTelegramOn = (): string =>
    openclaw.mustRun(['config', 'get', 'channels.telegram.enabled']).stdout.trim();
  openclaw.mustRun(['config', 'set', 'channels.telegram.botToken', token]);
  openclaw.mustRun(['config', 'set', 'channels.telegram.enabled', 'true']);
  const before = configOf();
  assert.equal(world.mustExuvia(['config', 'export']).stdout, before);

  const redacted = world.mustExuvia(['config', 'export', '--redact']).stdout;
  assert.ok(!redacted.includes(token));
  const edited = world.path('edited.json');
  writeFileSync(edited, turnedOff(redacted));
  world.mustExuvia(['config', 'import', edited]);
  assert.equal(configOf(), turnedOff(before));
  openclaw.mustRun(['config', 'validate']);
  assert.match(isTelegramOn(), /false/);

  world.mustExuvia(['backup', 'restore', '--undo', '--only', 'config']);
  assert.equal(configOf(), before);
  openclaw.mustRun(['config', 'validate']);
  importElsewhere(world);
  world.note('config import: valid for OpenClaw after a redacted import, its undo, and in a new home');
}

function importElsewhere(world: World): void {
  const bundle = world.path('full.json');
  world.mustExuvia(['config', 'export', '--full', '--redact', '--output', bundle]);
  const other = world.openclawAt(world.path('imported-home'));
  const imported = world.exuvia(['config', 'import', bundle, '--json'], other.home);
  assert.equal(imported.status, 3, imported.stderr);
  const missing = imported.json.missingSecrets.map((one: { path: string }) => one.path);
  assert.ok(missing.includes('channels.telegram.botToken'), missing.join());
  const { stdout } = other.run(['config', 'validate']);
  assert.match(stdout, /Config valid/);
}
