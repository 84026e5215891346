import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import type { TestContext } from 'node:test';

/** As on a machine of so many, until the test ends. */
export function setCores(context: TestContext, cores: number): void {
  const { availableParallelism } = os;
  const set = (count: () => number): void => {
    os.availableParallelism = count;
    syncBuiltinESMExports();
  };
  set(() => cores);
  context.after(() => set(availableParallelism));
}
