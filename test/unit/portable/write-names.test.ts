import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ByteString, byteStringOf, keyOfPath, type PathKey } from '../../../src/model/paths.ts';
import { type ArchivedLink, linksToReport } from '../../../src/portable/write-links.ts';
import { linkNameOf, PathNamer, portableKey, tarNameOf } from '../../../src/portable/write-names.ts';

function namesOf(portable: boolean, ...paths: string[]): string[] {
  const namer = new PathNamer(byteStringOf('top'), portable);
  return paths.map((path) => namer.nameOf(keyOfPath(path as ByteString)).text);
}

describe('PathNamer', () => {
  it('keeps names in UTF-8', () => {
    assert.deepEqual(namesOf(false, '', 'a', 'a/b', byteStringOf('käse'), 'back\\slash'), [
      'top',
      'top/a',
      'top/a/b',
      'top/käse',
      'top/back\\slash',
    ]);
  });

  it('gives a stand-in to each name that is not, and keeps it for what is inside', () => {
    const [folder, inside, other] = namesOf(false, 'd\xff', 'd\xff/x', 'd\xfe');
    assert.match(folder ?? '', /^top\/d_~[0-9a-f]{12}$/);
    assert.equal(inside, `${folder}/x`);
    assert.notEqual(other, folder);
  });

  it('tells the true path beside a stand-in', () => {
    const namer = new PathNamer(byteStringOf('töp'), true);
    const name = namer.nameOf(keyOfPath('caf\xe9/x' as ByteString));
    assert.equal(Buffer.from(name.trueBytes ?? '', 'base64').toString('latin1'), 't\xc3\xb6p/caf\xe9/x');
    assert.equal(namer.nameOf(keyOfPath('plain' as ByteString)).trueBytes, undefined);
  });

  it('never gives two names that OpenClaw takes for one, when portable', () => {
    const part = fc.constantFrom('a', 'A', 'ä', 'a\u0308', 'Ä', 'b\\c', 'x\ny', 'C:', 'ß', 'SS');
    const paths = fc.array(fc.array(part, { minLength: 1, maxLength: 3 }), { maxLength: 30 });
    fc.assert(
      fc.property(paths, (lists) => {
        const keys = new Set<PathKey>();
        for (const list of lists) {
          for (let depth = 1; depth <= list.length; depth++) {
            keys.add(keyOfPath(byteStringOf(list.slice(0, depth).join('/'))));
          }
        }
        const namer = new PathNamer(byteStringOf('top'), true);
        const texts = [...keys].sort().map((key) => namer.nameOf(key).text);
        assert.equal(new Set(texts.map(portableKey)).size, keys.size);
        assert.ok(!texts.some((text) => /[\\\n:]/.test(text)));
      }),
    );
  });
});

describe('linkNameOf()', () => {
  it('keeps what tar can say', () => {
    assert.deepEqual(linkNameOf(byteStringOf('../ä\\b'), true), { text: '../ä\\b' });
    assert.deepEqual(linkNameOf('a\nb' as ByteString, false), { text: 'a\nb' });
  });

  it('names a target as its path is named', () => {
    const target = 'd\xff/x' as ByteString;
    assert.equal(linkNameOf(target, true).text, tarNameOf(target).text);
    assert.match(linkNameOf('a\nb' as ByteString, true).text, /^a_b~/);
  });
});

describe('linksToReport()', () => {
  const state = { sourcePath: '/home/u/.openclaw', archivePath: 'r/payload/posix/home/u/.openclaw' };
  const workspace = { kind: 'workspace', sourcePath: '/srv/ws', archivePath: 'r/payload/posix/srv/ws' };
  const boundary = { platform: 'linux', state, assets: [{ kind: 'state', ...state }, workspace] };
  const inState = (linkpath: string): ArchivedLink => ({ entryPath: `${state.archivePath}/l`, linkpath });
  const inWorkspace = (linkpath: string): ArchivedLink => ({
    entryPath: `${workspace.archivePath}/l`,
    linkpath,
  });

  it('needs no report where all links are relative and stay inside', () => {
    const links = [inState('x'), inState('a/../../.openclaw/y'), inWorkspace('./z'), inWorkspace('sub/')];
    assert.equal(linksToReport(links, boundary), undefined);
    assert.equal(linksToReport([], boundary), undefined);
  });

  it('names what leads out of the state folder, and only that', () => {
    const within = [inState('x'), inState('/home/u/.openclaw/x'), inState('/home/u/.openclaw')];
    const outside = [
      inState('/etc/hosts'),
      inState('/home/u/.openclaw-dev'),
      inState('/home/u/.openclaw/../x'),
      inState('../x'),
      inState('../../../../../../../x'),
      inWorkspace('x'),
    ];
    assert.deepEqual(linksToReport([...within, ...outside], boundary), outside);
  });

  it('knows absolute paths of Windows', () => {
    const windows = {
      sourcePath: 'C:\\Users\\u\\.openclaw',
      archivePath: 'r/payload/windows/C/Users/u/.openclaw',
    };
    const link = (linkpath: string): ArchivedLink => ({ entryPath: `${windows.archivePath}/l`, linkpath });
    const links = [link('c:\\users\\u\\.openclaw\\x'), link('D:\\x'), link('..\\x'), link('sub\\x')];
    const assets = [{ kind: 'state', ...windows }];
    const reported = linksToReport(links, { platform: 'win32', state: windows, assets });
    assert.deepEqual(reported, [links[1], links[2]]);
  });

  it('reports nothing where there is no boundary', () => {
    assert.equal(linksToReport([inState('/etc/hosts')], { ...boundary, state: undefined }), undefined);
  });
});
