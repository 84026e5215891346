import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../src/model/errors.ts';
import {
  componentNames,
  componentsOf,
  isComponent,
  parseComponent,
} from '../../../src/openclaw/components.ts';
import { findDefaultExclusion } from '../../../src/openclaw/defaults.ts';

/** Paths of all eras, by the components they belong to. */
for (const [names, paths] of [
  [
    'config',
    [
      'openclaw.json.bak',
      'openclaw.json.last-good',
      'openclaw.json.clobbered.2026-03-09T08-00-00.000Z',
      'clawdbot.json',
      'clawdbot.json.bak',
      'settings/tts.json',
    ],
  ],
  ['config credentials', ['secrets.json', 'secrets/provider.json']],
  [
    'credentials',
    [
      'credentials',
      'credentials/telegram-pairing.json',
      'credentials/oauth.json',
      'agents/main/agent/auth.json',
      'agents/main/agent/auth-state.json',
      'agents/main/agent/codex-home/auth.json',
      'devices/paired.json',
      'nodes/pending.json',
      'identity/device-auth.json',
      'exec-approvals.json',
      'gateway.token',
      'gateway.password',
      'matrix/accounts/a/b/c/x.json',
    ],
  ],
  [
    'sessions',
    [
      'agents/main/sessions',
      'agents/main/sessions/sessions.json',
      'agents/main/sessions/a.jsonl.deleted.2026-03-09T08-00-00.000Z.zst',
      'agents/main/sessions/session-sqlite-import-archive/a.jsonl',
      'session-sqlite-migration-runs/1.json',
      'sessions/a.jsonl',
      'transcripts/2026-03-09/a.txt',
      'voice-calls/a.json',
      'subagents/runs.json',
    ],
  ],
  ['sessions memory credentials', ['agents/kim/agent/openclaw-agent.sqlite-shm']],
  ['state cron credentials', ['state/openclaw.sqlite-wal']],
  ['memory', ['memory/lancedb/x', 'wiki/vault/a.md']],
  ['memory workspace', ['workspace-work/MEMORY.md', 'workspace-work/memory/2026-03-09.md']],
  ['workspace', ['workspace', 'workspace/SOUL.md', 'workspace/skills/a/SKILL.md', 'workspace/x/MEMORY.md']],
  [
    'cron',
    ['cron', 'cron/jobs.json.bak', 'cron/jobs-state.json', 'cron/runs/1.jsonl', 'cron/jobs.json.migrated'],
  ],
  ['skills', ['skills/x/SKILL.md', 'hooks/x/handler.js', 'plugin-skills/x']],
  [
    'extensions',
    ['extensions/x/node_modules/y', 'plugins/catalog.json', 'npm/x', 'git/x', 'tools/x', 'dev/x'],
  ],
  ['media', ['media/telegram/a.jpg', 'canvas/index.html']],
  ['browser', ['browser/p/user-data/Default/Cookies', 'sandbox/containers.json', 'sandboxes/x/y']],
  ['logs', ['logs', 'logs/commands.log', 'logs/config-audit.jsonl', 'gateway.log']],
  [
    'cache',
    [
      'cache/x',
      'tmp/openclaw-1000/x',
      'models/a.gguf',
      'completions/a.bash',
      'archived/x',
      'agents/main/qmd/x',
      'agents/main/agent/cache/x',
      'agents/main/agent/shell_snapshots/x',
    ],
  ],
  [
    'state',
    [
      'agents',
      'agents/main',
      'agents/main/agent',
      'agents/main/agent/models.json',
      'state/openclaw-quarantine.sqlite',
      'tasks/runs.sqlite',
      'flows/registry.sqlite',
      'delivery-queue/1.json',
      'telegram/update-offset-a.json',
      'node.json',
      'update-check.json',
      'openclaw.jsonx',
      'workspaces',
    ],
  ],
] as const) {
  test(`componentsOf() ${names}`, () => {
    for (const path of paths) assert.equal(componentsOf(path).join(' '), names, path);
  });
}

test('componentsOf() knows each component by some path, none twice', () => {
  const paths = ['.env', 'secrets', 'workspace/memory', 'agents/a/agent/openclaw-agent.sqlite', 'x'];
  for (const path of paths) {
    const found = componentsOf(path);
    assert.equal(new Set(found).size, found.length, path);
    assert.ok(found.every(isComponent));
  }
});

test('isComponent() takes the names only', () => {
  assert.ok(componentNames.every(isComponent));
  for (const name of ['toString', '__proto__', 'constructor', 'Config', ''])
    assert.ok(!isComponent(name), name);
});

for (const [written, near] of [
  ['sesions', 'sessions'],
  ['session', 'sessions'],
  ['log', 'logs'],
  ['memroy', 'memory'],
  ['stat', 'state'],
  ['skill', 'skills'],
  ['conf', 'config'],
  ['chache', 'cache'],
  ['med', 'media'],
  ['broswer', 'browser'],
] as const) {
  test(`parseComponent() ${written}: did you mean ${near}`, () => {
    assert.throws(
      () => parseComponent(written),
      (error: unknown) =>
        error instanceof UsageError &&
        error.message.includes(`did you mean "${near}"?`) &&
        /^Known components: config, .*cache\.$/.test(error.hint ?? ''),
    );
  });
}

for (const name of ['', '   ', 'toString', '__proto__', 'sessions,memory']) {
  test(`parseComponent() suggests nothing for ${JSON.stringify(name)}`, () => {
    assert.throws(
      () => parseComponent(name),
      (error: unknown) => error instanceof UsageError && !error.message.includes('did you mean'),
    );
  });
}

/** Left out, each for its reason. */
for (const [reason, paths] of [
  ['repository', ['backups']],
  [
    'rebuildable',
    [
      'git',
      'tools',
      'archived',
      'plugin-runtime-deps',
      'npm-runtime',
      'plugin-skills',
      'completions',
      'cache/control-ui-assets',
      'extensions/node_modules',
      'extensions/a/b/node_modules',
      'models/deep/a.GGUF',
      'sandbox/skills-workspaces',
      'agents/a/agent/cache',
      'agents/a/agent/shell_snapshots',
      'browser/p/user-data/Profile 1/Code Cache',
      'browser/p/user-data/Crashpad',
      'copy.update-captures',
    ],
  ],
  [
    'volatile',
    [
      'agents/a/agent/codex-home/tmp',
      'agents/a/agent/codex-home/.tmp',
      'openclaw.json.clobber.lock',
      'agents/a/sessions/.usage-cost-cache.1.0f8fad5b.tmp',
      'memory/a.sqlite.backup-0f8fad5b-d9cb-469f-a165-70867728950e-wal',
      'memory/a.sqlite.reindex-lock.sqlite-journal',
      'browser/p/user-data/SingletonCookie',
      'agents/a/sessions/.exuvia-0123456789ab-12',
    ],
  ],
] as const) {
  test(`findDefaultExclusion() ${reason}`, () => {
    for (const path of paths) assert.equal(findDefaultExclusion(path)?.reason, reason, path);
  });
}

test('findDefaultExclusion() never leaves out what only the user has', () => {
  for (const path of [
    'backups.txt',
    'workspace',
    'workspace/backups',
    'workspace/extensions/a/node_modules',
    'workspace-kim/a.jsonl.lock',
    'workspace-kim/x.update-captures',
    'agents/main/sessions/a.jsonl.reset.2026-03-09T08-00-00.000Z',
    'agents/main/sessions/a.trajectory.jsonl',
    'agents/main/agent/openclaw-agent.sqlite',
    'agents/main/agent/openclaw-agent.sqlite-wal',
    'agents/main/agent/auth-profiles.json',
    'memory/lancedb/x',
    'memory/main.sqlite-wal',
    'skills/a/node_modules',
    'skills/tmp',
    'extensions/a/index.js',
    'models/config.json',
    'cache/other',
    'credentials/whatsapp/default/session-1.json',
    'credentials/tmp',
    'logs/gateway.err.log',
    'delivery-queue/1.json.tmp',
    'browser/p/user-data/Default/Login Data',
    'browser/p/user-data/Default/Cache.txt',
    'sandboxes/x/npm',
    'state/openclaw.sqlite',
    'openclaw.json.bak.4',
    'openclaw.json.clobbered.2026-03-09T08-00-00.000Z',
    '.env',
  ]) {
    assert.equal(findDefaultExclusion(path), undefined, path);
  }
});
