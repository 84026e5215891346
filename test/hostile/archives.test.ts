/**
 * Every hostile archive through everything that takes an archive: refused with one sentence, or taken because it is harmless;
 * nothing outside the target is touched, and neither time nor memory run away.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  ExuviaError,
  importConfig,
  importSessions,
  readConfigInput,
  readSessionsInput,
} from '../../src/index.ts';
import { runCli } from '../helpers/cli.ts';
import { attack, repositoryOf, ways } from './attack.ts';
import { hostileArchives } from './corpus/all.ts';
import { Fence } from './fence.ts';

describe('the corpus', () => {
  test('has at least 150 archives of each family together, each named once', () => {
    assert.ok(hostileArchives.length >= 150, `${hostileArchives.length}`);
    assert.equal(new Set(hostileArchives.map(({ name }) => name)).size, hostileArchives.length);
  });
});

describe('everything that takes an archive', () => {
  for (const [index, archive] of hostileArchives.entries()) {
    // All ways for every fourth; the slow run has them for all.
    const chosen = index % 4 === 0 ? ways : ways.slice(0, archive.isRepacked ? 1 : 2);
    test(`is safe from a ${archive.name}`, () => attack(archive, chosen));
  }
});

/** Where a bundle and not an archive is wanted. */
describe('config import and sessions import', () => {
  test('refuse every archive of the corpus with one sentence', async () => {
    using fence = new Fence();
    for (const { name, bytes } of hostileArchives.filter((_, index) => index % 5 === 0)) {
      const path = fence.put('inner/x.archive', bytes);
      for (const run of [
        async () => importConfig(fence.environment, {}, readConfigInput(fence.environment, path)),
        async () => importSessions(fence.environment, {}, readSessionsInput(fence.environment, path)),
      ]) {
        await fence.guard([], async () => {
          await assert.rejects(run(), (error) => {
            assert.ok(error instanceof ExuviaError, `${name}: ${String(error)}`);
            return true;
          });
        });
      }
    }
  });
});

/** One of each kind through the built command line: exit codes, one sentence, no trace. */
describe('the command line', () => {
  const chosen = hostileArchives.filter(({ refusal }, index) => refusal !== undefined && index % 17 === 0);
  for (const { name, bytes, refusal } of chosen) {
    test(`refuses a ${name}`, async () => {
      using fence = new Fence();
      fence.put('inner/x.archive.tar', bytes);
      mkdirSync(join(fence.home, 'tmp'));
      const { scratch } = fence;
      const own = { TMPDIR: scratch, XDG_CACHE_HOME: scratch, XDG_STATE_HOME: scratch };
      const options = { home: fence.home, cwd: fence.at('inner'), env: own };
      const repository = ['--repository', repositoryOf(fence)];
      for (const words of [
        ['backup', 'import', './x.archive.tar', ...repository],
        ['backup', 'restore', './x.archive.tar', '--target', fence.target, ...repository],
        ['backup', 'restore', './x.archive.tar', ...repository],
        ['backup', 'verify', './x.archive.tar', ...repository],
        ['backup', 'diff', './x.archive.tar', '../home/', ...repository],
      ]) {
        const run = await fence.guard([repositoryOf(fence), fence.scratch], () => runCli(words, options));
        const said = run.stdout + run.stderr;
        assert.ok(run.status === 1 || run.status === 4, `${words.join(' ')}: ${run.status} ${said}`);
        assert.match(said, refusal as RegExp, words.join(' '));
        assert.doesNotMatch(said, /\n\s+at |Internal error/, words.join(' '));
        assert.equal(said.replaceAll('\n', '').match(/\p{Cc}/u), null, words.join(' '));
        assert.equal(existsSync(fence.target), false);
      }
    });
  }
});
