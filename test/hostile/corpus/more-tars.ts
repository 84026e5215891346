/** More tar archives from strangers, by what they try: what is refused, with the refusal, and what is taken because it is harmless. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import {
  bytesOf,
  gnuLong,
  padded,
  paxHeader,
  paxRecord,
  tarArchive,
  tarEnd,
  tarEntry,
  tarHeader,
} from '../../helpers/archives.ts';
import { hostileJournal } from '../../helpers/hostile-journal.ts';

const MiB = 1024 * 1024;
const file = (name: string | Buffer, content = 'content') => tarEntry({ name, content });
const link = (name: string, target: string) => tarEntry({ name, type: '2', link: target });
const hardLink = (name: string, target: string) => tarEntry({ name, type: '1', link: target });
const base256 = (field: number, bytes: number, value: Buffer): readonly [number, Buffer] => {
  const whole = Buffer.alloc(bytes);
  value.copy(whole, bytes - value.length);
  whole[0] = 0x80 | (whole[0] ?? 0);
  return [field, whole];
};
/** A tar of one file of zeros, each MiB of it packed alone, so that the whole is never in memory. */
function packedZeros(mebibytes: number, pack: (piece: Buffer) => Buffer): Buffer {
  const piece = pack(Buffer.alloc(MiB));
  const pieces = Array.from({ length: mebibytes }, () => piece);
  return Buffer.concat([pack(tarHeader({ name: 'zeros', size: mebibytes * MiB })), ...pieces, pack(tarEnd)]);
}
const zstd = (bytes: Buffer): Buffer => zstdCompressSync(bytes);
/** As much of a database as a journal is about: two pages of 512 bytes. */
const emptyDatabase = Buffer.alloc(1024);
emptyDatabase.writeUInt16BE(512, 16);
const deep = (count: number): string => Array.from({ length: count }, () => 'd').join('/');

export const moreRefusedTars: readonly (readonly [string, Buffer, RegExp])[] = [
  // Out of the folder
  ['a parent as the whole name', tarArchive(file('..')), /climbs out/],
  ['a parent with a slash', tarArchive({ name: '../', type: '5' }), /climbs out/],
  ['a parent behind a dot', tarArchive(file('./../x')), /climbs out/],
  ['a parent behind many dots', tarArchive(file('././../x')), /"\." inside|climbs out/],
  ['a parent at the end', tarArchive({ name: 'a/..', type: '5' }), /climbs out/],
  ['a parent with a space behind', tarArchive(file('.. /x')), /climbs out/],
  ['a parent with spaces and a backslash', tarArchive(file('a\\..  \\..\\x')), /climbs out/],
  ['a device path of Windows', tarArchive(file('\\\\?\\C:\\x')), /backslash/],
  ['a device of Windows', tarArchive(file('\\\\.\\PhysicalDrive0')), /backslash/],
  ['a drive alone', tarArchive(file('C:')), /drive letter/],
  ['a drive with a slash', tarArchive(file('c:/Windows/x')), /drive letter/],
  ['a long UNC path', tarArchive(gnuLong('//server/share/x'), file('x')), /absolute/],
  ['an absolute GNU long name', tarArchive(gnuLong('/etc/passwd'), file('x')), /absolute/],
  ['an absolute PAX path', tarArchive(paxHeader({ path: '/etc/passwd' }), file('x')), /absolute/],
  ['an absolute ustar prefix', tarArchive({ name: 'passwd', prefix: '/etc' }), /absolute/],
  ['only slashes, and content', tarArchive(file('///')), /absolute/],
  ['only slashes and no content', tarArchive({ name: '///', type: '5' }), /absolute/],
  [
    'a path in our own record that is absolute',
    tarArchive(paxHeader({ 'EXUVIA.path': Buffer.from('/x').toString('base64') }), file('a')),
    /absolute/,
  ],
  [
    'a link target in our own record that is not base64',
    tarArchive(paxHeader({ 'EXUVIA.linkpath': '*' }), link('a', 'b')),
    /not base64/,
  ],

  // Links
  ['a folder through a link', tarArchive(link('l', '/tmp'), { name: 'l/d/', type: '5' }), /below "l"/],
  ['a link through a link', tarArchive(link('l', '/tmp'), link('l/m', 'x')), /below "l"/],
  ['a hard link through a link', tarArchive(file('f'), link('l', '/tmp'), hardLink('l/h', 'f')), /below "l"/],
  [
    'a hard link to a file through a link',
    tarArchive(link('l', '/etc'), hardLink('h', 'l/passwd')),
    /not in the archive before/,
  ],
  ['a pipe through a link', tarArchive(link('l', '/tmp'), { name: 'l/p', type: '6' }), /below "l"/],
  ['a file through a link deeper down', tarArchive(link('a/b/l', '..'), file('a/b/l/x')), /below "a\/b\/l"/],
  ['a file through a link to the folder itself', tarArchive(link('l', '.'), file('l/x')), /below "l"/],
  [
    'a link, then a folder, then a file',
    tarArchive(link('d', '/tmp'), { name: 'd/', type: '5' }, file('d/x')),
    /same path/,
  ],
  [
    'a folder, then a link, then a file',
    tarArchive({ name: 'd/', type: '5' }, link('d', '/tmp'), file('d/x')),
    /same path for a folder/,
  ],
  ['a link over an earlier file', tarArchive(file('f'), link('f', '/etc/passwd')), /same path/],
  ['a hard link over an earlier file', tarArchive(file('f'), file('g'), hardLink('g', 'f')), /same path/],
  ['a file over a hard link', tarArchive(file('f'), hardLink('h', 'f'), file('h')), /same path/],
  ['a link by dots to the same name', tarArchive(file('a'), link('./a', '/etc')), /same path/],
  [
    'a hard link to an absolute path by PAX',
    tarArchive(paxHeader({ linkpath: '/etc/shadow' }), hardLink('h', 'x')),
    /path outside/,
  ],
  [
    'a hard link to an absolute path by a GNU name',
    tarArchive(gnuLong('/etc/shadow', 'K'), hardLink('h', 'x')),
    /path outside/,
  ],
  ['a hard link to a pipe', tarArchive({ name: 'p', type: '6' }, hardLink('h', 'p')), /is a device, pipe/],
  [
    'a hard link to the top',
    tarArchive({ name: './', type: '5' }, hardLink('h', './')),
    /path outside: its name is empty/,
  ],
  [
    'a chain of hard links that ends in a link',
    tarArchive(link('s', '/etc/passwd'), hardLink('h', 's'), hardLink('i', 'h')),
    /is a symbolic link/,
  ],
  [
    'two link targets',
    tarArchive(gnuLong('a', 'K'), paxHeader({ linkpath: 'b' }), link('l', 'c')),
    /two names/,
  ],
  [
    'a link with content',
    tarArchive({ name: 'l', type: '2', link: 'x', content: 'y' }),
    /only a file can have/,
  ],

  // Headers
  [
    'a GNU name before a GNU name',
    tarArchive(gnuLong('a'), gnuLong('b'), gnuLong('c'), file('d')),
    /two extended headers/,
  ],
  ['a GNU name of a GNU name', tarArchive(gnuLong(gnuLong('a')), file('d')), /long name is malformed/],
  [
    'a GNU name cut short',
    Buffer.concat([tarHeader({ type: 'L', size: 2000, magic: 'gnu' }), Buffer.alloc(512, 'a')]),
    /cut short/,
  ],
  ['an empty GNU name', tarArchive(gnuLong(''), file('d')), /long name is malformed/],
  ['a GNU name without a header after it', tarArchive(gnuLong('abc')), /follows an extended header/],
  ['a GNU name at the very end', gnuLong('abc'), /another must follow/],
  [
    'a PAX header before a PAX header before a name',
    tarArchive(paxHeader({ mtime: '1' }), gnuLong('x'), paxHeader({ mtime: '2' }), file('d')),
    /two extended headers/,
  ],
  [
    'a PAX size greater than the content',
    tarArchive(paxHeader({ size: '5000' }), file('a', 'short')),
    /cut short|checksum|more after/,
  ],
  [
    'a PAX size smaller than the content',
    tarArchive(paxHeader({ size: '1' }), tarEntry({ name: 'a', content: 'x'.repeat(2000) })),
    /checksum|more after/,
  ],
  [
    'two PAX sizes',
    tarArchive(
      tarEntry({
        name: 'p',
        type: 'x',
        content: Buffer.concat([paxRecord('size', '1'), paxRecord('size', '7')]),
      }),
      file('a'),
    ),
    /size twice/,
  ],
  [
    'a PAX size of a folder',
    tarArchive(paxHeader({ size: '512' }), { name: 'd/', type: '5' }, Buffer.alloc(512)),
    /only a file can have/,
  ],
  [
    'a PAX size of a link',
    tarArchive(paxHeader({ size: '512' }), link('l', 'x'), Buffer.alloc(512)),
    /only a file can have/,
  ],
  ['a PAX size with a space', tarArchive(paxHeader({ size: ' 7' }), file('a')), /size is not a number/],
  ['a PAX size in exponents', tarArchive(paxHeader({ size: '1e1' }), file('a')), /size is not a number/],
  ['a PAX size with a sign', tarArchive(paxHeader({ size: '+7' }), file('a')), /size is not a number/],
  [
    'a PAX size of 2^60',
    tarArchive(paxHeader({ size: String(2n ** 60n) }), file('a')),
    /not a number|totalBytesMax/,
  ],
  [
    'a PAX record whose length is a lie',
    tarArchive(tarEntry({ name: 'p', type: 'x', content: '20 path=a\n12 path=../b\n' }), file('a')),
    /malformed/,
  ],
  [
    'a PAX record with a leading zero',
    tarArchive(tarEntry({ name: 'p', type: 'x', content: '09 path=a\n' }), file('a')),
    /begin with its length/,
  ],
  [
    'a PAX record of letters',
    tarArchive(tarEntry({ name: 'p', type: 'x', content: 'path=a\n' }), file('a')),
    /begin with its length/,
  ],
  [
    'a PAX record that hides another header',
    tarArchive(paxHeader({ comment: tarHeader({ name: '../x' }), path: '../y' }), file('a')),
    /climbs out/,
  ],
  [
    'a global link path',
    tarArchive(paxHeader({ linkpath: '/etc' }, 'g'), link('a', 'b')),
    /global header says linkpath/,
  ],
  [
    'a global path of ours',
    tarArchive(paxHeader({ 'EXUVIA.path': 'Lw==' }, 'g'), file('b')),
    /global header says EXUVIA\.path/,
  ],
  ['a global sparse map', tarArchive(paxHeader({ 'GNU.sparse.major': '1' }, 'g'), file('b')), /sparse/],
  [
    'global headers with ever new records',
    tarArchive(
      ...Array.from({ length: 120 }, (_, index) => paxHeader({ [`key${index}`]: 'x' }, 'g')),
      file('a'),
    ),
    /globalRecordsMax/,
  ],
  [
    'a sparse file (PAX 0.0)',
    tarArchive(paxHeader({ 'GNU.sparse.size': '1000000', 'GNU.sparse.numblocks': '1' }), file('a')),
    /sparse/,
  ],
  [
    'a sparse file (PAX 0.1)',
    tarArchive(paxHeader({ 'GNU.sparse.map': '0,1,999999999,1' }), file('a')),
    /sparse/,
  ],
  [
    'a sparse file (PAX 1.0)',
    tarArchive(
      paxHeader({
        'GNU.sparse.major': '1',
        'GNU.sparse.minor': '0',
        'GNU.sparse.name': '../x',
        'GNU.sparse.realsize': '9',
      }),
      file('a'),
    ),
    /sparse/,
  ],
  ['a sparse file (star)', tarArchive(paxHeader({ 'SCHILY.realsize': '99999999999' }), file('a')), /sparse/],
  [
    'a sparse file (GNU, with more to come)',
    tarArchive({ name: 'a', type: 'S', magic: 'gnu', patches: [[482, '\x01']] }, Buffer.alloc(512)),
    /sparse/,
  ],
  [
    'a size of 2^63 in base-256',
    tarArchive({ patches: [base256(124, 12, Buffer.from('8000000000000000', 'hex'))] }),
    /not a number that a file can have/,
  ],
  [
    'a size with letters',
    tarArchive({ patches: [[124, '0000000zzzz\0']] }),
    /not a number that a file can have/,
  ],
  [
    'a size in decimals',
    tarArchive({ patches: [[124, '00000000009\0']] }),
    /not a number that a file can have/,
  ],
  [
    'a checksum of letters',
    tarArchive(tarHeader({ name: 'a' }), tarHeader({ checksum: 'abcdefgh' })),
    /checksum/,
  ],
  [
    'a checksum of signed bytes',
    tarArchive(
      tarHeader({ name: 'a' }),
      tarHeader({ name: Buffer.from([0xff, 0xfe]), checksum: '0001000\0' }),
    ),
    /checksum/,
  ],
  ['a blank checksum', tarArchive(tarHeader({ name: 'a' }), tarHeader({ checksum: '        ' })), /checksum/],
  ['a PAX time with an exponent', tarArchive(paxHeader({ mtime: '1e9' }), file('a')), /time is not a number/],
  ['a Solaris header', tarArchive({ name: 'a', type: 'X', content: paxRecord('path', '../x') }), /type "X"/],
  ['an entry of type A', tarArchive({ name: 'a', type: 'A' }), /type "A"/],
  ['an inode dump', tarArchive({ name: 'a', type: 'I' }), /type "I"/],
  [
    'a contiguous file that is a folder with content',
    tarArchive({ name: 'd/', type: '7', content: 'x' }),
    /only a file can have/,
  ],

  // Twice the same
  ['a folder over a file by a deeper path', tarArchive(file('a/b/c'), file('a/b')), /same path for a folder/],
  ['a pipe twice', tarArchive({ name: 'p', type: '6' }, { name: 'p', type: '6' }), /same path/],
  ['a link twice', tarArchive(link('l', 'a'), link('l', 'b')), /same path/],

  // Too much
  ['a path of 201 folders', tarArchive(paxHeader({ path: deep(201) }), file('a')), /depthMax: 200/],
  ['a path of 100,000 folders', tarArchive(paxHeader({ path: deep(100_000) }), file('a')), /pathBytesMax/],
  [
    'a PAX path of 900 KiB',
    tarArchive(paxHeader({ path: 'a'.repeat(900 * 1024) }), file('a')),
    /pathBytesMax/,
  ],
  ['a PAX header of 1 MiB and a byte', tarArchive(tarHeader({ type: 'x', size: MiB + 1 })), /headerBytesMax/],
  ['a global header of 3 MiB', tarArchive(tarHeader({ type: 'g', size: 3 * MiB })), /headerBytesMax/],
  ['a link name of 4 MiB', tarArchive(tarHeader({ type: 'K', size: 4 * MiB })), /headerBytesMax/],
  [
    'a size of 2 TiB',
    tarArchive({ patches: [base256(124, 12, Buffer.from('020000000000', 'hex'))] }),
    /totalBytesMax/,
  ],

  // The end
  ['another archive behind it', Buffer.concat([tarArchive(file('a')), tarArchive(file('b'))]), /more after/],
  ['a zip behind it', Buffer.concat([tarArchive(file('a')), padded(bytesOf('PK\x03\x04'))]), /more after/],
  ['one byte behind it', Buffer.concat([tarArchive(file('a')), Buffer.from([1])]), /cut short/],

  // What describes itself
  [
    'a list of ours that is no JSON',
    tarArchive(file('x/exuvia.json', '{"format":"exuvia-archive"')),
    /is not JSON/,
  ],

  // A database whose recovery deletes a file
  [
    'a journal that names a file to be deleted',
    tarArchive(file('.openclaw/openclaw.json', '{}'), {
      name: '.openclaw/m.sqlite-journal',
      content: hostileJournal(emptyDatabase, '/etc/passwd'),
    }),
    /would delete the file that this journal names/,
  ],
];

const kilo = zstd(Buffer.alloc(MiB));

/** Compressed: what only compression makes possible. */
export const refusedPacked: readonly (readonly [string, Buffer, RegExp])[] = [
  ['a zstd bomb of 4 GiB in many frames', packedZeros(4096, zstd), /ratioMax/],
  ['gzip in gzip', gzipSync(gzipSync(tarArchive(file('a')))), /not a tar archive/],
  ['zstd in gzip', gzipSync(zstd(tarArchive(file('a')))), /not a tar archive/],
  ['gzip in zstd', zstd(gzipSync(tarArchive(file('a')))), /not a tar archive/],
  ['gzip in gzip in gzip', gzipSync(gzipSync(gzipSync(Buffer.alloc(100)))), /not a tar archive/],
  ['a gzip of nothing', gzipSync(Buffer.alloc(0)), /is nothing/],
  ['a zstd of nothing', zstd(Buffer.alloc(0)), /is nothing/],
  ['a gzip that ends in its header', gzipSync(tarArchive(file('a'))).subarray(0, 8), /cut short|is nothing/],
  ['a gzip that ends in its data', gzipSync(tarArchive(file('a'))).subarray(0, 40), /cut short/],
  ['a gzip that ends before its checksum', gzipSync(tarArchive(file('a'))).subarray(0, -8), /cut short/],
  ['a gzip whose length is a lie', patched(gzipSync(tarArchive(file('a'))), -1), /does not decompress/],
  ['a gzip whose checksum is wrong', patched(gzipSync(tarArchive(file('a'))), -5), /does not decompress/],
  ['a gzip with a reserved flag', patched(gzipSync(tarArchive(file('a'))), 3, 0xe0), /does not decompress/],
  [
    'a gzip whose second member is cut short',
    Buffer.concat([
      gzipSync(tarArchive(file('a')).subarray(0, 600)),
      gzipSync(tarArchive(file('a')).subarray(600)).subarray(0, -4),
    ]),
    /cut short/,
  ],
  ['a gzip whose second member is missing', gzipSync(tarArchive(file('a')).subarray(0, 600)), /cut short/],
  [
    'a gzip with garbage behind',
    Buffer.concat([gzipSync(tarArchive(file('a'))), Buffer.from('garbage')]),
    /bytes follow|does not decompress/,
  ],
  [
    'a gzip with zeros behind',
    Buffer.concat([gzipSync(tarArchive(file('a'))), Buffer.alloc(512)]),
    /bytes follow|does not decompress/,
  ],
  [
    'a zstd with garbage behind',
    Buffer.concat([zstd(tarArchive(file('a'))), Buffer.from('garbage')]),
    /does not decompress|cut short/,
  ],
  ['a zstd that is cut short', zstd(tarArchive(file('a'))).subarray(0, -3), /cut short|does not decompress/],
  ['a zstd whose window is 1 GiB', frameOfWindow(), /more memory|does not decompress/],
  [
    'a zstd that wants a dictionary',
    Buffer.concat([Buffer.from('28b52ffd2301000000', 'hex'), Buffer.alloc(20)]),
    /does not decompress|cut short/,
  ],
  [
    'frames of nothing, 20,000 times',
    Buffer.concat([...Array.from({ length: 20_000 }, () => zstd(Buffer.alloc(0))), kilo]),
    /frames of almost nothing/,
  ],
  [
    'endless global headers',
    gzipSync(Buffer.concat(Array.from({ length: 60_000 }, () => paxHeader({ comment: 'x' }, 'g'))), {
      level: 9,
    }),
    /cut short/,
  ],
  ['an xz file', Buffer.from('fd377a585a0000', 'hex'), /as an xz file does/],
  [
    'a 7z file',
    Buffer.concat([Buffer.from('377abcaf271c', 'hex'), Buffer.alloc(600)]),
    /as a 7z archive does/,
  ],
  [
    'a rar file',
    Buffer.concat([Buffer.from('Rar!\x1a\x07\x01\0', 'latin1'), Buffer.alloc(600)]),
    /as a rar archive does/,
  ],
  [
    'a SQLite database',
    Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(1000, 1)]),
    /as a SQLite database does/,
  ],
  [
    'random bytes',
    Buffer.from(Array.from({ length: 2000 }, (_, index) => (index * 7919) % 251)),
    /is not an archive/,
  ],
];

function patched(bytes: Buffer, at: number, value?: number): Buffer {
  const changed = Buffer.from(bytes);
  const index = at < 0 ? changed.length + at : at;
  changed[index] = value ?? (changed[index] ?? 0) ^ 0x55;
  return changed;
}

/** A frame whose header asks for a window of 1 GiB: descriptor 0, window 2^(10 + 20). */
function frameOfWindow(): Buffer {
  return Buffer.concat([Buffer.from('28b52ffd00a0', 'hex'), Buffer.from('010000', 'hex')]);
}

/** Taken, because nothing of it can do harm; what the archive holds is in the target, and nothing elsewhere. */
export const harmlessTars: readonly (readonly [string, Buffer])[] = [
  ['names that differ in case only', tarArchive(file('README'), file('readme', 'other'))],
  ['names composed and decomposed', tarArchive(file('caf\u00e9'), file('cafe\u0301'))],
  [
    'names with unseen characters',
    tarArchive(file('a\u200bb'), file('ab'), file('a\u2060b'), file('\ufeffab')),
  ],
  ['names that turn direction', tarArchive(file('\u202egpj.exe'), file('a\u2066b'))],
  [
    'names that look alike',
    tarArchive(file('\u0430dmin'), file('admin'), file('\u212aelvin'), file('kelvin')),
  ],
  ['ligatures and sharp s', tarArchive(file('\ufb03'), file('ffi'), file('\u00df'), file('ss'))],
  [
    'reserved names of Windows',
    tarArchive(file('CON'), file('nul.txt'), file('COM1'), file('COM\u00b9'), file('aux'), file('LPT9.log')),
  ],
  ['names that end in dots and spaces', tarArchive(file('a.'), file('a '), file('a...'), file('...'))],
  ['streams of NTFS', tarArchive(file('ab:stream'), file('ab::$DATA'))],
  [
    'names with line ends and escapes',
    tarArchive(file('a\nb'), file('\x1b]0;title\x07'), file('c\rd'), file('\u009b31m')),
  ],
  [
    'a name that looks like an option',
    tarArchive(file('-rf'), file('--delete'), file('$(touch x)'), file('`x`'), file(';x')),
  ],
  ['names of prototypes', tarArchive(file('__proto__'), file('constructor'), file('__proto__x/y'))],
  [
    'programs with the rights of their owner',
    tarArchive({ name: 'su', mode: 0o6755, content: '#!/bin/sh' }, { name: 'd/', type: '5', mode: 0o3777 }),
  ],
  [
    'devices and pipes',
    tarArchive({ name: 'sda', type: '4' }, { name: 'null', type: '3' }, { name: 'p', type: '6' }, file('f')),
  ],
  [
    'links to everywhere',
    tarArchive(
      link('a', '/etc/passwd'),
      link('b', '../../../x'),
      link('c', 'c'),
      link('d', '/proc/self/root'),
      link('e', '.'),
    ),
  ],
  ['a link to a file that comes later', tarArchive(link('a', 'b'), file('b'))],
  [
    'a chain of hard links',
    tarArchive(file('f'), hardLink('g', 'f'), hardLink('h', 'g'), hardLink('i', './h')),
  ],
  ['a hostile archive inside', tarArchive({ name: 'inner.tar', content: tarArchive(file('../../x')) })],
  ['a zip inside', tarArchive({ name: 'inner.zip', content: 'PK\x03\x04' })],
  [
    'owners beyond 32 bits',
    tarArchive(
      { name: 'a', patches: [base256(108, 8, Buffer.from('7fffffffffff', 'hex'))] },
      { name: 'b', patches: [[108, Buffer.alloc(8, 0xff)]] },
    ),
  ],
  [
    'an owner of PAX beyond all',
    tarArchive(paxHeader({ uid: '9007199254740991', gid: '4294967295' }), file('a')),
  ],
  ['a time before 1970', tarArchive(paxHeader({ mtime: '-1000000000.5' }), file('a'))],
  ['the last time that can be', tarArchive(paxHeader({ mtime: '9223372036' }), file('a'))],
  [
    'a header with another charset',
    tarArchive(paxHeader({ hdrcharset: 'BINARY', path: Buffer.from([0x61, 0xff]) }), file('a')),
  ],
  ['names that are not UTF-8', tarArchive(file(Buffer.from([0x61, 0xff, 0x62])), file(Buffer.from([0xc3])))],
  ['old headers without magic', tarArchive({ name: 'a', magic: 'none', content: 'x' })],
  ['the longest name', tarArchive(paxHeader({ path: 'n'.repeat(255) }), file('a'))],
  ['200 folders deep', tarArchive(paxHeader({ path: deep(200) }), file('a'))],
  [
    'many records in a header',
    tarArchive(
      paxHeader(Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, 'v']))),
      file('a'),
    ),
  ],
  [
    '1,000 empty folders',
    tarArchive(...Array.from({ length: 1000 }, (_, index) => tarHeader({ name: `d${index}/`, type: '5' }))),
  ],
  [
    'names as temporary files have',
    tarArchive(file('.exuvia-0123456789ab-0'), file('.exuvia-0123456789ab-1')),
  ],
];
