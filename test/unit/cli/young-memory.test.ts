import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

const module = new URL('../../../src/cli/young-memory.ts', import.meta.url).href;

interface Grown {
  /** The most that the space for young objects takes. */
  readonly youngBytes: number;
  /** Of the script below, as V8 gives it when the process ends. */
  readonly code: Buffer;
}

const script = '(function () { return 1; })()';

/** Rounds in which many objects are made that live as long as the round. */
function growYoung(isBounded: boolean): Grown {
  const program = `
    import { setTimeout } from 'node:timers/promises';
    import { getHeapSpaceStatistics } from 'node:v8';
    import { Script } from 'node:vm';
    const script = new Script(${JSON.stringify(script)});
    process.once('exit', () => console.log(script.createCachedData().toString('base64')));
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
  const [youngBytes, code] = runProgram(program);
  return { youngBytes: Number(youngBytes), code: Buffer.from(code ?? '', 'base64') };
}

function runProgram(program: string): string[] {
  return execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  }).split('\n');
}

test('boundYoungMemory() keeps the space for young objects from growing to the most that there may be', () => {
  const [bounded, free] = [growYoung(true).youngBytes, growYoung(false).youngBytes];
  assert.ok(bounded < 34_000_000, `${bounded} bytes`);
  assert.ok(free > 1.3 * bounded, `${free} bytes without it, ${bounded} with it`);
});

test('boundYoungMemory() leaves the compiled code to be kept as other runs take it', () => {
  const { youngBytes, code } = growYoung(true);
  assert.ok(youngBytes > 12_000_000, `${youngBytes} bytes, so that it did something`);
  const [isRejected] = runProgram(`
    import { Script } from 'node:vm';
    const cachedData = Buffer.from('${code.toString('base64')}', 'base64');
    console.log(new Script(${JSON.stringify(script)}, { cachedData }).cachedDataRejected);`);
  assert.equal(isRejected, 'false');
});
