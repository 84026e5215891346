import assert from 'node:assert/strict';
import { test } from 'node:test';
import { componentNames, componentsOf, parseComponent } from '../../../src/openclaw/components.ts';
import { findDefaultExclusion } from '../../../src/openclaw/defaults.ts';
import { findStateInside } from '../../../src/openclaw/locate.ts';

for (const [path, names] of [
  ['openclaw.json', 'config'],
  ['openclaw.json.bak.3', 'config'],
  ['exuvia.json5', 'config'],
  ['.env', 'config credentials'],
  ['credentials/whatsapp/default/creds.json', 'credentials'],
  ['agents/main/agent/auth-profiles.json', 'credentials'],
  ['identity/device.json', 'credentials'],
  ['agents/main/agent/openclaw-agent.sqlite', 'sessions memory credentials'],
  ['agents/main/agent/openclaw-agent.sqlite-wal', 'sessions memory credentials'],
  ['state/openclaw.sqlite', 'state cron credentials'],
  ['agents/main/sessions/a.jsonl', 'sessions'],
  ['memory/main.sqlite', 'memory'],
  ['workspace/MEMORY.md', 'memory workspace'],
  ['workspace/memory/2026-11-20.md', 'memory workspace'],
  ['workspace-work/notes.md', 'workspace'],
  ['cron/jobs.json', 'cron'],
  ['skills/a/SKILL.md', 'skills'],
  ['extensions/demo/index.js', 'extensions'],
  ['media/inbound/a.jpg', 'media'],
  ['browser/default/user-data/x', 'browser'],
  ['logs/gateway.log', 'logs'],
  ['something-new/file', 'state'],
] as const) {
  test(`componentsOf() ${path}`, () => assert.equal(componentsOf(path).join(' '), names));
}

test('parseComponent() suggests the nearest name there is', () => {
  assert.equal(parseComponent(' Config '), 'config');
  assert.throws(() => parseComponent('confg'), /Unknown component "confg"; did you mean "config"\?/);
  assert.throws(() => parseComponent('cred'), /did you mean "credentials"\?/);
  assert.throws(() => parseComponent('zebra'), /Unknown component "zebra"$/);
  for (const name of componentNames) assert.equal(parseComponent(name), name);
});

for (const path of [
  'tmp',
  'dev',
  'workspace/.exuvia-0123456789ab-0',
  'npm',
  'extensions/demo/node_modules',
  'models/llama.gguf',
  'agents/main/qmd',
  'agents/main/agent/tmp',
  'browser/default/user-data/Default/Cache',
  'browser/default/user-data/SingletonLock',
  'agents/main/sessions/a.jsonl.lock',
  'memory/main.sqlite.tmp-0f8fad5b-d9cb-469f-a165-70867728950e',
]) {
  test(`findDefaultExclusion() leaves out ${path}`, () => {
    const found = findDefaultExclusion(path);
    assert.ok(found !== undefined && found.why !== '');
  });
}

/** What OpenClaw's own tool leaves out, and people have lost. */
for (const path of [
  'openclaw.json',
  'agents/main/sessions/a.jsonl',
  'agents/main/sessions/sessions.json',
  'cron/runs/job.jsonl',
  'logs/gateway.log',
  'memory/main.sqlite',
  'credentials/whatsapp/default/pre-key-1.json',
  'workspace/node_modules',
  'workspace/tmp',
  'workspace-work/dev',
  'media/inbound/a.jpg',
  'browser/default/user-data/Default/Cookies',
]) {
  test(`findDefaultExclusion() keeps ${path}`, () => assert.equal(findDefaultExclusion(path), undefined));
}

for (const [name, paths, wanted] of [
  ['a home', ['.openclaw/openclaw.json', '.openclaw/agents/main/x', 'notes.txt'], '.openclaw'],
  ['the state directory itself', ['openclaw.json', 'agents/main/sessions/a.jsonl'], ''],
  [
    'a folder of a user',
    ['home/kim/.openclaw/workspace/a.md', 'home/kim/.openclaw/credentials/x'],
    'home/kim/.openclaw',
  ],
  ['an older name', ['.clawdbot/sessions/a.jsonl'], '.clawdbot'],
  ['two: the one that says more', ['a/openclaw.json', 'b/openclaw.json', 'b/agents/x'], 'b'],
  ['something else', ['src/index.ts', 'logs/x', 'package.json'], undefined],
  ['nothing', [], undefined],
] as const) {
  test(`findStateInside() ${name}`, () => assert.equal(findStateInside(paths), wanted));
}
