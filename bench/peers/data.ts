/**
 * What is backed up, each from a seed: `a`, the home of an assistant (bench/agent-hour); `b`, 30,000 mixed files of 1.4 GB:
 * source trees, JSONL, databases, and media that does not compress; `c`, 100,000 small files.
 */
import { appendFileSync, lutimesSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { agentHomeSize, buildAgentHome, type HomeSize, liveOneHour } from '../agent-hour/data.ts';
import { type Random, seededRandom } from '../lib/random.ts';
import { createWriter, type Writer } from '../lib/text.ts';

export type SetName = 'a' | 'b' | 'c';

export interface DataSet {
  readonly name: SetName;
  readonly build: (dir: string) => void;
  /** An hour of life, or one file in a hundred edited; another one for each round. */
  readonly change: (dir: string, round: number) => void;
}

const seed = 1;

export const dataSets: Readonly<Record<SetName, DataSet>> = {
  a: {
    name: 'a',
    build: (dir) => buildAgentHome(dir, seed),
    change: (dir, round) => liveOneHour(dir, seed, agentHomeSize, ` ${round}`),
  },
  b: { name: 'b', build: buildMixed, change: editOneInHundred },
  c: { name: 'c', build: buildSmall, change: editOneInHundred },
};

/** A home of a few days, 6 MB. */
const youngHomeSize: HomeSize = {
  databaseShape: 'plain',
  databaseEvents: 150,
  databaseChunks: 20,
  logBytes: [60_000, 80_000, 70_000],
  markdownFiles: 50,
};

export function buildYoungHome(dir: string): void {
  buildAgentHome(dir, seed, youngHomeSize);
}

/** Every file gets another time, and the same bytes. */
export function touchAll(dir: string, round: number): void {
  const time = 1_770_000_000 + round;
  for (const path of filesBelow(dir)) lutimesSync(path, time, time);
}

function editOneInHundred(dir: string, round: number): void {
  for (const [index, path] of filesBelow(dir).entries()) {
    if (index % 100 !== round % 100 || path.endsWith('.sqlite')) continue;
    appendFileSync(path, `\nedited in round ${round}, and nothing else\n`);
  }
}

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function put(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

const sourceFiles = 28_800;
const logs = 40;
const logBytes = 6_000_000;
const databases = 12;
const databaseRows = 9000;
const mediaFiles = 900;
const mediaBytesMean = 200_000;

function buildMixed(dir: string): void {
  const writer = createWriter(seed);
  const code = codeWriter(writer, seededRandom(seed, 'names'));
  for (let file = 0; file < sourceFiles; file++) {
    const random = seededRandom(seed, `source ${file}`);
    const folder = `project-${Math.floor(file / 2400)}/module-${Math.floor(file / 60) % 40}`;
    put(join(dir, 'src', folder, `${random.hex(6)}-${file}.ts`), code(random, random.between(40, 1300)));
  }
  for (let log = 0; log < logs; log++) put(join(dir, 'logs', `run-${log}.jsonl`), jsonLines(writer, log));
  for (let no = 0; no < databases; no++)
    buildDatabase(join(dir, 'databases', `store-${no}.sqlite`), writer, no);
  for (let file = 0; file < mediaFiles; file++) {
    const random = seededRandom(seed, `media ${file}`);
    put(
      join(dir, 'media', `${file % 20}`, `${file}.jpg`),
      random.bytes(random.between(1000, 2 * mediaBytesMean)),
    );
  }
}

/** Lines such as programs have: few words, much punctuation, names that come again and again. */
function codeWriter(writer: Writer, random: Random): (random: Random, lines: number) => string {
  const names = Array.from({ length: 4000 }, () => random.pick(writer.vocabulary));
  const shapes = [
    (a: string, b: string, c: string) => `  const ${a} = ${b}.${c}(${a}, { ${b}: true });`,
    (a: string, b: string, c: string) => `  if (${a} === undefined) return ${b}.${c};`,
    (a: string, b: string) => `export function ${a}(${b}: string): number {`,
    () => '}',
    () => '',
    (a: string, b: string, c: string) => `    ${a}.push(...${b}.filter(({ ${c} }) => ${c} !== null));`,
    (a: string, b: string) => `import { ${a} } from './${b}.ts';`,
    (a: string, b: string, c: string) => `  // ${a} ${b} the ${c} of it`,
  ];
  return (own, lines) => {
    const local = Array.from({ length: 30 }, () => own.pick(names));
    const line = (): string => own.pick(shapes)(own.pick(local), own.pick(local), own.pick(names));
    return `${Array.from({ length: lines }, line).join('\n')}\n`;
  };
}

function jsonLines(writer: Writer, log: number): string {
  const random = seededRandom(seed, `log ${log}`);
  const topic = writer.topic(random);
  const lines: string[] = [];
  for (let bytes = 0; bytes < logBytes; ) {
    const line = JSON.stringify({
      id: random.uuid(),
      ts: new Date(1_750_000_000_000 + bytes * 100).toISOString(),
      level: random.pick(['info', 'debug', 'warn']),
      message: writer.prose(random, topic, random.between(5, 120)),
    });
    bytes += line.length + 1;
    lines.push(line);
  }
  return `${lines.join('\n')}\n`;
}

function buildDatabase(path: string, writer: Writer, no: number): void {
  mkdirSync(dirname(path), { recursive: true });
  const random = seededRandom(seed, `database ${no}`);
  const topic = writer.topic(random);
  const database = new Database(path);
  database.exec('CREATE TABLE entry (id TEXT PRIMARY KEY, body TEXT, vector BLOB, at INTEGER)');
  const insert = database.prepare('INSERT INTO entry VALUES (?, ?, ?, ?)');
  database.transaction(() => {
    for (let row = 0; row < databaseRows; row++)
      insert.run(random.uuid(), writer.prose(random, topic, 120), random.bytes(1024), row);
  })();
  database.close();
}

const smallFiles = 100_000;

function buildSmall(dir: string): void {
  const writer = createWriter(seed);
  const random = seededRandom(seed, 'small');
  const topic = writer.topic(random);
  for (let file = 0; file < smallFiles; file++) {
    const path = join(dir, `${Math.floor(file / 1000)}`, `${Math.floor(file / 50) % 20}`, `${file}.txt`);
    put(path, `${file} ${writer.prose(random, topic, random.between(5, 200))}\n`);
  }
}

export function totalBytes(dir: string): { readonly files: number; readonly bytes: number } {
  const paths = filesBelow(dir);
  return { files: paths.length, bytes: paths.reduce((sum, path) => sum + statSync(path).size, 0) };
}
