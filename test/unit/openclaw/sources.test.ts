import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { byteStringOf, keyOfPath } from '../../../src/model/paths.ts';
import type { Decision, EntryType } from '../../../src/model/selection.ts';
import { discoverHome } from '../../../src/openclaw/discovery.ts';
import { planSources } from '../../../src/openclaw/sources.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

type Decide = (path: string, type?: EntryType) => Decision;

/** What becomes of a path of the state directory, with this configuration. */
function stateDecisions(context: TestContext, config: (stateDir: string) => object): Decide {
  const folder = temporaryFolder(context);
  const stateDir = join(folder, '.openclaw');
  mkdirSync(stateDir);
  writeFileSync(join(stateDir, 'openclaw.json'), JSON.stringify(config(stateDir)));
  const home = discoverHome({ env: { HOME: folder }, osHome: folder });
  const selection = { only: [], include: [], exclude: [] };
  const filter = planSources(home, selection, join(stateDir, 'backups'))[0]?.filter;
  assert.ok(filter !== undefined);
  return (path, type = 'file') => filter.decide(keyOfPath(byteStringOf(path)), type);
}

function isSkipped(decision: Decision): boolean {
  return typeof decision === 'object';
}

test('planSources() leaves out what can be made again, also in an agent folder that is configured', (context) => {
  const decide = stateDecisions(context, (stateDir) => ({
    agents: { entries: { main: { agentDir: join(stateDir, 'agents', 'main', 'agent') } } },
  }));
  assert.equal(decide('agents/main/agent', 'directory'), 'take');
  assert.equal(decide('agents/main/agent/openclaw-agent.sqlite'), 'take');
  for (const lock of ['reindex-lock', 'generation-lock', 'generation-writer'])
    assert.ok(isSkipped(decide(`agents/main/agent/openclaw-agent.sqlite.${lock}.sqlite`)), lock);
  assert.ok(isSkipped(decide('agents/main/agent/tmp', 'directory')));
  assert.ok(isSkipped(decide('agents/main/agent/cache', 'directory')));
  assert.ok(isSkipped(decide('cache/control-ui-assets', 'directory')));
  assert.equal(decide('cache', 'directory'), 'take');
});

test('planSources() takes configured places in folders that are left out by default', (context) => {
  const decide = stateDecisions(context, (stateDir) => ({
    agents: {
      defaults: { workspace: join(stateDir, 'dev', 'notes') },
      entries: { main: { agentDir: join(stateDir, 'archived') } },
    },
  }));
  assert.equal(decide('dev', 'directory'), 'descend');
  assert.equal(decide('dev/notes', 'directory'), 'take');
  assert.ok(isSkipped(decide('dev/other', 'directory')), 'nothing else there is taken');
  assert.ok(isSkipped(decide('dev/file.txt')));
  assert.equal(decide('dev/notes/a.jsonl.lock'), 'take', 'a workspace is its user’s');
  assert.equal(decide('archived', 'directory'), 'take');
  assert.ok(isSkipped(decide('tools', 'directory')));
});
