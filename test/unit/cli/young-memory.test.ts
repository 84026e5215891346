import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

const module = new URL('../../../src/cli/young-memory.ts', import.meta.url).href;

/** Bytes that the space for young objects takes after three seconds of work in which many objects are made, some of which stay for a while. */
function youngBytes(isBounded: boolean): number {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    ${isBounded ? `import { boundYoungMemory } from '${module}'; boundYoungMemory();` : ''}
    const kept = [];
    for (let count = 0; process.cpuUsage().user < 3_000_000; count++) {
      for (let more = 0; more < 20_000; more++) kept[(count * 20_000 + more) % 400_000] = { count, more };
      await new Promise(setImmediate);
    }
    console.log(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').physical_space_size);`;
  return Number(
    execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' }),
  );
}

test('boundYoungMemory() keeps the space for young objects from growing to the most that there may be', () => {
  const [bounded, free] = [youngBytes(true), youngBytes(false)];
  assert.ok(bounded < 34_000_000, `${bounded} bytes`);
  assert.ok(free > bounded, `${free} bytes without it`);
});
