/** More zips from strangers, by what they try. */
import { deflateRawSync } from 'node:zlib';
import { bytesOf, tarArchive, tarEntry, zipArchive } from '../../helpers/archives.ts';

const text = 'some content of a file';
const link = { unixMode: 0o120777 };
const MiB = 1024 * 1024;

function extra(id: number, data: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id, 0);
  head.writeUInt16LE(data.length, 2);
  return Buffer.concat([head, data]);
}

/** A zip64 extra field that says these sizes. */
function zip64(...values: readonly bigint[]): Buffer {
  const data = Buffer.alloc(values.length * 8);
  for (const [index, value] of values.entries()) data.writeBigUInt64LE(value, index * 8);
  return extra(1, data);
}

function patched(bytes: Buffer, at: number, patch: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  patch.copy(changed, at < 0 ? changed.length + at : at);
  return changed;
}

const u16 = (value: number): Buffer => Buffer.from([value & 0xff, value >> 8]);
const zeros = deflateRawSync(Buffer.alloc(64 * MiB), { level: 9 });

/** Many contents of zeros, each of its own bytes: what overlapping entries do with less. */
function bomb(): Buffer {
  return zipArchive(
    Array.from({ length: 20 }, (_, index) => ({
      name: `zeros-${index}`,
      method: 8,
      packed: zeros,
      size: 64 * MiB,
      crc: 0,
    })),
  );
}

/** One kernel that hundreds of entries name, each through the headers of those after it. */
function overlappingKernel(): Buffer {
  const kernel = { name: 'kernel', content: Buffer.alloc(1000), method: 8 };
  return zipArchive([
    kernel,
    ...Array.from({ length: 300 }, (_, index) => ({
      ...kernel,
      name: `kernel${index}`,
      offset: 0,
      localName: 'kernel',
    })),
  ]);
}

export const moreRefusedZips: readonly (readonly [string, Buffer, RegExp])[] = [
  ['a parent', zipArchive([{ name: '..' }]), /climbs out/],
  ['a parent as a folder', zipArchive([{ name: '../', unixMode: 0o040755 }]), /climbs out/],
  ['a parent with a space', zipArchive([{ name: '.. \\x', host: 0 }]), /climbs out/],
  ['a drive with a slash', zipArchive([{ name: 'D:/x', host: 0 }]), /drive letter/],
  ['a drive of NTFS', zipArchive([{ name: 'C:x', host: 10 }]), /drive letter/],
  ['a device path of Windows', zipArchive([{ name: '\\\\?\\C:\\x', host: 0 }]), /absolute/],
  ['slashes first', zipArchive([{ name: '///etc/passwd' }]), /absolute/],
  ['two slashes inside', zipArchive([{ name: 'a//b' }]), /two slashes/],
  ['a dot inside', zipArchive([{ name: 'a/./b' }]), /"\." inside/],
  ['a path of 5000 bytes', zipArchive([{ name: 'a/'.repeat(2500) }]), /pathBytesMax/],
  ['a name of 300 bytes', zipArchive([{ name: 'n'.repeat(300) }]), /componentBytesMax/],
  ['201 folders', zipArchive([{ name: `${'d/'.repeat(200)}x` }]), /depthMax/],
  [
    'another name in its Unicode field',
    zipArchive([
      {
        name: 'good',
        extra: extra(0x7075, Buffer.concat([Buffer.from([1, 0, 0, 0, 0]), Buffer.from('../evil')])),
      },
    ]),
    /./,
  ],
  [
    'a folder through a link',
    zipArchive([
      { name: 'l', ...link, content: '/tmp' },
      { name: 'l/d/', unixMode: 0o040755 },
    ]),
    /below "l"/,
  ],
  [
    'a link through a link',
    zipArchive([
      { name: 'l', ...link, content: '/tmp' },
      { name: 'l/m', ...link, content: 'x' },
    ]),
    /below "l"/,
  ],
  [
    'a file over a link',
    zipArchive([
      { name: 'l', ...link, content: '/etc/passwd' },
      { name: 'l', content: 'x' },
    ]),
    /same path/,
  ],
  [
    'a link over a file',
    zipArchive([
      { name: 'l', content: 'x' },
      { name: 'l', ...link, content: '/etc/passwd' },
    ]),
    /same path/,
  ],
  [
    'a link where a folder is',
    zipArchive([
      { name: 'd/x', content: 'x' },
      { name: 'd', ...link, content: '/tmp' },
    ]),
    /for a folder/,
  ],
  [
    'a link whose target is compressed and a lie',
    zipArchive([{ name: 'l', ...link, content: 'x', method: 8, size: 9 }]),
    /another size/,
  ],
  [
    'a link target of 1 MiB',
    zipArchive([{ name: 'l', ...link, content: Buffer.alloc(MiB, 'a'), method: 8 }]),
    /link target/,
  ],
  [
    'a file as a folder',
    zipArchive([{ name: 'a', content: 'x' }, { name: 'a/b' }]),
    /below "a", which is a file/,
  ],
  [
    'a file and a folder',
    zipArchive([
      { name: 'a', content: 'x' },
      { name: 'a/', unixMode: 0o040755 },
    ]),
    /same path/,
  ],
  [
    'a device with content',
    zipArchive([{ name: 's', unixMode: 0o020644, content: 'x' }]),
    /only a file can have/,
  ],
  [
    'a folder by attributes with content',
    zipArchive([{ name: 'd', host: 0, dosAttributes: 0x10, content: 'x' }]),
    /only a file can have/,
  ],
  [
    'an entry encrypted in one header only',
    patched(zipArchive([{ name: 'a', content: text }]), 6, u16(1)),
    /encryption in the directory/,
  ],
  [
    'a checksum of another in the local header',
    patched(zipArchive([{ name: 'a', content: text }]), 14, Buffer.from([1, 2, 3, 4])),
    /checksum in the directory/,
  ],
  [
    'a size of another in the local header',
    patched(zipArchive([{ name: 'a', content: text }]), 22, Buffer.from([1, 0, 0, 0])),
    /size in the directory/,
  ],
  [
    'a compressed size of another in the local header',
    patched(zipArchive([{ name: 'a', content: text }]), 18, Buffer.from([1, 0, 0, 0])),
    /size in the directory/,
  ],
  [
    'another compression in the local header',
    patched(zipArchive([{ name: 'a', content: text }]), 8, u16(8)),
    /compression in the directory/,
  ],
  [
    'a local name of another length',
    zipArchive([{ name: 'abc', localName: 'abcd', content: text }]),
    /name in the directory|overlaps/,
  ],
  ['LZMA', zipArchive([{ name: 'a', method: 14, content: text }]), /method 14/],
  ['bzip2', zipArchive([{ name: 'a', method: 12, content: text }]), /method 12/],
  ['deflate64', zipArchive([{ name: 'a', method: 9, content: text }]), /method 9/],
  ['zstd', zipArchive([{ name: 'a', method: 93, content: text }]), /method 93/],
  [
    'a size of 2^62 by zip64',
    zipArchive([
      {
        name: 'a',
        content: text,
        size: 0xffffffff,
        packedSize: 0xffffffff,
        extra: zip64(2n ** 62n, 2n ** 62n),
      },
    ]),
    /./,
  ],
  [
    'a zip64 field that is missing',
    zipArchive([{ name: 'a', content: text, size: 0xffffffff, packedSize: 22 }]),
    /./,
  ],
  [
    'a zip64 field that is too short',
    zipArchive([{ name: 'a', content: text, size: 0xffffffff, extra: extra(1, Buffer.alloc(3)) }]),
    /./,
  ],
  [
    'an offset by zip64 beyond the file',
    zipArchive([{ name: 'a', content: text, offset: 0xffffffff, extra: zip64(2n ** 50n) }]),
    /./,
  ],
  [
    'an extra field that runs out',
    zipArchive([{ name: 'a', content: text, extra: Buffer.from([1, 0, 0xff, 0xff]) }]),
    /./,
  ],
  ['a kernel that 300 entries share', overlappingKernel(), /name in the directory|overlaps/],
  [
    'an entry inside its own local header',
    zipArchive([
      { name: 'a', content: text },
      { name: 'b', offset: 5, content: text },
    ]),
    /signature|overlaps|damaged/,
  ],
  [
    'an offset in the directory',
    zipArchive([
      { name: 'a', content: text },
      { name: 'b', content: text, offset: 112 },
    ]),
    /./,
  ],
  ['1.25 GiB of zeros in 20 entries', bomb(), /ratioMax|checksum/],
  [
    'a comment that holds another end',
    zipArchive([{ name: 'a', content: text }], { comment: `PK\x05\x06${'\0'.repeat(18)}` }),
    /./,
  ],
  [
    'a comment longer than it says',
    patched(zipArchive([{ name: 'a', content: text }], { comment: 'abcdef' }), -8, u16(2)),
    /./,
  ],
  [
    'a directory that begins elsewhere',
    patched(zipArchive([{ name: 'a', content: text }]), -6, Buffer.from([1, 0, 0, 0])),
    /./,
  ],
  [
    'a directory beyond the file',
    patched(zipArchive([{ name: 'a', content: text }]), -6, Buffer.from([0xff, 0xff, 0xff, 0x7f])),
    /./,
  ],
  ['several disks', patched(zipArchive([{ name: 'a', content: text }]), -18, u16(3)), /./],
  ['65,535 entries told, and one there', zipArchive([{ name: 'a' }], { entryCount: 65_534 }), /damaged/],
  [
    'only the end of a directory',
    Buffer.concat([Buffer.from('PK\x05\x06', 'latin1'), Buffer.alloc(18)]),
    /empty archive|is not an archive/,
  ],
  [
    'only a local header',
    zipArchive([{ name: 'a', content: text }]).subarray(0, 53),
    /directory at its end is missing/,
  ],
  [
    'a cut in its directory',
    zipArchive([{ name: 'a', content: text }]).subarray(0, -30),
    /directory at its end is missing|cut short/,
  ],
  [
    'a Unicode name that climbs out',
    zipArchive([{ name: '..\u2215..\u2215x/../../y', flags: 0x800 }]),
    /climbs out/,
  ],
];

export const harmlessZips: readonly (readonly [string, Buffer])[] = [
  [
    'names that differ in case only',
    zipArchive([
      { name: 'README', content: 'a' },
      { name: 'readme', content: 'b' },
    ]),
  ],
  ['reserved names of Windows', zipArchive([{ name: 'CON' }, { name: 'nul.txt' }, { name: 'a. ' }])],
  [
    'links to everywhere',
    zipArchive([
      { name: 'a', ...link, content: '/etc/passwd' },
      { name: 'b', ...link, content: '../../x' },
    ]),
  ],
  [
    'devices and sockets',
    zipArchive([{ name: 'c', unixMode: 0o020644 }, { name: 's', unixMode: 0o140644 }, { name: 'f' }]),
  ],
  ['programs with the rights of their owner', zipArchive([{ name: 'su', unixMode: 0o106755, content: 'x' }])],
  [
    'archives inside',
    zipArchive([
      { name: 'a.zip', content: zipArchive([{ name: '../x' }]) },
      { name: 'a.tar', content: tarArchive(tarEntry({ name: '/x' })) },
    ]),
  ],
  ['names with escapes', zipArchive([{ name: '\x1b[2J' }, { name: 'a\nb' }])],
  ['a comment', zipArchive([{ name: 'a' }], { comment: '\x1b]0;evil\x07' })],
  ['a name of prototypes', zipArchive([{ name: '__proto__', content: 'x' }])],
  ['bytes before it that belong to nothing', zipArchive([{ name: 'a', content: bytesOf('x') }])],
];
