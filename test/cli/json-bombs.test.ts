/** JSON that is small and makes too many values, or is nested without end: one sentence, bounded memory, and the home still works. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CliRun } from '../helpers/cli.ts';
import { runMeasured } from '../helpers/measured-cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const memoryBytes = 600 * 1024 * 1024;
const levels = 100_000;
const deepLists = '['.repeat(levels) + ']'.repeat(levels);
const deepObjects = `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
/** 60 MB that would be 1.6 GB of empty objects. */
const manyValues = (): string => `[${'{},'.repeat(20_000_000)}1]`;

class Place {
  readonly home: string;

  constructor(context: TestContext) {
    this.home = temporaryFolder(context);
    this.put('.openclaw/openclaw.json', '{ "gateway": {} }');
  }

  put(path: string, content: string): string {
    const full = join(this.home, path);
    mkdirSync(dirname(full), { recursive: true, mode: 0o700 });
    writeFileSync(full, content, { mode: 0o600 });
    return full;
  }

  run(...words: string[]): CliRun {
    const measured = runMeasured(words, { home: this.home, folder: this.home });
    assert.ok(measured.memoryBytes < memoryBytes, `${words.join(' ')}: ${measured.memoryBytes} bytes`);
    assert.doesNotMatch(measured.run.stderr, /call stack|RangeError|heap/, words.join(' '));
    return measured.run;
  }

  isRefused(message: RegExp, ...words: string[]): void {
    const refused = this.run(...words);
    assert.equal(refused.status, 1, words.join(' ') + refused.stderr);
    assert.match(refused.stderr, message);
    assert.ok(refused.stderr.trimEnd().split('\n').length <= 2, refused.stderr.slice(0, 500));
  }
}

function bundle(content: string): string {
  return JSON.stringify({
    ...{ format: 'exuvia config bundle', version: 1, created: '2026-01-01T00:00:00.000Z' },
    ...{ program: 'exuvia', redacted: false },
    source: {
      host: 'h',
      platform: 'linux',
      home: '/h',
      stateDir: '/h/s',
      configPath: '/h/s/c',
      openclaw: null,
    },
    files: [
      {
        ...{ path: 'openclaw.json', kind: 'config', mode: '0600', encoding: 'utf8', content },
        sha256: createHash('sha256').update(content).digest('hex'),
      },
    ],
  });
}

function sessions(value: string): string {
  const id = '0f8fad5b-d9cb-469f-a165-70867728950e';
  const document = {
    ...{ format: 'exuvia sessions bundle', version: 1, created: '', program: '', source: {} },
    sessions: [
      {
        ...{ key: 'agent:main:main', agent: 'main', sessionId: id, entry: { sessionId: id } },
        events: [
          { type: 'session', id },
          { type: 'message', message: { role: 'user', content: '@' } },
        ],
      },
    ],
  };
  return JSON.stringify(document).replace('"@"', () => value);
}

test('bundles that are nested without end are refused', (context) => {
  const place = new Place(context);
  const tooDeep = /^exuvia: Cannot import .*it is nested more than 200 deep/;
  for (const deep of [deepLists, deepObjects]) {
    const files = {
      plain: place.put('deep.json', `{"gateway":{},"x":${deep}}`),
      json5: place.put('deep.json5', `{gateway:{},x:${deep},} // as people write`),
      bundle: place.put('bundle.json', bundle(`{gateway:{},x:${deep}}`)),
    };
    for (const file of Object.values(files)) place.isRefused(tooDeep, 'config', 'import', file);
    place.isRefused(tooDeep, 'sessions', 'import', place.put('sessions.json', sessions(deep)));
  }
  const fine = `${'['.repeat(150)}${']'.repeat(150)}`;
  const imported = place.run('sessions', 'import', place.put('sessions.json', sessions(fine)));
  assert.equal(imported.status, 0, imported.stderr);
});

test('bundles of more values than memory is there for are refused before they are parsed', (context) => {
  const place = new Place(context);
  const tooMany = /^exuvia: Cannot import .*it holds more than \d+ values/;
  place.isRefused(tooMany, 'config', 'import', place.put('many.json', `{"gateway":{},"x":${manyValues()}}`));
  // What a comment opens for a reader of JSON does not hide the rest from one of JSON5.
  place.isRefused(
    tooMany,
    'config',
    'import',
    place.put('many.json5', `{// "\ngateway:{},x:${manyValues()}}`),
  );
  place.isRefused(tooMany, 'sessions', 'import', place.put('sessions.json', sessions(manyValues())));
});

test('a home with such files is backed up as it is, and its commands say one sentence', (context) => {
  const place = new Place(context);
  place.put('.openclaw/agents/main/sessions/sessions.json', '{"agent:main:main":{"sessionId":"a-1"}}');
  const event = JSON.stringify({ type: 'session', version: 3, id: 'a-1' });
  place.put('.openclaw/agents/main/sessions/a-1.jsonl', `${event}\n{"type":"message","x":${deepLists}}\n`);
  place.put('.openclaw/workspace/deep.json', deepObjects);
  assert.equal(place.run('backup', 'create').status, 0);
  place.put('.openclaw/openclaw.json', `{"gateway":{},"x":${deepObjects}}`);
  const exported = place.run('sessions', 'export', '--all');
  assert.deepEqual(JSON.parse(exported.stdout).sessions[0].events, [
    { type: 'session', version: 3, id: 'a-1' },
  ]);
  // What the home consists of is found by looking, however deep its own configuration is.
  const created = place.run('backup', 'create');
  assert.deepEqual([created.status, created.stderr], [0, '']);
  for (const words of [
    ['settings'],
    ['backup', 'verify', 'latest'],
    ['backup', 'diff', 'latest~1', 'latest', '--content'],
    ['backup', 'restore', 'latest', '--dry-run'],
    ['config', 'export', '--output', join(place.home, 'out.json')],
  ]) {
    const run = place.run(...words);
    assert.equal(run.status, 0, words.join(' ') + run.stderr);
  }
  place.isRefused(/^exuvia: Cannot redact .*openclaw\.json/, 'config', 'export', '--redact');
});
