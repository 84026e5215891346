/** Tar archives that are refused, by what they try. */
import {
  gnuLong,
  padded,
  paxHeader,
  paxRecord,
  tarArchive,
  tarEnd,
  tarEntry,
  tarHeader,
} from '../../helpers/archives.ts';

const file = (name: string | Buffer, content = 'content') => tarEntry({ name, content });
const pax = (content: Buffer) => tarEntry({ name: 'PaxHeader', type: 'x', content });

/** What it tries, the archive, and the refusal. */
export const refusedTars: readonly (readonly [string, Buffer, RegExp])[] = [
  // Out of the folder
  ['an absolute path', tarArchive(file('/etc/passwd')), /"\/etc\/passwd" is refused: its path is absolute/],
  ['many slashes first', tarArchive(file('////home/x')), /absolute/],
  ['a parent folder', tarArchive(file('../x')), /climbs out/],
  ['a parent folder inside', tarArchive(file('a/../../x')), /climbs out/],
  ['a parent folder as a folder', tarArchive({ name: 'a/../../b/', type: '5' }), /climbs out/],
  ['a parent folder in the ustar prefix', tarArchive({ name: 'x', prefix: '../..' }), /climbs out/],
  ['a parent folder in a PAX path', tarArchive(paxHeader({ path: '../x' }), file('harmless')), /climbs out/],
  ['a parent folder in a GNU long name', tarArchive(gnuLong('../x'), file('harmless')), /climbs out/],
  [
    'a parent folder in our own record',
    tarArchive(paxHeader({ 'EXUVIA.path': Buffer.from('../x').toString('base64') }), file('harmless')),
    /climbs out/,
  ],
  [
    'our own record that is not base64',
    tarArchive(paxHeader({ 'EXUVIA.path': '!!' }), file('a')),
    /not base64/,
  ],
  ['backslash parents', tarArchive(file('..\\..\\x')), /climbs out/],
  ['a drive letter', tarArchive(file('C:\\x')), /drive letter/],
  ['a drive-relative path', tarArchive(file('C:../x')), /drive letter|climbs out/],
  ['a UNC path', tarArchive(file('\\\\server\\share\\x')), /backslash/],
  ['a zero byte in a PAX path', tarArchive(paxHeader({ path: 'a\0b' }), file('a')), /zero byte/],
  ['a zero byte in a GNU long name', tarArchive(gnuLong('a\0b'), file('a')), /long name is malformed/],
  ['a dot inside', tarArchive(file('a/./b')), /"\." inside/],
  ['an empty part', tarArchive(file('a//b')), /two slashes/],
  ['an empty name', tarArchive(file('')), /name is empty/],
  ['a dot as a file', tarArchive(file('.')), /name is empty/],
  ['a link as the top folder', tarArchive({ name: './', type: '2', link: '/etc' }), /name is empty/],
  ['a path 300 folders deep', tarArchive(paxHeader({ path: 'd/'.repeat(300) }), file('a')), /depthMax/],
  ['a name of 300 bytes', tarArchive(gnuLong('n'.repeat(300)), file('a')), /componentBytesMax/],
  ['a path of 5000 bytes', tarArchive(gnuLong('abcd/'.repeat(1000)), file('a')), /pathBytesMax/],

  // Links
  [
    'a file through a link',
    tarArchive({ name: 'l', type: '2', link: '/tmp' }, file('l/x')),
    /below "l", which is a symbolic link/,
  ],
  [
    'a file through a chain of links',
    tarArchive({ name: 'a', type: '2', link: 'b' }, { name: 'b', type: '2', link: '/' }, file('a/x/y')),
    /below "a"/,
  ],
  [
    'a link where a folder is',
    tarArchive(file('d/x'), { name: 'd', type: '2', link: '/tmp' }),
    /for a folder/,
  ],
  [
    'a folder where a link is',
    tarArchive({ name: 'd', type: '2', link: '/' }, { name: 'd/', type: '5' }),
    /same path/,
  ],
  ['a file over a link', tarArchive({ name: 'd', type: '2', link: '/etc/passwd' }, file('d')), /same path/],
  ['a hard link to outside', tarArchive({ name: 'h', type: '1', link: '/etc/passwd' }), /path outside/],
  ['a hard link to a parent', tarArchive({ name: 'h', type: '1', link: '../x' }), /path outside/],
  [
    'a hard link to a later file',
    tarArchive({ name: 'h', type: '1', link: 'f' }, file('f')),
    /not in the archive before/,
  ],
  ['a hard link to itself', tarArchive({ name: 'h', type: '1', link: 'h' }), /not in the archive before/],
  [
    'a hard link to a folder',
    tarArchive({ name: 'd/', type: '5' }, { name: 'h', type: '1', link: 'd' }),
    /is a folder/,
  ],
  [
    'a hard link to a link',
    tarArchive({ name: 's', type: '2', link: '/etc/passwd' }, { name: 'h', type: '1', link: 's' }),
    /is a symbolic link/,
  ],
  [
    'a hard link with content',
    tarArchive(file('f'), { name: 'h', type: '1', link: 'f', content: 'other' }),
    /only a file can have/,
  ],
  ['a link without a target', tarArchive({ name: 's', type: '2' }), /target is empty/],
  [
    'a link target with a zero byte',
    tarArchive(paxHeader({ linkpath: 'a\0b' }), { name: 's', type: '2', link: 'a' }),
    /zero byte/,
  ],
  [
    'an endless link target',
    tarArchive(gnuLong('t'.repeat(40_000), 'K'), { name: 's', type: '2' }),
    /linkTargetBytesMax/,
  ],

  // Twice the same
  ['a file twice', tarArchive(file('a'), file('a', 'other')), /same path before/],
  ['a file twice after normalization', tarArchive(file('a/b'), file('./a/b')), /same path before/],
  ['a file and a folder', tarArchive(file('a'), { name: 'a/', type: '5' }), /same path before, as a file/],
  ['a file as a folder', tarArchive(file('a'), file('a/b')), /below "a", which is a file/],
  ['a device and a file', tarArchive({ name: 'a', type: '3' }, file('a')), /same path before/],
  ['a file below a device', tarArchive({ name: 'a', type: '6' }, file('a/b')), /below "a"/],

  // Headers
  [
    'a wrong checksum',
    tarArchive(file('a'), tarHeader({ checksum: '0001234\0' })),
    /checksum of a header is wrong/,
  ],
  ['a size of NaN', tarArchive({ patches: [[124, '99999999999\0']] }), /not a number that a file can have/],
  ['a negative size', tarArchive({ patches: [[124, '-0000000005\0']] }), /not a number that a file can have/],
  ['a blank size', tarArchive({ patches: [[124, Buffer.alloc(12)]] }), /not a number that a file can have/],
  [
    'a size of -1 in base-256, which tar-stream takes for 0',
    tarArchive({ patches: [[124, Buffer.alloc(12, 0xff)]] }),
    /not a number that a file can have/,
  ],
  [
    'a size beyond exact numbers in base-256',
    tarArchive({ patches: [[124, Buffer.concat([Buffer.from([0x80]), Buffer.alloc(11, 0xfe)])]] }),
    /not a number that a file can have/,
  ],
  [
    'a size of 4 TiB',
    tarArchive({ patches: [[124, Buffer.from('800000000000040000000000', 'hex')]] }),
    /totalBytesMax/,
  ],
  ['a huge PAX size', tarArchive(paxHeader({ size: '1'.repeat(30) }), file('a')), /size is not a number/],
  ['a negative PAX size', tarArchive(paxHeader({ size: '-7' }), file('a')), /size is not a number/],
  ['a PAX size of NaN', tarArchive(paxHeader({ size: 'NaN' }), file('a')), /size is not a number/],
  [
    'a PAX size with letters after it',
    tarArchive(paxHeader({ size: '7abc' }), file('a')),
    /size is not a number/,
  ],
  ['a PAX size in hex', tarArchive(paxHeader({ size: '0x7' }), file('a')), /size is not a number/],
  [
    'a folder with content',
    tarArchive({ name: 'd/', type: '5', size: 512 }, Buffer.alloc(512)),
    /only a file can have/,
  ],
  ['an old folder with content', tarArchive(file('d/')), /only a file can have/],
  ['a pipe with content', tarArchive({ name: 'p', type: '6', content: 'x' }), /only a file can have/],
  [
    'two PAX paths',
    tarArchive(pax(Buffer.concat([paxRecord('path', 'a'), paxRecord('path', 'b')])), file('c')),
    /path twice/,
  ],
  [
    'two PAX headers',
    tarArchive(paxHeader({ path: 'a' }), paxHeader({ path: 'b' }), file('c')),
    /two extended headers/,
  ],
  ['two GNU long names', tarArchive(gnuLong('a'), gnuLong('b'), file('c')), /two extended headers/],
  [
    'a PAX path and another GNU name',
    tarArchive(gnuLong('a'), paxHeader({ path: 'b' }), file('c')),
    /two names/,
  ],
  ['a global PAX path', tarArchive(paxHeader({ path: 'all' }, 'g'), file('a')), /global header says path/],
  ['a global PAX size', tarArchive(paxHeader({ size: '0' }, 'g'), file('a')), /global header says size/],
  [
    'a PAX record longer than its header',
    tarArchive(pax(Buffer.from('99 path=a\n')), file('a')),
    /longer than the header/,
  ],
  [
    'a PAX record of length 0',
    tarArchive(pax(Buffer.from('0 path=a\n')), file('a')),
    /begin with its length/,
  ],
  ['a PAX record without a key', tarArchive(pax(Buffer.from('6 =ab\n')), file('a')), /no key and value/],
  [
    'a PAX record without a line end',
    tarArchive(pax(Buffer.from('9 path=ab')), file('a')),
    /end where its length says/,
  ],
  ['a PAX header of zeros', tarArchive(pax(Buffer.alloc(40)), file('a')), /begin with its length/],
  [
    'a PAX header of 600 MB',
    tarArchive(tarHeader({ type: 'x', size: 600_000_000 })),
    /headerBytesMax: 1048576/,
  ],
  [
    'a GNU name of 600 MB',
    tarArchive(tarHeader({ type: 'L', size: 600_000_000 })),
    /headerBytesMax: 1048576/,
  ],
  ['a PAX time of NaN', tarArchive(paxHeader({ mtime: 'NaN' }), file('a')), /time is not a number/],
  ['a time out of range', tarArchive(paxHeader({ mtime: '99999999999' }), file('a')), /out of range/],
  [
    'an extended header and no entry',
    tarArchive(paxHeader({ path: 'a' })),
    /empty block follows an extended header/,
  ],
  ['a sparse file (GNU)', tarArchive({ name: 'a', type: 'S', magic: 'gnu' }), /sparse file/],
  ['a sparse file (PAX)', tarArchive(paxHeader({ 'GNU.sparse.major': '1' }), file('a')), /sparse file/],
  ['an incremental archive', tarArchive({ name: 'a/', type: 'D', magic: 'gnu' }), /incremental/],
  ['a part of a multi-volume archive', tarArchive({ name: 'a', type: 'M', magic: 'gnu' }), /multi-volume/],
  ['an unknown type', tarArchive({ name: 'a', type: '?' }), /type "\?"/],

  // The end
  [
    'an entry after the end',
    Buffer.concat([tarArchive(file('a')), file('b'), tarEnd]),
    /more after the empty block/,
  ],
  [
    'an entry after one empty block',
    tarArchive(file('a'), Buffer.alloc(512), file('b')),
    /more after the empty block/,
  ],
  ['text after the end', Buffer.concat([tarArchive(file('a')), padded(Buffer.from('hello'))]), /more after/],
  ['half a block after the end', Buffer.concat([tarArchive(file('a')), Buffer.alloc(100)]), /cut short/],
  ['no end', file('a'), /two empty blocks that end a tar archive are missing/],
  ['one empty block for an end', Buffer.concat([file('a'), Buffer.alloc(512)]), /two empty blocks/],
  ['nothing but an end', tarArchive(), /empty archive/],
  [
    'a header that says more than there is',
    Buffer.concat([tarHeader({ size: 5000 }), Buffer.alloc(600)]),
    /cut short/,
  ],
  [
    'a header that says less than there is',
    tarArchive({ content: 'x'.repeat(600), size: 10 }),
    /checksum of a header/,
  ],
];
