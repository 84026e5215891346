import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

const module = new URL('../../../src/cli/young-memory.ts', import.meta.url).href;

/** The most bytes that the space for young objects takes at the end of rounds in which many objects are made that live as long as the round. */
function youngBytes(isBounded: boolean): number {
  const program = `
    import { setTimeout } from 'node:timers/promises';
    import { getHeapSpaceStatistics } from 'node:v8';
    ${isBounded ? `import { boundYoungMemory } from '${module}'; boundYoungMemory();` : ''}
    const young = () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').physical_space_size;
    let most = 0;
    await setTimeout(400);
    for (let round = 0; round < 20; round++) {
      const kept = [];
      for (let count = 0; count < 200_000; count++) {
        kept.push({ round, count, text: String(count) });
        if (count % 1000 === 0) await new Promise(setImmediate);
      }
      most = Math.max(most, young());
    }
    console.log(most);`;
  return Number(
    execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' }),
  );
}

test('boundYoungMemory() keeps the space for young objects from growing to the most that there may be', () => {
  const [bounded, free] = [youngBytes(true), youngBytes(false)];
  assert.ok(bounded < 34_000_000, `${bounded} bytes`);
  assert.ok(free > 1.3 * bounded, `${free} bytes without it, ${bounded} with it`);
});
