import { invariant } from './errors.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** A limit on everything, in one place. Bytes unless the name says otherwise. */
export const limits = {
  /** Content up to this size is held in the tree node itself. */
  inlineBytesMax: 64,
  /** Files up to this size are one chunk. */
  singleChunkBytesMax: 64 * KiB,
  /** More chunks than this go to a list tree. */
  nodeChunksMax: 8,
  chunkBytesMax: 2 * MiB,
  blobBytesMax: 4 * MiB,
  /** A data frame is closed when it holds this much. */
  dataFrameBytesTarget: 1 * MiB,
  /** The same of one that holds parts of large contents, which are read as a whole: it compresses better. */
  largeFrameBytesTarget: 4 * MiB,
  /** A data frame of so much is one of those. */
  largeFrameBytesMin: 2 * MiB,
  /** A content of this size or more is large. */
  largeContentBytesMin: 4 * MiB,
  /** Tree frames are smaller: they are read in pieces. */
  treeFrameBytesTarget: 256 * KiB,
  frameRawBytesMax: 8 * MiB,
  frameStoredBytesMax: 9 * MiB,
  frameBlobsMax: 65_536,
  /** A pack is sealed when it holds this much, or so many blobs or frames: its directory must not get too large. */
  packBytesTarget: 16 * MiB,
  packBlobsTarget: 500_000,
  packFramesTarget: 32_768,
  packBytesMax: 64 * MiB,
  packDirectoryBytesMax: 32 * MiB,
  packFramesMax: 65_536,
  /**
   * What may fail to decode while frames are looked for in one damaged pack. One whose frames are all damaged, and had been compressed
   * fivehundredfold, costs less; one crafted of false frames that overlap would take hours.
   */
  salvageFailedBytesMax: 8 * 1024 * MiB,
  /** Entries of one node of a map or list; the hash cuts far earlier. */
  mapNodeEntriesMax: 512,
  mapNodeBytesMax: 64 * KiB,
  mapLevelsMax: 16,
  keyBytesMax: 32 * KiB,
  linkTargetBytesMax: 32 * KiB,
  /** Aligned blocks of zeros of this size are holes. */
  holeBytes: 64 * KiB,
  /** User and group ids have 32 bits; the highest means "no change" to the system. */
  ownerIdMax: 2 ** 32 - 2,
  /** The most that ext4 allows. */
  fileBytesMax: 16 * 1024 * 1024 * MiB,
  pageLayersMax: 32,
  pageUnitsMax: 1024 * 1024,
  pageUnitBytesMax: 1 * MiB,
  /** Ids in one segment of a page list. */
  pageSegmentUnits: 1024,
  /** Folders and files that one snapshot or archive is made of; a home has a few. */
  sourcesMax: 4096,
  snapshotFileBytesMax: 4 * MiB,
  snapshotRawBytesMax: 16 * MiB,
  parametersFileBytesMax: 1 * MiB,
  unreadableListedMax: 1000,
  /** A configuration, or a bundle of it with credentials. */
  configInputBytesMax: 256 * MiB,
  /** A bundle of sessions is parsed as one text, and a text cannot be much longer. */
  sessionsInputBytesMax: 448 * MiB,
  /** Of one JSON text from outside; each takes up to 60 bytes in memory. */
  jsonValuesMax: 20_000_000,
  /** Of one that people wrote, with comments: those and the texts in it count too. */
  json5ValuesMax: 4_000_000,
  jsonNestingMax: 200,
  /** One event of a transcript that is stored compressed; OpenClaw's own limit is 4 MiB. */
  transcriptEventBytesMax: 16 * MiB,
  /** Of a file that is put in place by a thread. */
  orderedFileBytesMax: 64 * MiB,
  orderedFileChunksMax: 65_536,
  /** Decoded frames kept in memory while reading. */
  frameCacheBytesMax: 24 * MiB,
} as const;

invariant(limits.singleChunkBytesMax <= limits.chunkBytesMax, 'a single chunk is a chunk');
invariant(limits.chunkBytesMax <= limits.blobBytesMax, 'a chunk is a blob');
invariant(
  limits.blobBytesMax + limits.dataFrameBytesTarget <= limits.frameRawBytesMax,
  'a frame holds any blob',
);
invariant(
  limits.largeFrameBytesTarget + 4 * limits.frameBlobsMax <= limits.frameRawBytesMax,
  'a frame of large contents is a frame',
);
invariant(limits.mapNodeBytesMax + limits.keyBytesMax * 2 <= limits.blobBytesMax, 'a map node is a blob');
invariant(
  (limits.packBlobsTarget + limits.frameBlobsMax) * (32 + 5) + (limits.packFramesTarget + 1) * 16 <
    limits.packDirectoryBytesMax,
  'the directory of any pack that is written can be read',
);
invariant(limits.pageSegmentUnits * 32 <= limits.blobBytesMax, 'a page segment is a blob');
invariant(
  (limits.pageUnitsMax / limits.pageSegmentUnits) * 32 <= limits.blobBytesMax,
  'the list of page segments is a blob',
);
