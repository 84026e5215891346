/** What a file holds, by its first bytes and its name. */

export type ContentKind = 'json' | 'records' | 'sqlite' | 'text' | 'binary';

/** So many first bytes are enough for `kindOf` and `mediaTypeOf`. */
export const headBytes = 8192;

/** Names that are given to copies: `openclaw.json.bak.1`, `s.jsonl.reset.2026-03-09T08-00-00.000Z`, `jobs.json.migrated`. */
const copyEnding = /\.(?:bak|last-good|clobbered|rejected|reset|deleted|migrated|orig|old|tmp)(?:[.-].*)?$/i;

/** `head`: the first bytes, all or at least `headBytes` of them. */
export function kindOf(path: string, head: Uint8Array): ContentKind {
  if (mediaTypeOf(head) === 'application/vnd.sqlite3') return 'sqlite';
  if (mediaTypeOf(head) !== undefined || head.includes(0) || !isUtf8Start(head)) return 'binary';
  const name = path.slice(path.lastIndexOf('/') + 1).replace(copyEnding, '');
  if (/\.(?:jsonl|ndjson)$/i.test(name)) return 'records';
  return /\.(?:json|json5|jsonc)$/i.test(name) ? 'json' : 'text';
}

/** The last character may be cut off. */
function isUtf8Start(head: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return false;
  }
}

interface Magic {
  readonly type: string;
  /** One char is one byte; `?` at a place that may hold anything. */
  readonly bytes: string;
  readonly at?: number;
}

/** Source: the formats' own specifications. More special ones stand before those they look like. */
const magics: readonly Magic[] = [
  { type: 'application/vnd.sqlite3', bytes: 'SQLite format 3\0' },
  { type: 'image/png', bytes: '\x89PNG\r\n\x1a\n' },
  { type: 'image/jpeg', bytes: '\xff\xd8\xff' },
  { type: 'image/gif', bytes: 'GIF87a' },
  { type: 'image/gif', bytes: 'GIF89a' },
  { type: 'image/webp', bytes: 'RIFF????WEBP' },
  { type: 'audio/wav', bytes: 'RIFF????WAVE' },
  { type: 'video/x-msvideo', bytes: 'RIFF????AVI ' },
  { type: 'image/avif', bytes: 'ftypavif', at: 4 },
  { type: 'image/heic', bytes: 'ftyphei', at: 4 },
  { type: 'audio/mp4', bytes: 'ftypM4A', at: 4 },
  { type: 'video/quicktime', bytes: 'ftypqt', at: 4 },
  { type: 'video/mp4', bytes: 'ftyp', at: 4 },
  { type: 'image/tiff', bytes: 'II*\0' },
  { type: 'image/tiff', bytes: 'MM\0*' },
  { type: 'image/bmp', bytes: 'BM????\0\0\0\0' },
  { type: 'image/x-icon', bytes: '\0\0\x01\0' },
  { type: 'application/pdf', bytes: '%PDF-' },
  { type: 'application/zip', bytes: 'PK\x03\x04' },
  { type: 'application/zip', bytes: 'PK\x05\x06' },
  { type: 'application/gzip', bytes: '\x1f\x8b\x08' },
  { type: 'application/zstd', bytes: '\x28\xb5\x2f\xfd' },
  { type: 'application/x-xz', bytes: '\xfd7zXZ\0' },
  { type: 'application/x-bzip2', bytes: 'BZh?1AY&SY' },
  { type: 'application/x-7z-compressed', bytes: '7z\xbc\xaf\x27\x1c' },
  { type: 'application/x-tar', bytes: 'ustar', at: 257 },
  { type: 'audio/ogg', bytes: 'OggS\0' },
  { type: 'audio/flac', bytes: 'fLaC\0' },
  { type: 'audio/mpeg', bytes: 'ID3?\0' },
  { type: 'audio/mpeg', bytes: '\xff\xfb' },
  { type: 'audio/mpeg', bytes: '\xff\xf3' },
  { type: 'audio/mpeg', bytes: '\xff\xf2' },
  { type: 'video/webm', bytes: '\x1a\x45\xdf\xa3' },
  { type: 'application/wasm', bytes: '\0asm' },
  { type: 'application/x-executable', bytes: '\x7fELF' },
  { type: 'application/x-mach-binary', bytes: '\xcf\xfa\xed\xfe' },
  { type: 'application/x-gguf', bytes: 'GGUF?\0\0\0' },
  { type: 'font/woff2', bytes: 'wOF2\0' },
];

/** The type that the first bytes tell, or `undefined`. */
export function mediaTypeOf(head: Uint8Array): string | undefined {
  return magics.find(({ bytes, at = 0 }) => hasMagic(head, bytes, at))?.type;
}

function hasMagic(head: Uint8Array, bytes: string, at: number): boolean {
  if (head.length < at + bytes.length) return false;
  for (let index = 0; index < bytes.length; index++) {
    if (bytes[index] !== '?' && head[at + index] !== bytes.charCodeAt(index)) return false;
  }
  return true;
}
