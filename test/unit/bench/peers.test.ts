import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdictsOn } from '../../../bench/peers/limits.ts';
import { addResults, figureOf, type Result } from '../../../bench/peers/results.ts';
import { resultsTable, verdictsTable } from '../../../bench/peers/tables.ts';

function result(tool: string, wallMs: number[], more: Partial<Result> = {}): Result {
  return {
    work: 'first',
    set: 'b',
    commit: 'abc',
    measuredAt: '2026-01-01T00:00:00Z',
    tool,
    kind: tool.startsWith('exuvia') ? 'own' : 'peer',
    version: '1',
    settings: '',
    cache: 'warm',
    wallMs,
    cpuMs: wallMs,
    memoryBytes: [1e6],
    bytes: [],
    ...more,
  };
}

function verdict(results: readonly Result[], limit: string, about: string) {
  return verdictsOn(results).find((one) => one.limit === limit && one.wanted.includes(about));
}

test('verdictsOn() compares medians of the same run', () => {
  const restic = result('restic', [12_000, 9000, 90_000]);
  const reached = [result('exuvia', [1000, 4000, 9000]), restic];
  assert.equal(verdict(reached, 'first backup, b', 'restic')?.isReached, true);
  const missed = [result('exuvia', [1000, 4001, 9000]), restic];
  assert.equal(verdict(missed, 'first backup, b', 'restic')?.isReached, false);
  assert.equal(verdict(reached, 'first backup, b', 'Borg')?.isReached, undefined);
});

test('verdictsOn() takes the fastest of all peers where none is named, and no program for one', () => {
  const work = { work: 'check' };
  const results = [
    result('exuvia', [1000], work),
    result('restic', [3000], work),
    result('bup', [1900], work),
    result('cp -a', [10], { ...work, kind: 'program' }),
  ];
  assert.deepEqual(verdict(results, 'check with data, b', ''), {
    limit: 'check with data, b',
    wanted: '2 times as fast as bup',
    measured: '1.90 times',
    isReached: false,
  });
});

test('verdictsOn() says nothing of cold caches', () => {
  const results = [result('exuvia', [1], { cache: 'cold' }), result('restic', [9], { cache: 'cold' })];
  assert.deepEqual([...new Set(verdictsOn(results).map(({ isReached }) => isReached))], [undefined]);
});

test('verdictsOn() takes the highest peak of memory', () => {
  const results = [
    result('exuvia', [1], { memoryBytes: [1e6, 351e6, 2e6] }),
    result('exuvia', [1], { work: 'check', memoryBytes: [10e6] }),
  ];
  assert.equal(verdict(results, 'memory in all of it', '')?.isReached, false);
  assert.equal(verdict(results, 'memory in all of it', '')?.measured, '351.0 MB (first b)');
});

test('addResults() puts rounds of one commit together and forgets those of another', () => {
  const older = [result('exuvia', [1]), result('restic', [5]), result('exuvia', [7], { set: 'a' })];
  const more = addResults(older, [result('exuvia', [2]), result('restic', [6])]);
  assert.deepEqual(
    more.map(({ tool, set, wallMs }) => [tool, set, wallMs]),
    [
      ['exuvia', 'a', [7]],
      ['exuvia', 'b', [1, 2]],
      ['restic', 'b', [5, 6]],
    ],
  );
  const later = addResults(older, [result('exuvia', [3], { commit: 'def' })]);
  assert.deepEqual(
    later.map(({ tool, set, wallMs }) => [tool, set, wallMs]),
    [
      ['exuvia', 'a', [7]],
      ['exuvia', 'b', [3]],
    ],
  );
  const changed = { commit: 'abc+' };
  assert.deepEqual(
    addResults([result('exuvia', [1], changed)], [result('exuvia', [2], changed)])[0]?.wallMs,
    [2],
  );
});

test('figureOf() gives undefined for what was not measured', () => {
  assert.equal(figureOf(result('exuvia', []), 'time'), undefined);
  assert.equal(figureOf(result('exuvia', [1]), 'bytes'), undefined);
  assert.equal(figureOf(result('exuvia', [1], { memoryBytes: [0] }), 'memory'), undefined);
});

test('resultsTable() and verdictsTable() show ratios, and what is not reached', () => {
  const results = [
    result('exuvia', [2000], { bytes: [20e6], bytesAre: 'repository' }),
    result('restic', [5000]),
  ];
  const table = resultsTable(results);
  assert.match(table, /first backup +\| exuvia .* 2\.00 s +\| 1\.00 .* 20\.0 MB repository/);
  assert.match(table, /restic .* 5\.00 s +\| 2\.50 /);
  assert.match(verdictsTable(verdictsOn(results)), /3 times as fast as restic +\| 2\.50 times +\| NO/);
});
