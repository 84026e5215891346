import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SourceKind } from '../../../src/model/snapshot.ts';
import {
  archiveRootName,
  exuviaFilePath,
  formatOfName,
  payloadPath,
  placesOf,
} from '../../../src/portable/layouts.ts';

const time = '2026-03-09T00:00:00.000Z';

function homePlacesOf(home: string, ...sources: [SourceKind, string][]): string[] {
  return placesOf(
    'home',
    sources.map(([kind, path]) => ({ kind, path })),
    { time, home },
  );
}

describe('formatOfName()', () => {
  it('knows the endings of what can be written, in any case', () => {
    assert.equal(formatOfName('/x/a.tar.gz'), 'tar.gz');
    assert.equal(formatOfName('a.TGZ'), 'tar.gz');
    assert.equal(formatOfName('a.tar.zst'), 'tar.zst');
    assert.equal(formatOfName('a.tzst'), 'tar.zst');
    assert.equal(formatOfName('a.b.tar'), 'tar');
  });

  it('is undefined for everything else', () => {
    for (const name of ['a', 'a.zip', 'a.gz', 'tar', 'a.tar.xz', 'a.tar.gz/']) {
      assert.equal(formatOfName(name), undefined, name);
    }
  });
});

describe('archiveRootName()', () => {
  it('is the UTC time as OpenClaw writes it', () => {
    assert.equal(archiveRootName(time), '2026-03-09T00-00-00.000Z-openclaw-backup');
    assert.equal(exuviaFilePath('openclaw', time), '2026-03-09T00-00-00.000Z-openclaw-backup/exuvia.json');
  });
});

describe('payloadPath()', () => {
  it('encodes absolute paths as OpenClaw does', () => {
    const paths = {
      '/home/u/.openclaw': 'posix/home/u/.openclaw',
      '/': 'posix',
      'C:\\Users\\u\\.openclaw': 'windows/C/Users/u/.openclaw',
      'd:/x/y': 'windows/D/x/y',
      '\\\\server\\share\\x': 'posix/server/share/x',
      'some/where': 'relative/some/where',
    };
    for (const [path, wanted] of Object.entries(paths)) assert.equal(payloadPath(path), wanted);
  });
});

describe('placesOf()', () => {
  it('puts sources at their absolute paths in layout openclaw', () => {
    const places = placesOf('openclaw', [{ kind: 'state', path: '/srv/claw' }], { time, home: '/home/u' });
    assert.deepEqual(places, ['2026-03-09T00-00-00.000Z-openclaw-backup/payload/posix/srv/claw']);
  });

  it('gives a source whose path is not UTF-8 a place that is', () => {
    const pathBytes = Buffer.from('/srv/caf\xe9', 'latin1').toString('base64');
    const places = placesOf('home', [{ kind: 'folder', path: '/srv/caf\ufffd', pathBytes }], {
      time,
      home: '/',
    });
    assert.match(places[0] ?? '', /^exuvia-external\/1-caf_~[0-9a-f]{12}$/);
  });

  it('keeps the names of OpenClaw folders in layout home, and gives others the usual one', () => {
    assert.deepEqual(homePlacesOf('/home/u', ['state', '/home/u/.openclaw-dev']), ['.openclaw-dev']);
    assert.deepEqual(homePlacesOf('/home/u', ['state', '/srv/claw']), ['.openclaw']);
  });

  it('puts what lies in the home folder at its place, and the rest aside', () => {
    const places = homePlacesOf(
      '/home/u',
      ['state', '/home/u/.openclaw'],
      ['workspace', '/home/u/projects/lobster'],
      ['workspace', '/srv/data/ws'],
      ['folder', '/home/user/other'],
    );
    assert.deepEqual(places, [
      '.openclaw',
      'projects/lobster',
      'exuvia-external/3-ws',
      'exuvia-external/4-other',
    ]);
  });

  it('lets nothing else lie in the place of a state folder that comes from elsewhere', () => {
    const places = homePlacesOf('/home/u', ['folder', '/home/u/.openclaw/x'], ['state', '/srv/claw']);
    assert.deepEqual(places, ['exuvia-external/1-x', '.openclaw']);
  });

  it('puts a home folder on Windows and a home folder itself where they belong', () => {
    const windows = homePlacesOf('C:\\Users\\u', ['workspace', 'C:\\Users\\u\\ws']);
    assert.deepEqual(windows, ['ws']);
    assert.deepEqual(homePlacesOf('/home/u', ['folder', '/home/u']), ['']);
    assert.deepEqual(homePlacesOf('', ['folder', '/home/u']), ['exuvia-external/1-u']);
  });
});
