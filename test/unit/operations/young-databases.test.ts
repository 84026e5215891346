import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { BackupPlan } from '../../../src/operations/backup-plan.ts';
import { hasYoungDatabase } from '../../../src/operations/young-databases.ts';

/** Of a home with these files, all made now, and an index of so many seconds later, if there is one. */
function isYoung(files: readonly string[], indexIsLaterBy?: number): boolean {
  const top = mkdtempSync(join(tmpdir(), 'exuvia-young-'));
  const make = (name: string): string => {
    const path = join(top, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
    return path;
  };
  try {
    for (const name of files) make(`home/${name}`);
    if (indexIsLaterBy !== undefined) {
      const seconds = Date.now() / 1000 + indexIsLaterBy;
      utimesSync(make('repository/local/index.sqlite'), seconds, seconds);
    }
    const plan = { repositoryRoot: join(top, 'repository'), sources: [{ path: join(top, 'home') }] };
    return hasYoungDatabase(plan as unknown as BackupPlan);
  } finally {
    rmSync(top, { recursive: true, force: true });
  }
}

test('hasYoungDatabase() looks where OpenClaw keeps its databases, and at their logs', () => {
  for (const names of [
    ['state/openclaw.sqlite'],
    ['state/openclaw.sqlite-wal'],
    ['notes.md', 'agents/main/agent/openclaw-agent.sqlite'],
    ['agents/main/agent/openclaw-agent.sqlite-wal'],
    ['memory/main.sqlite'],
  ]) {
    assert.equal(isYoung(names, -60), true, `${names} after the last run`);
    assert.equal(isYoung(names, 60), false, `${names} before the last run`);
    assert.equal(isYoung(names), true, `${names} before the first run`);
  }
});

test('hasYoungDatabase() is false where there is none', () => {
  assert.equal(isYoung([]), false);
  assert.equal(isYoung(['notes.md', 'agents/main/notes.md'], -60), false);
  assert.equal(isYoung(['agents', 'state'], -60), false, 'files where folders should be');
});
