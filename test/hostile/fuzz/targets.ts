/** Every decoder of bytes that strangers may have made, with inputs to begin with. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { gzipBytes } from '../../../src/codec/deflate/gzip.ts';
import { decodeFrame, encodeFrame } from '../../../src/codec/frame.ts';
import { blobIdOf, hashBytes } from '../../../src/codec/hash.ts';
import { countJsonValues } from '../../../src/codec/json-count.ts';
import {
  decodeListNode,
  decodeMapNode,
  encodeListInner,
  encodeListLeaf,
  encodeMapInner,
  encodeMapLeaf,
} from '../../../src/codec/map-codec.ts';
import { decodeNode, encodeNode } from '../../../src/codec/node-codec.ts';
import { decodePackEnd, encodePackEnd, encodePackHeader, packHeaderBytes } from '../../../src/codec/pack.ts';
import { parseParameters } from '../../../src/codec/parameters.ts';
import { salvageFrames } from '../../../src/codec/salvage-frames.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../src/codec/snapshot-codec.ts';
import { diffContent } from '../../../src/diff/diff-content.ts';
import { ExuviaError } from '../../../src/model/errors.ts';
import { type BlobId, parsePackId } from '../../../src/model/ids.ts';
import {
  formatBundle,
  isBundle,
  parseBundle,
  redactFile,
  restoreFile,
} from '../../../src/openclaw/config-bundle.ts';
import { locateEnv } from '../../../src/openclaw/env-text.ts';
import { parseJson5 } from '../../../src/openclaw/json5.ts';
import { cleanText } from '../../../src/openclaw/redact-text.ts';
import { redactEnv, redactJson5, restoreEnv, restoreJson5 } from '../../../src/openclaw/redaction.ts';
import { parseSessions } from '../../../src/openclaw/sessions/bundle.ts';
import { parseSettings } from '../../../src/openclaw/settings.ts';
import { defaultArchiveLimits } from '../../../src/portable/archive-limits.ts';
import { pathProblem } from '../../../src/portable/entry-rules.ts';
import { parseManifest } from '../../../src/portable/manifest.ts';
import { readLayer } from '../../../src/tree/page-map.ts';
import { gnuLong, paxHeader, readArchive, tarArchive, zipArchive } from '../../helpers/archives.ts';
import { MemoryStore } from '../../helpers/memory-store.ts';
import { buildRecord } from '../../helpers/records.ts';
import { fileVersion } from '../../unit/diff/file-version.ts';
import { file, folder, link } from '../crafted-repository.ts';
import type { FuzzTarget } from './engine.ts';

/** Errors that a user can read are answers; syntax errors are told by who asked. */
function answers(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ExuviaError) && !(error instanceof SyntaxError)) throw error;
  }
}

const text = (bytes: Buffer): string => bytes.toString('utf8');
const seedsOf =
  (...seeds: readonly (Buffer | string)[]) =>
  (): readonly Buffer[] =>
    seeds.map((seed) => Buffer.from(seed as Buffer));

const id = blobIdOf(Buffer.from('x'));
/** A process that is watched may be killed: its folder is removed by who watches it. */
const archiveFolder = process.env['EXUVIA_FUZZ_FOLDER'] ?? ownFolder();

function ownFolder(): string {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'exuvia-fuzz-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function readAsArchive(bytes: Buffer): Promise<void> {
  const path = join(archiveFolder, 'x');
  writeFileSync(path, bytes);
  try {
    const limits = { totalBytesMax: 8 * 1024 * 1024, ratioFreeBytes: 1024 * 1024 };
    for (const { path: name, type, linkTarget, mode } of (await readArchive(path, limits)).entries) {
      assert.equal(pathProblem(name, defaultArchiveLimits), undefined);
      assert.ok(mode <= 0o777);
      if (type === 'hardlink')
        assert.equal(pathProblem(linkTarget ?? ('' as never), defaultArchiveLimits), undefined);
    }
  } catch (error) {
    if (!(error instanceof ExuviaError)) throw error;
  }
}

/** Right checksums in every block that could be a header. */
function mendTar(bytes: Buffer): Buffer {
  const mended = Buffer.from(bytes);
  for (let at = 0; at + 512 <= mended.length; at += 512) {
    if (mended.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
    mended.fill(0x20, at + 148, at + 156);
    const sum = mended.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    mended.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  }
  return mended;
}

function mendFrame(bytes: Buffer): Buffer {
  if (bytes.length < 24) return bytes;
  const mended = Buffer.from(bytes);
  mended.write('XFRM', 0, 'latin1');
  mended.writeUInt32LE(mended.length - 12, 4);
  mended.writeUInt32LE(crc32(mended.subarray(12), crc32(mended.subarray(4, 8))), 8);
  return mended;
}

function mendSnapshot(bytes: Buffer): Buffer {
  if (bytes.length < 60) return bytes;
  const content = Buffer.from(bytes.subarray(0, -32));
  content.write('EXUVIASN', 0, 'latin1');
  content.writeUInt32LE(content.length - 20, 12);
  return Buffer.concat([content, hashBytes(content)]);
}

const tar = tarArchive(
  { name: 'd/', type: '5' },
  { name: 'd/f', content: 'x'.repeat(700) },
  paxHeader({ path: 'd/long', mtime: '1.25', size: '5' }),
  { name: 'p', content: 'abcde' },
  gnuLong('d/gnu'),
  { name: 'g', magic: 'gnu', content: 'y' },
  { name: 'd/s', type: '2', link: 'f' },
  { name: 'd/h', type: '1', link: 'd/f' },
  { name: 'd/pipe', type: '6' },
);
const zip = zipArchive([
  { name: 'd/', unixMode: 0o040755 },
  { name: 'd/f', content: 'x'.repeat(700), method: 8, unixMode: 0o100644 },
  { name: 'd/g', content: 'stored' },
  { name: 'd/s', content: 'f', unixMode: 0o120777 },
]);
/** What once was a bug. */
const foundZips = [
  // a directory that says that it ends after the file
  'UEsDBJM+ZsccAgQAAAAAAAAAAAAAgPcAAABkbxQAAAAAAAAAIVgp+UNWBgAAAAYAAAAwCm0AZA9zZgAACAAAACFY6ea+9wkAAAC8AgAAAwAAAAAA/6FxAAAAZC9zUEsFBgAAAAAEAAAAwwAAAJMAAAAAAA==',
].map((text) => Buffer.from(text, 'base64'));
const packId = parsePackId('00112233445566778899aabbccddeeff');
const frames = [
  {
    offset: packHeaderBytes,
    bytes: 100,
    kind: 'data' as const,
    blobs: [
      { id, bytes: 20 },
      { id, bytes: 30 },
    ],
  },
];
const pagesNode = {
  ...file(''),
  size: 5000,
  content: { kind: 'pages' as const, unitBytes: 4096, base: id, layers: [id], hash: id },
};
const chunksNode = {
  ...file(''),
  size: 30,
  content: {
    kind: 'chunks' as const,
    chunks: [
      { bytes: 10, id },
      { bytes: 20, id: undefined },
    ],
    hash: id,
  },
};
const config =
  '{ // the bot\n "channels": { "telegram": { "botToken": "7712345678:AAFabcdefghijklmnopqrstuvwxyz0123456" } }, a: [1, "x", null], }';
const bundle = formatBundle({
  created: '2026-01-01T00:00:00.000Z',
  program: 'exuvia 0.1.0',
  source: {
    host: 'h',
    platform: 'linux',
    home: '/h',
    stateDir: '/h/.openclaw',
    configPath: '/h/.openclaw/openclaw.json',
    openclaw: null,
  },
  redacted: false,
  files: [
    { path: 'openclaw.json', kind: 'config', mode: 0o600, content: Buffer.from(config) },
    { path: '.env', kind: 'env', mode: 0o600, content: Buffer.from('A=b\n') },
  ],
});
const sessions = JSON.stringify({
  format: 'exuvia sessions bundle',
  version: 1,
  created: '2026-01-01T00:00:00.000Z',
  program: 'exuvia',
  source: { host: 'h', platform: 'linux', home: '/h', stateDir: '/h/.openclaw', openclaw: null },
  sessions: [
    {
      key: 'agent:main:main',
      agent: 'main',
      sessionId: '0f8fad5b-d9cb-469f-a165-70867728950e',
      entry: { sessionId: '0f8fad5b-d9cb-469f-a165-70867728950e' },
      events: [
        { type: 'session', id: 'x' },
        { type: 'message', message: { role: 'user', content: 'hello' } },
      ],
    },
  ],
});
const manifest = JSON.stringify({
  schemaVersion: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
  archiveRoot: 'r',
  assets: [{ kind: 'state', sourcePath: '/h', archivePath: 'r/payload/posix/h' }],
  paths: { stateDir: '/h', workspaceDirs: ['/w'], agentRoots: [{ agentId: 'a', sourcePath: '/x' }] },
  skipped: [{ kind: 'x', sourcePath: '/y', reason: 'z' }],
});
const records = `${JSON.stringify({ type: 'message', id: 'a', message: { role: 'user', content: 'hello' } })}\n${JSON.stringify({ type: 'compaction', id: 'b', summary: 's' })}\n`;

/** Two versions in one input, parted in the middle. */
function diffHalves(path: string, bytes: Buffer): void {
  const middle = bytes.length >> 1;
  diffContent(
    fileVersion(path, bytes.subarray(0, middle), 999),
    fileVersion(path, bytes.subarray(middle), 999),
    { diffSqlite: () => ({ kind: 'note', message: 'not looked into' }) },
  );
}

export const targets: readonly FuzzTarget[] = [
  { name: 'tar', seeds: seedsOf(tar), mend: mendTar, run: readAsArchive },
  { name: 'zip', seeds: seedsOf(zip, ...foundZips), run: readAsArchive },
  { name: 'tar.gz and tar.zst', seeds: seedsOf(gzipSync(tar), zstdCompressSync(tar)), run: readAsArchive },
  {
    name: 'frame',
    seeds: () => [
      encodeFrame('data', [Buffer.from('a'), Buffer.alloc(300, 'b')], { level: 3 }),
      encodeFrame('tree', [Buffer.from('xyz')], { level: 0 }),
    ],
    mend: mendFrame,
    run: (bytes) => answers(() => decodeFrame(bytes, 'frame')),
  },
  {
    name: 'salvage',
    seeds: () => [
      Buffer.concat([Buffer.from('junk'), encodeFrame('data', [Buffer.alloc(300, 'b')], { level: 3 })]),
    ],
    mend: mendFrame,
    run: (bytes) => answers(() => [...salvageFrames(bytes)]),
  },
  {
    name: 'pack end',
    seeds: () => [encodePackEnd({ id: packId, frames })],
    run: (bytes) =>
      answers(() =>
        decodePackEnd(encodePackHeader(packId), bytes, packHeaderBytes + 100 + bytes.length, 'pack'),
      ),
  },
  {
    name: 'node',
    seeds: () => [
      encodeNode(file('hello')),
      encodeNode(folder),
      encodeNode(link('/x')),
      encodeNode(pagesNode),
      encodeNode(chunksNode),
      encodeNode({ ...file(''), size: 9, content: { kind: 'list', profile: 1, root: id, hash: id } }),
    ],
    run: (bytes) =>
      answers(() => {
        // What is read is written in the same way again.
        assert.deepEqual(encodeNode(decodeNode(bytes, 'node')), bytes);
      }),
  },
  {
    name: 'map node',
    seeds: () => [
      encodeMapLeaf(['', 'a', 'a\0b'], [Buffer.from('1'), Buffer.from('2'), Buffer.from('3')]),
      encodeMapInner({ level: 1, lastKeys: ['a', 'b'], children: [id, id], counts: [1, 2] }),
    ],
    run: (bytes) => answers(() => decodeMapNode(bytes, 'map')),
  },
  {
    name: 'list node',
    seeds: () => [
      encodeListLeaf([
        { bytes: 10, id },
        { bytes: 5, id: undefined },
      ]),
      encodeListInner(1, [{ bytes: 10, id }]),
    ],
    run: (bytes) => answers(() => decodeListNode(bytes, 'list')),
  },
  {
    name: 'page layer',
    seeds: seedsOf(
      Buffer.concat([
        Buffer.from([0x50, 2, 1]),
        Buffer.from(id, 'hex'),
        Buffer.from([5]),
        Buffer.from(id, 'hex'),
      ]),
    ),
    run: (bytes) =>
      answers(() => {
        const store = new MemoryStore();
        return readLayer(store, store.writeBlob('tree', bytes) as BlobId);
      }),
  },
  {
    name: 'snapshot',
    seeds: () => [
      encodeSnapshot(
        buildRecord({ tags: ['a'], sources: [{ path: '/x', kind: 'folder', root: id, entries: 1 }] }),
      ).bytes,
    ],
    mend: mendSnapshot,
    run: (bytes) => answers(() => decodeSnapshot(bytes, 'snapshot')),
  },
  {
    name: 'parameters',
    seeds: seedsOf('{"format":"exuvia repository","version":1,"requiredFeatures":[]}'),
    run: (bytes) => answers(() => parseParameters(text(bytes), 'x')),
  },
  { name: 'manifest', seeds: seedsOf(manifest), run: (bytes) => answers(() => parseManifest(bytes)) },
  {
    name: 'settings',
    seeds: seedsOf(
      '{ backup: { path: "~/b", schedule: "0 2 * * *", retention: { keepDaily: 7 }, exclude: ["*.log"], postBackup: "x" } }',
    ),
    run: (bytes) => answers(() => parseSettings(text(bytes), 'exuvia.json5')),
  },
  {
    name: 'configuration bundle',
    seeds: seedsOf(bundle),
    run: (bytes) =>
      answers(() => {
        const value = parseJson5(text(bytes));
        if (isBundle(value)) parseBundle(value, 'x');
      }),
  },
  {
    name: 'sessions bundle',
    seeds: seedsOf(sessions),
    run: (bytes) => answers(() => parseSessions(text(bytes), 'x')),
  },
  {
    name: 'redaction of JSON5',
    seeds: seedsOf(config, '{"a":"__EXUVIA_REDACTED__"}'),
    run: (bytes) =>
      answers(() => {
        const redacted = redactJson5(text(bytes));
        parseJson5(redacted.text);
        parseJson5(restoreJson5(redacted.text, text(bytes)).text);
        parseJson5(restoreJson5(redacted.text, undefined).text);
      }),
  },
  {
    name: 'redaction of variables',
    seeds: seedsOf('# c\nA=b\nexport C="d e"\n\nF=\'g\'\n'),
    run: (bytes) => {
      locateEnv(text(bytes));
      const redacted = redactEnv(text(bytes));
      if (redacted !== undefined) restoreEnv(redacted.text, text(bytes));
    },
  },
  {
    name: 'redaction of files',
    seeds: seedsOf(config, records),
    run: (bytes) =>
      answers(() => {
        for (const path of ['x.json', 'x.jsonl', 'x.txt']) cleanText(path, text(bytes), ['hello world']);
        const { content } = redactFile({
          path: 'credentials/x-allowFrom.json',
          kind: 'credentials',
          content: bytes,
        });
        restoreFile({ path: 'openclaw.json', kind: 'config', content }, bytes);
      }),
  },
  { name: 'records', seeds: seedsOf(records + records), run: (bytes) => diffHalves('x.jsonl', bytes) },
  {
    name: 'JSON',
    seeds: seedsOf(`${config}${config}`, '{"a":[1,2,{"b":3}]}{"a":[1,{"b":4}]}'),
    run: (bytes) => diffHalves('x.json', bytes),
  },
  {
    name: 'text',
    seeds: seedsOf('one\ntwo\nthree\none\nthree\n'),
    run: (bytes) => diffHalves('x.txt', bytes),
  },
  {
    name: 'DEFLATE',
    seeds: seedsOf('', 'aaaaaaaaaaaaaaaaaaaabcabcabcabc', tar),
    run: (bytes) => assert.ok(gunzipSync(gzipBytes(bytes)).equals(bytes)),
  },
  {
    name: 'values of JSON',
    seeds: seedsOf('{"a":[1,"x,[",{"b":"\\""}]}'),
    run: (bytes) => {
      const counted = countJsonValues(bytes, 1_000_000);
      let value: unknown;
      try {
        value = JSON.parse(text(bytes));
      } catch {
        return; // no JSON
      }
      assert.ok(counted >= valuesIn(value) - 1, 'not fewer than there are');
    },
  },
];

/** Keys that are there twice are counted once by the parser. */
function valuesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return (
    1 +
    Object.values(value).reduce((sum: number, one) => sum + valuesIn(one), 0) -
    (Object.keys(value).length > 0 ? 1 : 0)
  );
}
