import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TextDiff, TextHunk } from '../../../src/diff/content-diff.ts';
import { diffText } from '../../../src/diff/diff-text.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const noPatch = spawnSync('patch', ['--version']).status === 0 ? false : 'patch(1) is not installed';

function textDiff(before: string, after: string): TextDiff {
  const diff = diffText(before, after);
  assert.ok(diff.kind === 'text');
  return diff;
}

const signs = { same: ' ', removed: '-', added: '+' };

function formatHunk(hunk: TextHunk): string {
  const { oldStart, oldLines, newStart, newLines } = hunk;
  const lines = hunk.lines.map(
    ({ op, text, noEnd }) => `${signs[op]}${text}\n${noEnd ? '\\ No newline at end of file\n' : ''}`,
  );
  return `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@\n${lines.join('')}`;
}

function applyWithPatch(folder: string, before: string, diff: TextDiff): string {
  const file = join(folder, 'file.txt');
  const result = join(folder, 'result.txt');
  writeFileSync(file, before);
  const input = `--- file.txt\n+++ file.txt\n${diff.hunks.map(formatHunk).join('')}`;
  const words = ['--binary', '--fuzz=0', '--silent', '--posix', '--output', result, file];
  const run = spawnSync('patch', words, { input, encoding: 'utf8' });
  assert.equal(run.status, 0, `${run.stdout}${run.stderr}${input}`);
  return readFileSync(result, 'utf8');
}

const line = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('', 'a', 'b', 'one two three', 'one 2 three', 'ä € 🦞', '--- x', '\ttab'),
  },
  {
    weight: 1,
    arbitrary: fc.string({ unit: fc.constantFrom('a', ' ', '{', '\\', '@', '-', '+', 'é', '\x1b') }),
  },
);
const text = fc
  .tuple(fc.array(fc.tuple(line, fc.constantFrom('\n', '\n', '\n', '\r\n')), { maxLength: 40 }), line)
  .map(([lines, last]) => lines.map(([words, end]) => words + end).join('') + last);

test('diffText() gives hunks that patch(1) applies', { skip: noPatch }, (t) => {
  const folder = temporaryFolder(t);
  const check = (before: string, after: string) => {
    const diff = textDiff(before, after);
    if (diff.hunks.length === 0) assert.equal(before, after);
    else assert.equal(applyWithPatch(folder, before, diff), after);
  };
  fc.assert(fc.property(text, text, check), {
    numRuns: 150,
    examples: [
      ['', 'a'],
      ['a', ''],
      ['a\n', 'a'],
      ['a', 'a\r\n'],
      ['a\nb\n', 'a\r\nb\r\n'],
    ],
  });
});

test('diffText() applies after small edits of a long text', { skip: noPatch }, (t) => {
  const folder = temporaryFolder(t);
  const before = Array.from({ length: 400 }, (_, at) => `line ${at % 37} of the text\n`);
  const edits = fc.array(fc.tuple(fc.nat(399), fc.constantFrom('', 'x\n', 'line 7 of the text\n')));
  fc.assert(
    fc.property(edits, (changes) => {
      const lines = [...before];
      for (const [at, line] of changes) lines[at] = line;
      const diff = textDiff(before.join(''), lines.join(''));
      if (diff.hunks.length > 0) assert.equal(applyWithPatch(folder, before.join(''), diff), lines.join(''));
    }),
    { numRuns: 40 },
  );
});

test('diffText() marks the words that differ in a line with a counterpart', () => {
  const [hunk] = textDiff('# Soul\nBe kind to all people.\n', '# Soul\nBe very kind to most people.\n').hunks;
  assert.ok(hunk);
  const marked = hunk.lines.map(({ op, text, marks = [] }) => [
    op,
    ...marks.map(([a, b]) => text.slice(a, b)),
  ]);
  assert.deepEqual(marked, [['same'], ['removed', 'all'], ['added', 'very ', 'most']]);
});

test('diffText() finds the counterpart among other lines, and none for another line', () => {
  const before = 'timezone: Berlin\nname: Mia\n';
  const after = 'something else entirely\nname: Mia Lobster\n';
  const lines = textDiff(before, after).hunks[0]?.lines ?? [];
  const marked = lines.map(({ text, marks = [] }) => marks.map(([a, b]) => text.slice(a, b)));
  assert.deepEqual(marked, [[], [], [], [' Lobster']]);
});

test('diffText() marks are in order, inside the line, and what they leave out is equal', () => {
  const words = fc
    .array(fc.constantFrom('a', 'bb', ' ', '🦞', '.', 'é', '\r'), { minLength: 1 })
    .map((all) => all.join(''));
  fc.assert(
    fc.property(words, words, (before, after) => {
      const lines = textDiff(`${before}\n`, `${after}\n`).hunks[0]?.lines ?? [];
      const rest = lines.map(({ text, marks = [] }) => {
        let [from, kept] = [0, ''];
        for (const [start, end] of marks) {
          assert.ok(from <= start && start < end && end <= text.length);
          kept += text.slice(from, start);
          from = end;
        }
        return kept + text.slice(from);
      });
      if (lines.some(({ marks }) => marks !== undefined)) {
        assert.equal(rest[0]?.replaceAll(/\s/g, ''), rest[1]?.replaceAll(/\s/g, ''));
      }
    }),
  );
});

test('diffText() lists at most 200 hunks and says how many more', () => {
  const before = Array.from({ length: 3000 }, (_, at) => `${at}\n`);
  const after = before.map((line, at) => (at % 10 === 5 ? 'x\n' : line));
  const diff = textDiff(before.join(''), after.join(''));
  assert.equal(diff.hunks.length, 200);
  assert.equal(diff.moreHunks, 100);
  assert.equal(diff.addedLines, 300);
  assert.equal(diff.removedLines, 300);
});

test('diffText() is quick with one long line, and marks what differs in it', () => {
  const before = `${'word '.repeat(1_000_000)}end`;
  const after = before.replace('word word word', 'word other word');
  const started = performance.now();
  const [removed, added] = textDiff(before, after).hunks[0]?.lines ?? [];
  assert.ok(performance.now() - started < 2000);
  assert.deepEqual(removed?.marks, [[5, 9]]);
  assert.deepEqual(added?.marks, [[5, 10]]);
});

test('diffText() is quick and true for texts that share lines in another order', { skip: noPatch }, (t) => {
  const before = Array.from({ length: 20_000 }, (_, at) => `line ${(at * 7919) % 20_011}\n`);
  const after = Array.from({ length: 20_000 }, (_, at) => `line ${(at * 104_729) % 20_011}\n`);
  const started = performance.now();
  const diff = diffText(before.join(''), after.join(''), { hunksMax: 1e6 });
  assert.ok(performance.now() - started < 5000);
  assert.ok(diff.kind === 'text');
  assert.equal(applyWithPatch(temporaryFolder(t), before.join(''), diff), after.join(''));
});

test('diffText() gives a note for too many lines', () => {
  assert.deepEqual(diffText('', '\n'.repeat(100_001)), {
    kind: 'note',
    message: 'too many lines to compare (100001, at most 100000)',
  });
});

test('diffText() of equal texts has no hunks', () => {
  assert.deepEqual(diffText('a\n', 'a\n'), {
    kind: 'text',
    addedLines: 0,
    removedLines: 0,
    hunks: [],
    moreHunks: 0,
  });
});
