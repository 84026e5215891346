/** Zips that are refused, by what they try. */
import { deflateRawSync } from 'node:zlib';
import { bytesOf, zipArchive } from '../../helpers/archives.ts';

const text = 'some content of a file';
const deflated = deflateRawSync(text);
const big = Buffer.alloc(200_000, 'abc');
const encryptedStrongly = { name: 'a', flags: 0x41 };

/** What it tries, the archive, and the refusal. */
export const refusedZips: readonly (readonly [string, Buffer, RegExp])[] = [
  ['an absolute path', zipArchive([{ name: '/etc/passwd' }]), /absolute/],
  ['a parent folder', zipArchive([{ name: 'a/../../x' }]), /climbs out/],
  ['backslash parents from Windows', zipArchive([{ name: '..\\..\\x', host: 0 }]), /climbs out/],
  ['backslash parents from Unix', zipArchive([{ name: 'a\\..\\..\\x', host: 3 }]), /climbs out/],
  ['a drive letter', zipArchive([{ name: 'C:\\x', host: 0 }]), /drive letter/],
  ['a UNC path', zipArchive([{ name: '\\\\server\\x', host: 0 }]), /absolute/],
  [
    'both separators',
    zipArchive([
      { name: 'a\\b', host: 0 },
      { name: 'a/c', host: 0 },
    ]),
    /both \/ and \\/,
  ],
  ['a zero byte', zipArchive([{ name: 'a\0b' }]), /zero byte/],
  ['an empty name', zipArchive([{ name: '' }]), /name is empty/],
  ['a file twice', zipArchive([{ name: 'a' }, { name: 'a' }]), /same path before/],
  [
    'a file twice by separators',
    zipArchive([
      { name: 'a\\b', host: 0 },
      { name: '.\\a\\b', host: 0 },
    ]),
    /same path/,
  ],
  [
    'a file through a link',
    zipArchive([{ name: 'l', unixMode: 0o120777, content: '/' }, { name: 'l/x' }]),
    /below "l"/,
  ],
  [
    'a long link target',
    zipArchive([{ name: 'l', unixMode: 0o120777, content: 'x'.repeat(40_000) }]),
    /link target/,
  ],
  [
    'a link target with a zero byte',
    zipArchive([{ name: 'l', unixMode: 0o120777, content: 'a\0b' }]),
    /zero byte/,
  ],
  ['an empty link target', zipArchive([{ name: 'l', unixMode: 0o120777 }]), /target is empty/],
  ['a folder with content', zipArchive([{ name: 'd/', content: 'x' }]), /only a file can have/],
  [
    'a socket with content',
    zipArchive([{ name: 's', unixMode: 0o140644, content: 'x' }]),
    /only a file can have/,
  ],
  [
    'an encrypted entry',
    zipArchive([{ name: 'a', flags: 1, packed: Buffer.alloc(12), size: 0 }]),
    /it is encrypted/,
  ],
  ['strong encryption', zipArchive([encryptedStrongly]), /strong encryption/],
  ['an unknown compression', zipArchive([{ name: 'a', method: 93, packed: deflated }]), /method 93/],
  [
    'another name before the content',
    zipArchive([{ name: 'good', localName: 'evil' }]),
    /its name in the directory/,
  ],
  [
    'a wrong checksum, small',
    zipArchive([{ name: 'a', content: text, method: 8, crc: 1 }]),
    /checksum is wrong/,
  ],
  [
    'a wrong checksum, large',
    zipArchive([{ name: 'a', content: big, method: 8, crc: 1 }]),
    /checksum is wrong/,
  ],
  ['a wrong checksum, stored', zipArchive([{ name: 'a', content: big, crc: 1 }]), /checksum is wrong/],
  ['a size too small', zipArchive([{ name: 'a', content: text, method: 8, size: 5 }]), /another size than 5/],
  [
    'a size too great',
    zipArchive([{ name: 'a', content: text, method: 8, size: 500 }]),
    /another size than 500/,
  ],
  [
    'a large size too small',
    zipArchive([{ name: 'a', content: big, method: 8, size: 150_000 }]),
    /another size/,
  ],
  [
    'a large size too great',
    zipArchive([{ name: 'a', content: big, method: 8, size: 250_000 }]),
    /another size/,
  ],
  ['a stored size that is a lie', zipArchive([{ name: 'a', content: text, size: 500 }]), /size mismatch/],
  [
    'bytes behind deflate data',
    zipArchive([{ name: 'a', content: text, method: 8, packed: Buffer.concat([deflated, bytesOf('more')]) }]),
    /bytes follow/,
  ],
  [
    'deflate data cut short',
    zipArchive([{ name: 'a', content: text, method: 8, packed: deflated.subarray(0, -3) }]),
    /cut short/,
  ],
  [
    'deflate data that is none',
    zipArchive([{ name: 'a', content: text, method: 8, packed: Buffer.alloc(50, 0xff) }]),
    /does not decompress/,
  ],
  [
    'one content under two names',
    zipArchive([
      { name: 'a', content: text },
      { name: 'a', content: text, offset: 0 },
    ]),
    /overlaps/,
  ],
  ['overlapping contents', overlapping(), /overlaps/],
  [
    'a content that runs into the directory',
    zipArchive([{ name: 'a', content: text, packedSize: 60, size: 60 }]),
    /overlaps/,
  ],
  ['an offset outside', zipArchive([{ name: 'a', offset: 0x7fffffff }]), /damaged/],
  [
    'an offset inside a content',
    zipArchive([{ name: 'a', content: text, offset: 10 }]),
    /local file header signature/,
  ],
  [
    'fewer entries told than there are',
    zipArchive([{ name: 'a' }, { name: 'b' }], { entryCount: 1 }),
    /more entries than it says/,
  ],
  ['more entries told than there are', zipArchive([{ name: 'a' }], { entryCount: 9 }), /damaged/],
  ['bytes after its end', zipArchive([{ name: 'a' }], { after: bytesOf('more') }), /Invalid comment length/],
  ['no entries', zipArchive([]), /empty archive/],
];

/** A second entry whose header lies inside the first one's content. */
function overlapping(): Buffer {
  const inner = zipArchive([{ name: 'inner', content: 'x' }]).subarray(0, 36);
  return zipArchive([
    { name: 'a', content: inner },
    { name: 'inner', content: 'x', offset: 31 },
  ]);
}
