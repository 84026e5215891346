/** Records of snapshots as the index holds them: as they are, or sealed, with a checksum either way. */
import { crcOf } from '../codec/short-crc.ts';
import type { SnapshotId } from '../model/ids.ts';
import type { Snapshot, SnapshotRecord } from '../model/snapshot.ts';
import type { LocalSeal } from './local-seal.ts';

/** As SQLite gives it. */
export type SnapshotRow = [id: Buffer, record: string, crc: number];

export class SnapshotRows {
  readonly #seal: LocalSeal | undefined;

  constructor(seal: LocalSeal | undefined) {
    this.#seal = seal;
  }

  encode(record: SnapshotRecord): string {
    const text = JSON.stringify(record);
    return this.#seal === undefined
      ? text
      : this.#seal.seal(rowContext, Buffer.from(text)).toString('base64');
  }

  /** Undefined for a row that rotted: the snapshot is read from its file again. */
  decode([id, text, crc]: SnapshotRow): Snapshot | undefined {
    if (checksumOf(id, text) !== crc) return undefined;
    const record = this.#seal === undefined ? text : this.#open(text);
    if (record === undefined) return undefined;
    return Object.assign(JSON.parse(record) as SnapshotRecord, { id: id.toString('hex') as SnapshotId });
  }

  pathsText(paths: readonly string[]): string {
    const text = JSON.stringify(paths);
    return this.#seal === undefined ? text : this.#seal.nameOf(text).toString('hex');
  }

  #open(text: string): string | undefined {
    return this.#seal?.open(rowContext, Buffer.from(text, 'base64'))?.toString('utf8');
  }
}

const rowContext = 'snapshot';

export function checksumOf(id: Uint8Array, text: string): number {
  return crcOf(text, crcOf(id));
}
