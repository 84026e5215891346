import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growthBytesMax, measureAgentHour } from '../../bench/agent-hour/measure.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

test('an hour of an assistant adds at most half a megabyte to the repository', async (context) => {
  const { home, tools } = await measureAgentHour({ dir: temporaryFolder(context), peers: false });
  assert.ok(home.bytes > 100_000_000, `the home has ${home.bytes} bytes`);
  assert.equal(tools.length, 2);
  for (const { tool, growthBytes } of tools) {
    context.diagnostic(`${tool}: ${growthBytes} bytes`);
    assert.ok(growthBytes > 0 && growthBytes <= growthBytesMax, `${tool}: ${growthBytes} bytes`);
  }
});
