import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffPage } from '../../../src/cli/diff-html/page.ts';
import type { BackupDiff, ContentDiff, DiffEntry } from '../../../src/index.ts';

const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</details></section><iframe src=//evil>',
  '<!-- comment',
  ']]><svg onload=alert(1)>',
  '&lt;b&gt; &amp; &#60;i&#62;',
  '\u001b[31mred\u0007',
  'a\u2028b\u202ec\u0000d',
  '\ud800 alone',
];

const totals = { added: 1, removed: 0, changed: 1, renamed: 0, mode: 0, time: 0, newBytes: 5 };

function pageOf(words: string): string {
  const contents: ContentDiff[] = [
    {
      kind: 'text',
      addedLines: 1,
      removedLines: 1,
      moreHunks: 0,
      hunks: [
        {
          ...{ oldStart: 1, oldLines: 1, newStart: 1, newLines: 1 },
          lines: [
            { op: 'removed', text: words, marks: [[1, 4]] },
            { op: 'added', text: words, marks: [[0, 500]] },
          ],
        },
      ],
    },
    {
      kind: 'json',
      moreChanges: 0,
      formOnly: undefined,
      changes: [{ path: [words, 0], change: 'changed', before: words, after: { [words]: words } }],
    },
    {
      kind: 'records',
      ...{ appended: 1, removed: 0, changed: 0, how: 'appended', moreRecords: 0 },
      records: [{ op: 'added', line: 1, who: words, text: words }],
    },
    {
      kind: 'sqlite',
      schema: [{ name: words, change: 'added' }],
      tables: [
        {
          ...{ name: words, added: 1, removed: 0, changed: 0, derived: false, moreRows: 0 },
          rows: [
            {
              op: 'added',
              key: [{ column: words, value: words }],
              cells: [{ column: words, after: words }],
            },
          ],
        },
      ],
    },
    { kind: 'note', message: words },
  ];
  const changes = contents.map((content, index): DiffEntry => {
    const state = { type: 'file', size: 1, mode: 0o600, mtime: '2026-11-20T10:00:00.000Z' } as const;
    const path = `${words}/${index}`;
    return {
      ...{ change: 'renamed', source: words, path, from: words, type: 'file', newBytes: 1 },
      ...{ before: state, after: state, components: [words], content },
    };
  });
  const side = { kind: 'folder', name: words, time: '2026-11-20T10:00:00.000Z' } as const;
  const diff: BackupDiff = { a: side, b: side, totals, components: { [words]: totals }, changes };
  return diffPage(diff, changes);
}

/** Everything between angle brackets, outside the script and the style, with attribute values emptied. */
function tagsOf(page: string): string[] {
  const body = page.replace(/<(style|script)>[\s\S]*?<\/\1>/g, '');
  return [...body.matchAll(/<[^>]*>/g)].map(([tag]) => tag.replace(/"[^"]*"/g, '""'));
}

test('diffPage() lets no element or attribute come from names or contents', () => {
  const harmless = tagsOf(pageOf('harmless words that are long enough'));
  for (const words of hostile) {
    const page = pageOf(words.padEnd(35, 'x'));
    assert.deepEqual(tagsOf(page), harmless, words);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be in the page
    assert.doesNotMatch(page, /[\u0000-\u0009\u000b-\u001f\u2028\u202e]/);
    assert.ok(page.isWellFormed());
  }
});

test('diffPage() asks nothing of any network and runs only its own script', () => {
  const page = pageOf('words');
  assert.match(
    page,
    /content="default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; base-uri 'none'/,
  );
  assert.doesNotMatch(page, /(src|href)=|url\(|@import|https?:/);
});

test('diffPage() of nothing says so', () => {
  const side = { kind: 'live', name: 'live', time: '2026-11-20T10:00:00.000Z' } as const;
  const none = { added: 0, removed: 0, changed: 0, renamed: 0, mode: 0, time: 0, newBytes: 0 };
  const page = diffPage({ a: side, b: side, totals: none, components: {}, changes: [] }, []);
  assert.match(page, /Nothing differs/);
  assert.doesNotMatch(page, /<script/);
});
