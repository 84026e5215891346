/** A restore in place that is killed: each file is the old one or the new one, and running it again completes it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { launcherPath, runCli } from '../helpers/cli.ts';
import { Seeded } from '../helpers/seeded.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const files = 120;
const rounds = 8;

for (const [how, fileBytes] of [
  ['a few megabytes', 40_000],
  ['more, which threads write', 160_000],
] as const) {
  test(`a killed restore of ${how} leaves whole files, old or new, and can be run again`, async (context) => {
    const contentOf = (version: string, index: number): Buffer =>
      Buffer.alloc(fileBytes + index * 700, `${version} ${index} `);
    function fill(folder: string, version: string, seconds: number): void {
      for (let index = 0; index < files; index++) {
        mkdirSync(join(folder, `d${index % 7}`), { recursive: true });
        const path = join(folder, `d${index % 7}`, `${index}.txt`);
        writeFileSync(path, contentOf(version, index), { mode: 0o600 });
        utimesSync(path, seconds, seconds);
      }
    }
    const home = temporaryFolder(context);
    const state = join(home, '.openclaw');
    mkdirSync(state);
    writeFileSync(join(state, 'openclaw.json'), '{}');
    fill(state, 'stored', 1_700_000_000);
    assert.equal(runCli(['backup', 'create', '--tag', 'good'], { home }).status, 0);
    const random = new Seeded(4);
    const seen = { stored: 0, mine: 0, temporary: 0 };
    for (let round = 0; round < rounds; round++) {
      fill(state, 'mine', 1_700_000_100 + round);
      const child = spawn(
        process.execPath,
        [launcherPath, 'backup', 'restore', 'good', '--no-snapshot', '--quiet'],
        {
          env: { PATH: process.env['PATH'] ?? '', HOME: home },
        },
      );
      const ended = once(child, 'close');
      // Killed when it has come to one of the files, so that the machine's speed does not matter.
      const index = random.below(files);
      const path = join(state, `d${index % 7}`, `${index}.txt`);
      while (child.exitCode === null && statSync(path).mtimeMs !== 1_700_000_000_000) await sleep(1);
      child.kill('SIGKILL');
      await ended;
      for (const folder of readdirSync(state).filter((name) => /^d\d$/.test(name))) {
        for (const name of readdirSync(join(state, folder))) {
          const index = Number(/^(\d+)\.txt$/.exec(name)?.[1] ?? -1);
          if (index < 0) {
            assert.match(name, /exuvia/, 'only names that are recognised as temporary');
            assert.equal(statSync(join(state, folder, name)).mode & 0o077, 0);
            seen.temporary++;
            continue;
          }
          const bytes = readFileSync(join(state, folder, name));
          const version = bytes.equals(contentOf('stored', index)) ? 'stored' : 'mine';
          assert.ok(bytes.equals(contentOf(version, index)), `${name} is neither the old nor the new file`);
          seen[version]++;
        }
      }
    }
    context.diagnostic(`seen: ${JSON.stringify(seen)}`);
    assert.ok(seen.mine > 0 && seen.stored > 0, 'some runs were killed in the middle');
    const last = runCli(['backup', 'restore', 'good', '--json'], { home });
    assert.equal(last.status, 0, last.stderr);
    for (let index = 0; index < files; index++) {
      const bytes = readFileSync(join(state, `d${index % 7}`, `${index}.txt`));
      assert.ok(bytes.equals(contentOf('stored', index)));
    }
  });
}
