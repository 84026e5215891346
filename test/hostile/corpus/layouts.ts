/** Archives whose names are all harmless and whose descriptions are not: OpenClaw's manifest, and Exuvia's own list of members. */
import { createHash } from 'node:crypto';
import { tarArchive, tarEntry } from '../../helpers/archives.ts';
import { buildRecord } from '../../helpers/records.ts';

const file = (name: string, content = 'content') => tarEntry({ name, content });
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function official(changes: object): Buffer {
  const manifest = {
    schemaVersion: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    archiveRoot: 'r',
    assets: [
      { kind: 'state', sourcePath: '/home/u/.openclaw', archivePath: 'r/payload/posix/home/u/.openclaw' },
    ],
    ...changes,
  };
  return tarArchive(
    file('r/manifest.json', JSON.stringify(manifest)),
    file('r/payload/posix/home/u/.openclaw/openclaw.json', '{}'),
  );
}

interface Own {
  readonly places?: unknown;
  readonly sources?: unknown;
  readonly members?: unknown;
  readonly owner?: unknown;
  readonly snapshot?: object;
  readonly head?: object;
}

const member = { path: '.openclaw/openclaw.json', type: 'file', size: 2, sha256: sha256('{}') };

/** Our own list, with some of it changed. */
function own({ places, sources, members, owner, snapshot, head }: Own, ...more: readonly Buffer[]): Buffer {
  const record = {
    ...buildRecord({}),
    id: 'a'.repeat(64),
    sources: sources ?? [{ path: '/home/u/.openclaw', kind: 'state', root: null, entries: 1 }],
    ...snapshot,
  };
  const text = JSON.stringify({
    format: 'exuvia-archive',
    version: 1,
    layout: 'home',
    snapshot: record,
    places: places ?? ['.openclaw'],
    owner: owner ?? { uid: 0, gid: 0 },
    leftOut: [],
    entries: 1,
    ...head,
    members: members ?? [member],
  });
  return tarArchive(file('.openclaw/openclaw.json', '{}'), ...more, file('.exuvia-archive.json', text));
}

const notValid = /member 1 of its list is not valid/;

export const refusedLayouts: readonly (readonly [string, Buffer, RegExp])[] = [
  [
    'a list that leaves out a member',
    own({}, file('.openclaw/hooks/evil.sh')),
    /is not in the list of members/,
  ],
  [
    'a list of a member that is not there',
    own({ members: [member, { ...member, path: '.openclaw/gone' }] }),
    /it is missing/,
  ],
  [
    'a list with another content',
    own({ members: [{ ...member, sha256: sha256('other') }] }),
    /content is not what was archived/,
  ],
  [
    'a list with another type',
    own({ members: [{ ...member, type: 'symlink' }] }),
    /content is not what was archived/,
  ],
  ['a place that is a number', own({ places: [5] }), /no valid head/],
  ['more places than sources', own({ places: ['.openclaw', 'x', 'y'] }), /no valid head/],
  ['an owner that is a text', own({ owner: { uid: 'root', gid: 0 } }), /no valid head/],
  ['a member of a negative owner', own({ members: [{ ...member, uid: -1 }] }), notValid],
  ['a member of an owner beyond 32 bits', own({ members: [{ ...member, uid: 2 ** 40 }] }), notValid],
  ['a member with a mode beyond all', own({ members: [{ ...member, mode: 0o1777777 }] }), notValid],
  ['a member with a state nobody knows', own({ members: [{ ...member, state: 'evil' }] }), notValid],
  ['a member whose path is a list', own({ members: [{ ...member, path: ['x'] }] }), notValid],
  ['a member whose hard link is a number', own({ members: [{ ...member, hardLink: 7 }] }), notValid],
  ['a member that is null', own({ members: [null] }), notValid],
  ['members that are an object', own({ members: { length: 1 } }), /is not one of Exuvia/],
  [
    'a source with a zero byte',
    own({ sources: [{ path: '/x\0y', kind: 'state', root: null, entries: 0 }] }),
    /no valid "sources"/,
  ],
  [
    'a source of a kind nobody knows',
    own({ sources: [{ path: '/x', kind: 'evil', root: null, entries: 0 }] }),
    /no valid "sources"/,
  ],
  ['a source that is null', own({ sources: [null] }), /no valid "sources"/],
  [
    '5000 sources',
    own({
      sources: Array.from({ length: 5000 }, () => ({ path: '/x', kind: 'state', root: null, entries: 0 })),
    }),
    /no valid "sources"/,
  ],
  ['a snapshot without a time', own({ snapshot: { time: 'yesterday' } }), /no valid "time"/],
  ['statistics of texts', own({ snapshot: { stats: {} } }), /no valid "stats"/],
  ['a version of the future', own({ head: { version: 2 } }), /has version 2/],
  [
    'a list of a million empty lists',
    own({ head: { more: Array.from({ length: 1_000_000 }, () => []) } }),
    /longer than the archive/,
  ],
  [
    'a list that is no JSON',
    tarArchive(
      file('.openclaw/openclaw.json', '{}'),
      file('.exuvia-archive.json', '{"format":"exuvia-archive",'),
    ),
    /not JSON/,
  ],
  [
    'a manifest that names what is not there',
    official({ assets: [{ kind: 'state', sourcePath: '/x', archivePath: 'r/payload/gone' }] }),
    /is not in it/,
  ],
  [
    'no members but descriptions',
    tarArchive(tarEntry({ name: './', type: '5' })),
    /no files in it|empty archive/,
  ],
];

export const harmlessLayouts: readonly (readonly [string, Buffer])[] = [
  // What does not hold makes it a plain archive of a home or folder.
  [
    'a manifest whose asset is outside its payload',
    official({ assets: [{ kind: 'state', sourcePath: '/x', archivePath: '../x' }] }),
  ],
  ['a manifest whose root climbs out', official({ archiveRoot: '..' })],
  [
    'a manifest with 100,000 assets',
    official({
      assets: Array.from({ length: 100_000 }, () => ({
        kind: 'state',
        sourcePath: '/x',
        archivePath: 'r/payload/posix',
      })),
    }),
  ],
  [
    'a manifest with __proto__',
    tarArchive(file('r/manifest.json', '{"__proto__":{"schemaVersion":1}}'), file('r/x', 'y')),
  ],
  [
    'an asset that lay in the parent of everything',
    official({
      assets: [
        { kind: 'folder', sourcePath: '/..', archivePath: 'r/payload/posix' },
        { kind: 'folder', sourcePath: '/../..', archivePath: 'r/payload/posix/home' },
      ],
    }),
  ],
  [
    'assets that lay in /etc and .ssh',
    official({
      assets: [
        { kind: 'state', sourcePath: '/home/u/.openclaw', archivePath: 'r/payload/posix/home/u/.openclaw' },
        { kind: 'workspace', sourcePath: '/etc', archivePath: 'r/payload/posix/home/u' },
        { kind: 'config', sourcePath: '/home/u/.ssh/authorized_keys', archivePath: 'r/payload/posix' },
      ],
    }),
  ],
  [
    'sources called ..',
    own({
      sources: [
        { path: '/a/..', kind: 'folder', root: null, entries: 0 },
        { path: '..', kind: 'folder', root: null, entries: 0 },
      ],
      places: ['.openclaw', null],
    }),
  ],
  [
    'a program with the rights of its owner in the list',
    own({ members: [{ ...member, mode: 0o6755, uid: 0 }] }),
  ],
];
