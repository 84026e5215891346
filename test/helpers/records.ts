import type { SnapshotRecord } from '../../src/model/snapshot.ts';

/** A complete snapshot record, with the fields that matter to a test given. */
export function buildRecord(fields: Partial<SnapshotRecord>): SnapshotRecord {
  return {
    version: 1,
    time: '2026-11-20T10:00:00.000Z',
    sequence: 1,
    parent: null,
    sources: [],
    host: { name: 'host', platform: 'linux', home: '/home/u', user: 'u', users: {}, groups: {} },
    program: { name: 'exuvia', version: '0.1.0', node: 'v24.0.0' },
    components: null,
    include: [],
    exclude: [],
    tags: [],
    message: '',
    reason: 'manual',
    openclaw: null,
    stats: {
      files: 0,
      directories: 0,
      links: 0,
      newFiles: 0,
      changedFiles: 0,
      unchangedFiles: 0,
      removedFiles: 0,
      totalBytes: 0,
      readBytes: 0,
      addedBytes: 0,
      storedBytes: 0,
      durationMs: 0,
    },
    unreadable: [],
    unreadableCount: 0,
    ...fields,
  };
}
