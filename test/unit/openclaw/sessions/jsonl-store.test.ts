import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  formatTranscript,
  JsonlStore,
  parseTranscript,
  readSessionIndex,
} from '../../../../src/openclaw/sessions/jsonl-store.ts';
import { temporaryFolder } from '../../../helpers/temporary.ts';

test('parseTranscript() cuts a half-written last line, and counts what is no event', () => {
  const whole = formatTranscript([{ type: 'session' }, { type: 'message', text: 'ü\n' }]);
  assert.deepEqual(parseTranscript(`${whole}{"type":"mess`), {
    events: [{ type: 'session' }, { type: 'message', text: 'ü\n' }],
    badLines: 0,
  });
  assert.deepEqual(parseTranscript('{"a":1}\nrubbish\n\n[]\n{"b":2}'), {
    events: [{ a: 1 }, { b: 2 }],
    badLines: 2,
  });
  assert.deepEqual(parseTranscript(''), { events: [], badLines: 0 });
});

test('JsonlStore reads entries with their transcripts, also those whose path is of another home', (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'sessions.json');
  const index = {
    'agent:main:main': { sessionId: 'a', updatedAt: 1 },
    'agent:main:moved': { sessionId: 'b', sessionFile: '/other/home/sessions/b-topic-1.jsonl' },
    'agent:main:new': { sessionId: 'c' },
    bad: { sessionId: '../x' },
  };
  writeFileSync(path, JSON.stringify(index));
  writeFileSync(join(folder, 'a.jsonl'), '{"type":"session"}\n{"ty');
  writeFileSync(join(folder, 'b-topic-1.jsonl'), '{"type":"session","id":"b"}\nx\n');
  const store = new JsonlStore('main', path);
  const names = store.list();
  assert.deepEqual(
    names.map(({ key }) => key),
    ['agent:main:main', 'agent:main:moved', 'agent:main:new'],
  );
  const read = [...store.read(names)];
  assert.deepEqual(
    read.map(({ session }) => session.events),
    [[{ type: 'session' }], [{ type: 'session', id: 'b' }], []],
  );
  assert.deepEqual(read[0]?.session.entry, index['agent:main:main']);
  assert.match(read[1]?.problems[0] ?? '', /^1 lines of .*b-topic-1\.jsonl hold no event$/);
});

test('readSessionIndex() takes no file for no sessions, and refuses what is no store', (context) => {
  const path = join(temporaryFolder(context), 'sessions.json');
  assert.deepEqual(readSessionIndex(path), {});
  for (const text of ['{', '[]']) {
    writeFileSync(path, text);
    assert.throws(() => readSessionIndex(path), { code: 'ERR_SESSIONS_STORE' });
  }
});
