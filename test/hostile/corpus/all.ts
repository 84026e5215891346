/** All hostile archives, by what they try. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { harmlessLayouts, refusedLayouts } from './layouts.ts';
import { harmlessTars, moreRefusedTars, refusedPacked } from './more-tars.ts';
import { harmlessZips, moreRefusedZips } from './more-zips.ts';
import { refusedTars } from './refused-tars.ts';
import { refusedZips } from './refused-zips.ts';

export interface HostileArchive {
  readonly name: string;
  readonly bytes: Buffer;
  /** What the refusal says; undefined for what is taken. */
  readonly refusal?: RegExp;
  /** One that is there unpacked too: reading it is what is new. */
  readonly isRepacked?: true;
}

type Refused = readonly (readonly [string, Buffer, RegExp])[];
type Harmless = readonly (readonly [string, Buffer])[];

function refused(kind: string, table: Refused): HostileArchive[] {
  return table.map(([name, bytes, refusal]) => ({ name: `${kind} with ${name}`, bytes, refusal }));
}

function harmless(kind: string, table: Harmless): HostileArchive[] {
  return table.map(([name, bytes]) => ({ name: `${kind} with ${name}`, bytes }));
}

/** Every third of them packed by gzip or zstd: the reader of headers is the same, the way to it is not. */
function packed(archives: readonly HostileArchive[]): HostileArchive[] {
  return archives.flatMap(({ name, bytes, refusal }, index) => {
    if (index % 3 === 0) return [];
    const [kind, pack] =
      index % 3 === 1 ? (['tar.gz', gzipSync] as const) : (['tar.zst', zstdCompressSync] as const);
    return [
      {
        name: name.replace(/^tar/, kind),
        bytes: pack(bytes),
        isRepacked: true,
        ...(refusal === undefined ? {} : { refusal }),
      },
    ];
  });
}

const tars = [
  ...refused('tar', refusedTars),
  ...refused('tar', moreRefusedTars),
  ...harmless('tar', harmlessTars),
];

export const hostileArchives: readonly HostileArchive[] = [
  ...tars,
  ...packed(tars),
  ...refused('archive:', refusedPacked),
  ...refused('zip', refusedZips),
  ...refused('zip', moreRefusedZips),
  ...harmless('zip', harmlessZips),
  ...refused('archive', refusedLayouts),
  ...harmless('archive', harmlessLayouts),
];
