/** A small home as file-era OpenClaw leaves it: a few MB in 1,000 files, two of them databases. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { markdownOf, smallFiles } from '../agent-hour/documents.ts';
import { conversation } from '../agent-hour/events.ts';
import { type Random, seededRandom } from '../lib/random.ts';
import { createWriter, type Writer } from '../lib/text.ts';

const startMs = Date.parse('2025-08-01T06:00:00Z');
const databases = ['memory/main.sqlite', 'tasks/runs.sqlite'];

export function buildSmallHome(dir: string, seed: number, files = 1000): void {
  const writer = createWriter(seed);
  const random = seededRandom(seed, 'small home');
  const put = (path: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(dir, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(dir, path), content, { mode: 0o600 });
  };
  const fixed = smallFiles(writer, random, startMs).filter(({ path }) => !path.startsWith('media/'));
  for (const { path, content } of fixed) put(path, content);
  const left = files - fixed.length - databases.length;
  for (let index = 0; index < left; index++) {
    const sessionId = random.uuid();
    if (index % 10 === 0) {
      put(`agents/main/sessions/${sessionId}.jsonl`, sessionLines(writer, random, sessionId));
    } else if (index % 2 === 0) {
      put(`workspace/notes/${index % 29}/${index}.md`, markdownOf(writer, random, 3000));
    } else {
      put(`credentials/whatsapp/default/session-${index}.json`, JSON.stringify({ key: random.hex(500) }));
    }
  }
  for (const path of databases) buildChunks(join(dir, path), writer, random);
}

function sessionLines(writer: Writer, random: Random, sessionId: string): string {
  const { nextTurn } = conversation(writer, random, { sessionId, parentId: null, timeMs: startMs });
  return Array.from({ length: 5 }, nextTurn)
    .flat()
    .map((event) => `${JSON.stringify(event)}\n`)
    .join('');
}

function buildChunks(file: string, writer: Writer, random: Random): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const db = new Database(file);
  db.exec(
    'CREATE TABLE chunks (id TEXT PRIMARY KEY, path TEXT NOT NULL, text TEXT NOT NULL, updated_at INTEGER)',
  );
  const insert = db.prepare('INSERT INTO chunks VALUES (?, ?, ?, ?)');
  db.transaction(() => {
    for (let index = 0; index < 300; index++) {
      insert.run(
        random.hex(64),
        `memory/${index}.md`,
        writer.prose(random, writer.topic(random), 120),
        startMs,
      );
    }
  })();
  db.close();
}
