/**
 * A home as an assistant leaves it after some months, and one more hour of its life; the same seed gives the same bytes.
 *
 * About 110 MB: a database of 61 MB (`database.ts`), three session logs of 7 to 9 MB, 1,500 markdown files of 13.5 MB
 * together, and about 60 small files and attachments. In the hour: 60 transcript events and 20 memory chunks added to the
 * database, 30 older events rewritten all over it, 25 KB appended to each log, three markdown files edited.
 */
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Random, seededRandom } from '../lib/random.ts';
import { createWriter, type Writer } from '../lib/text.ts';
import { type AgentDatabase, type DatabaseShape, openAgentDatabase, type SessionRow } from './database.ts';
import { markdownOf, smallFiles } from './documents.ts';
import { type Conversation, conversation, type TranscriptEvent } from './events.ts';

export const databasePath = 'agents/main/agent/openclaw-agent.sqlite';

export interface HomeSize {
  readonly databaseShape: DatabaseShape;
  readonly databaseEvents: number;
  readonly databaseChunks: number;
  readonly logBytes: readonly number[];
  readonly markdownFiles: number;
}

export const agentHomeSize: HomeSize = {
  databaseShape: 'plain',
  databaseEvents: 21_000,
  databaseChunks: 5000,
  logBytes: [7_400_000, 8_600_000, 8_900_000],
  markdownFiles: 1500,
};

const markdownBytesMean = 9000;
const sessionsInDatabase = 40;
const sessionsAtOnce = 3;
const startMs = Date.parse('2025-08-01T06:00:00Z');
/** The hour begins here; nothing in the home is younger before it. */
const hourMs = Date.parse('2025-11-20T14:00:00Z');
const endMs = hourMs + 3600 * 1000;
const dayMs = 24 * 3600 * 1000;

export function buildAgentHome(dir: string, seed: number, size: HomeSize = agentHomeSize): void {
  const writer = createWriter(seed);
  const put = fileWriter(dir, hourMs);
  for (const file of smallFiles(writer, seededRandom(seed, 'small files'), startMs))
    put(file.path, file.content);
  for (const path of markdownPaths(seed, size)) {
    put(path, markdownOf(writer, seededRandom(seed, path), markdownBytesMean));
  }
  for (const [index, bytes] of size.logBytes.entries()) {
    const sessionId = logSession(seed, index);
    const log = conversation(writer, seededRandom(seed, `log ${index}`), {
      sessionId,
      parentId: null,
      timeMs: startMs,
    });
    const header = { type: 'session', version: 3, id: sessionId, timestamp: new Date(startMs).toISOString() };
    put(logPath(sessionId), `${JSON.stringify(header)}\n${linesOf(log.nextTurn, bytes)}`);
  }
  buildDatabase(prepared(dir, databasePath), writer, seed, size);
  setTime(join(dir, databasePath), hourMs);
}

/** The same with the tables of the `full` shape; fewer rows make the same size. */
export const fullAgentHomeSize: HomeSize = {
  ...agentHomeSize,
  databaseShape: 'full',
  databaseEvents: 21_500,
};

/** `label` makes it another hour, to be lived after others. */
export function liveOneHour(dir: string, seed: number, size: HomeSize = agentHomeSize, label = ''): void {
  const writer = createWriter(seed);
  const logs = seededRandom(seed, `hour of logs${label}`);
  for (const index of size.logBytes.keys()) appendToLog(dir, writer, logs, logSession(seed, index));
  const notes = seededRandom(seed, `hour of notes${label}`);
  for (const path of editedMarkdown(seed, size)) editMarkdown(dir, path, writer, notes);
  const random = seededRandom(seed, `hour of the database${label}`);
  const database = openAgentDatabase(join(dir, databasePath), size.databaseShape);
  const olderRows = database.eventCount();
  addTurns(database, writer, random, 60);
  addChunks(database, writer, random, 20, hourMs);
  rewriteEvents(database, writer, random, olderRows, 30);
  database.close();
  setTime(join(dir, databasePath), endMs);
}

/** A new session every other day, three in use at a time, a transaction for each turn: an index as years of use leave it. */
function buildDatabase(file: string, writer: Writer, seed: number, size: HomeSize): void {
  const random = seededRandom(seed, 'database');
  const database = openAgentDatabase(file, size.databaseShape);
  const active: Session[] = [];
  let events = 0;
  let chunks = 0;
  for (let number = 0; number < sessionsInDatabase; number++) {
    const dayStartMs = startMs + number * 2 * dayMs;
    active.push(startSession(writer, random, dayStartMs));
    if (active.length > sessionsAtOnce) active.shift();
    const share = (number + 1) / sessionsInDatabase;
    while (events < size.databaseEvents * share) events += addTurn(database, random.pick(active), Infinity);
    const chunksWanted = Math.round(size.databaseChunks * share);
    addChunks(database, writer, random, chunksWanted - chunks, dayStartMs);
    chunks = chunksWanted;
  }
  database.close();
}

/** A session of the database, at its last event. */
interface Session {
  readonly conversation: Conversation;
  row: SessionRow;
}

function startSession(writer: Writer, random: Random, timeMs: number): Session {
  const sessionId = random.uuid();
  const key = `agent:main:telegram:direct:${sessionId.slice(0, 8)}`;
  const row = { key, sessionId, lastSeq: -1, lastEventId: '' };
  return { conversation: conversation(writer, random, { sessionId, parentId: null, timeMs }), row };
}

function resumeSession(writer: Writer, random: Random, row: SessionRow): Session {
  const state = { sessionId: row.sessionId, parentId: row.lastEventId, timeMs: hourMs };
  return { conversation: conversation(writer, random, state), row };
}

/** One turn, one transaction, as a gateway writes it. Returns how many events it added. */
function addTurn(database: AgentDatabase, session: Session, eventsMost: number): number {
  const events = session.conversation.nextTurn().slice(0, eventsMost);
  const last = events.at(-1)!;
  const { row } = session;
  session.row = { ...row, lastSeq: row.lastSeq + events.length, lastEventId: last.id };
  database.inTransaction(() => {
    for (const [index, event] of events.entries()) {
      database.appendEvent(row.sessionId, row.lastSeq + 1 + index, event);
    }
    database.saveSession(session.row, last.message.timestamp);
  });
  return events.length;
}

function addTurns(database: AgentDatabase, writer: Writer, random: Random, count: number): void {
  const rows = database.latestSessions(sessionsAtOnce);
  const sessions = rows.map((row) => resumeSession(writer, random, row));
  for (let added = 0; added < count; ) added += addTurn(database, random.pick(sessions), count - added);
}

function addChunks(
  database: AgentDatabase,
  writer: Writer,
  random: Random,
  count: number,
  atMs: number,
): void {
  const path = `memory/${dayOf(atMs)}.md`;
  database.inTransaction(() => {
    for (let index = 0; index < count; index++) {
      database.addChunk(writer, random, { path, startLine: 1 + 20 * index, updatedAtMs: atMs });
    }
  });
}

/** One event from each of `count` equal parts of the first `rows` rows, so that they lie all over the table. */
function rewriteEvents(
  database: AgentDatabase,
  writer: Writer,
  random: Random,
  rows: number,
  count: number,
): void {
  for (let rewritten = 0; rewritten < count; ) {
    const row = 1 + Math.floor(((rewritten + random.unit()) / count) * rows);
    const more = writer.prose(random, writer.topic(random), 12);
    if (database.inTransaction(() => database.rewriteText(row, (text) => `${text} ${more}`))) rewritten++;
  }
}

function linesOf(nextTurn: () => TranscriptEvent[], bytesWanted: number): string {
  let text = '';
  while (text.length < bytesWanted)
    text += nextTurn()
      .map((event) => `${JSON.stringify(event)}\n`)
      .join('');
  return text;
}

function appendToLog(dir: string, writer: Writer, random: Random, sessionId: string): void {
  const path = logPath(sessionId);
  const before = readFileSync(join(dir, path), 'utf8');
  const last = JSON.parse(before.slice(before.lastIndexOf('\n', before.length - 2) + 1)) as TranscriptEvent;
  const { nextTurn } = conversation(writer, random, { sessionId, parentId: last.id, timeMs: hourMs });
  writeFileSync(join(dir, path), linesOf(nextTurn, 25_000), { flag: 'a' });
  setTime(join(dir, path), endMs);
}

/** One sentence into the middle, one item at the end. */
function editMarkdown(dir: string, path: string, writer: Writer, random: Random): void {
  const topic = writer.topic(random);
  const before = readFileSync(join(dir, path), 'utf8');
  const middle = before.indexOf('\n\n', before.length / 2) + 2;
  const added = `${writer.prose(random, topic, 30)}\n\n`;
  const item = `- ${writer.prose(random, topic, 12)}\n`;
  fileWriter(dir, endMs)(path, before.slice(0, middle) + added + before.slice(middle) + item);
}

function markdownPaths(seed: number, size: HomeSize): string[] {
  const random = seededRandom(seed, 'markdown');
  const vocabulary = createWriter(seed).vocabulary;
  return Array.from({ length: size.markdownFiles }, (_, index) => {
    if (index < 400) return `workspace/memory/${dayOf(startMs - index * dayMs)}.md`;
    const [folder, first, second] = [index % 37, random.pick(vocabulary), random.pick(vocabulary)];
    return `workspace/notes/${vocabulary[300 + folder]}/${index}-${first}-${second}.md`;
  });
}

function editedMarkdown(seed: number, size: HomeSize): string[] {
  const paths = markdownPaths(seed, size);
  return paths.length < 3 ? paths : [0.1, 0.5, 0.9].map((part) => paths[Math.floor(part * paths.length)]!);
}

function logSession(seed: number, index: number): string {
  return seededRandom(seed, `log session ${index}`).uuid();
}

function logPath(sessionId: string): string {
  return `agents/main/sessions/${sessionId}.jsonl`;
}

function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

function prepared(dir: string, path: string): string {
  mkdirSync(dirname(join(dir, path)), { recursive: true, mode: 0o700 });
  return join(dir, path);
}

function fileWriter(dir: string, timeMs: number): (path: string, content: string | Buffer) => void {
  return (path, content) => {
    writeFileSync(prepared(dir, path), content, { mode: 0o600 });
    setTime(join(dir, path), timeMs);
  };
}

function setTime(file: string, timeMs: number): void {
  utimesSync(file, timeMs / 1000, timeMs / 1000);
}
