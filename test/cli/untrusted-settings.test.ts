/** Commands in settings that a restore or an import brought do not run, whichever way they came. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { BlobId } from '../../src/model/ids.ts';
import type { SourceKind } from '../../src/model/snapshot.ts';
import type { TreeNode } from '../../src/model/tree.ts';
import { type CliRun, runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { CraftedRepository, type Entries, file, folder } from '../hostile/crafted-repository.ts';

class Victim {
  readonly home: string;
  readonly state: string;
  /** Not the stranger's. */
  readonly repository: string;
  readonly env: Record<string, string>;

  constructor(context: TestContext, env: (home: string) => Record<string, string> = () => ({})) {
    this.home = temporaryFolder(context);
    this.state = join(this.home, '.openclaw');
    this.repository = join(this.home, 'own');
    this.env = env(this.home);
    this.put('.openclaw/openclaw.json', '{}');
  }

  at(path: string): string {
    return join(this.home, path);
  }

  put(path: string, content: string): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), content);
  }

  run(...words: string[]): CliRun {
    return runCli(words, { home: this.home, env: this.env });
  }

  must(...words: string[]): CliRun {
    const run = this.run(...words);
    assert.equal(run.status, 0, `${words.join(' ')}\n${run.stderr}${run.stdout}`);
    return run;
  }

  get settings(): string {
    return JSON.stringify({ backup: { postBackup: `touch ${this.at('PWNED')}` } });
  }

  /** A snapshot of a stranger, of one source. */
  strange(kind: SourceKind, path: string, entries: Entries): string {
    const made = new CraftedRepository(this.at(`stranger-${path.length}-${kind}`));
    const all: Entries = entries.map(([key, node]) => [
      key,
      Buffer.isBuffer(node) ? node : stored(made, node),
    ]);
    const leaves: [string, BlobId][] = [];
    for (let at = 0; at < all.length; at += 400) {
      const part = all.slice(at, at + 400);
      leaves.push([part.at(-1)?.[0] ?? '', made.leaf(part)]);
    }
    const root = made.inner(1, leaves);
    made.snapshot([{ path, kind, root, entries: entries.length }], { tags: [] });
    made.pack();
    return made.root;
  }

  /** Nothing runs before the user has said so, and then it does: so the settings were in force. */
  isSafe(name: string, ...words: string[]): void {
    const create = ['backup', 'create', '--repository', this.repository, ...words];
    const waiting = this.run(...create);
    assert.equal(existsSync(this.at('PWNED')), false, `${name}: it ran`);
    assert.equal(waiting.status, 3, name + waiting.stderr);
    assert.match(waiting.stdout, /came with a restore or an import.*exuvia settings trust/, name);
    assert.equal(this.must('settings', 'trust', ...words, '--json').json.trusted.length, 1, name);
    this.must(...create);
    assert.equal(existsSync(this.at('PWNED')), true, `${name}: the settings were not in force`);
  }
}

/** A file of more than a few bytes is a blob. */
function stored(made: CraftedRepository, node: TreeNode): TreeNode {
  if (node.type !== 'file' || node.content.kind !== 'inline') return node;
  const { bytes } = node.content;
  return { ...node, content: { kind: 'blob', id: made.blob('data', bytes) } };
}

for (const kind of ['state', 'workspace', 'credentials', 'agent', 'include', 'folder'] as const) {
  test(`settings in a source that calls itself ${kind} and lies in the state directory`, (context) => {
    const victim = new Victim(context);
    const repository = victim.strange(kind, victim.state, [
      ['', folder],
      ['exuvia.json5', file(victim.settings)],
    ]);
    victim.must('backup', 'restore', 'latest', '--repository', repository, '--no-snapshot');
    victim.isSafe(kind);
  });
}

test('settings in a source that begins above the state directory', (context) => {
  const victim = new Victim(context);
  const repository = victim.strange('folder', victim.home, [
    ['', folder],
    ['.openclaw', folder],
    ['.openclaw\0exuvia.json5', file(victim.settings)],
  ]);
  victim.must('backup', 'restore', 'latest', '--repository', repository, '--no-snapshot');
  victim.isSafe('above');
});

test('settings as a source of a single file', (context) => {
  const victim = new Victim(context);
  const path = join(victim.state, 'exuvia.json5');
  const repository = victim.strange('folder', path, [['', file(victim.settings)]]);
  victim.must('backup', 'restore', 'latest', '--repository', repository, '--no-snapshot');
  victim.isSafe('a file');
});

test('settings of an archive of any folder, restored over the state directory', (context) => {
  const victim = new Victim(context);
  victim.put('evil/exuvia.json5', victim.settings);
  execFileSync('tar', ['-czf', victim.at('evil.tar.gz'), '-C', victim.at('evil'), 'exuvia.json5']);
  const words = ['--target', victim.state, '--conflict', 'overwrite', '--repository', victim.at('r')];
  victim.must('backup', 'restore', victim.at('evil.tar.gz'), ...words);
  victim.isSafe('a folder');
});

test('settings of an archive that is imported first and restored from the repository', (context) => {
  const victim = new Victim(context);
  victim.put('evil/.openclaw/exuvia.json5', victim.settings);
  victim.put('evil/.openclaw/openclaw.json', '{}');
  execFileSync('tar', ['-czf', victim.at('evil.tar.gz'), '-C', victim.at('evil'), '.openclaw']);
  const words = ['--repository', victim.at('r')];
  const { snapshot } = victim.must('backup', 'import', victim.at('evil.tar.gz'), '--json', ...words).json;
  victim.must('backup', 'restore', snapshot.id ?? snapshot, ...words);
  victim.isSafe('import');
});

test('settings of a target that becomes the state directory later', (context) => {
  const victim = new Victim(context, (home) => ({ OPENCLAW_STATE_DIR: join(home, 'x/.openclaw') }));
  victim.put('evil/deep/.openclaw/exuvia.json5', victim.settings);
  victim.put('evil/deep/.openclaw/readme', 'nothing else that looks like a home');
  execFileSync('tar', ['-czf', victim.at('evil.tar.gz'), '-C', victim.at('evil/deep'), '.openclaw']);
  const words = ['--target', victim.at('x'), '--repository', victim.at('r')];
  const before = runCli(['backup', 'restore', victim.at('evil.tar.gz'), ...words], { home: victim.home });
  assert.equal(before.status, 0, before.stderr);
  if (!existsSync(victim.at('x/.openclaw'))) victim.env['OPENCLAW_STATE_DIR'] = victim.at('x');
  victim.isSafe('a target');
});

test('a configuration that the environment names, in a place of its own', (context) => {
  const victim = new Victim(context, (home) => ({
    OPENCLAW_CONFIG_PATH: join(home, '.openclaw/workspace/mine.json'),
  }));
  victim.put('.openclaw/workspace/mine.json', '{}');
  const repository = victim.strange('state', victim.state, [
    ['', folder],
    ['workspace', folder],
    ['workspace\0mine.json', file(victim.settings)],
  ]);
  victim.must('backup', 'restore', 'latest', '--repository', repository, '--no-snapshot');
  victim.isSafe('environment');
});

test('a configuration of the state directory that is imported, and one that is restored', (context) => {
  const victim = new Victim(context);
  victim.put('evil.json', victim.settings.replace('{"backup"', '{"channels":{},"backup"'));
  victim.must('config', 'import', victim.at('evil.json'), '--repository', victim.at('r'));
  victim.isSafe('config import');
  rmSync(victim.at('PWNED'));
  const other = victim.settings.replace('{"backup"', '{"gateway":{},"backup"');
  const repository = victim.strange('state', victim.state, [
    ['', folder],
    ['openclaw.json', file(other)],
  ]);
  victim.must('backup', 'restore', 'latest', '--repository', repository, '--no-snapshot');
  victim.isSafe('restore');
});

test('no bundle brings settings of ours, whatever it calls the file', (context) => {
  const kinds = ['include', 'env', 'secrets', 'credentials', 'approvals', 'auth', 'config'];
  for (const kind of kinds) {
    const victim = new Victim(context);
    const fileOf = (path: string, kindOf: string, content: string) => ({
      ...{ path, kind: kindOf, mode: '0600', encoding: 'utf8', content },
      sha256: createHash('sha256').update(content).digest('hex'),
    });
    const bundle = {
      ...{ format: 'exuvia config bundle', version: 1, created: '2026-01-01T00:00:00.000Z' },
      ...{ program: 'exuvia', redacted: false },
      source: {
        ...{ host: 'h', platform: 'linux', home: victim.home, stateDir: victim.state, openclaw: null },
        configPath: join(victim.state, 'openclaw.json'),
      },
      files: [
        fileOf('openclaw.json', 'config', '{ "gateway": {}, "$include": "./exuvia.json5" }'),
        fileOf('exuvia.json5', kind, victim.settings),
      ],
    };
    victim.put('bundle.json', JSON.stringify(bundle));
    const imported = victim.run('config', 'import', victim.at('bundle.json'), '--repository', victim.at('r'));
    assert.equal(imported.status, 1, kind + imported.stderr);
    assert.match(imported.stderr, /cannot be of kind|it holds more than one configuration/, kind);
    assert.equal(existsSync(join(victim.state, 'exuvia.json5')), false, kind);
  }
});

test('a command for the passphrase that arrives does not run, by restore or by import', (context) => {
  const victim = new Victim(context);
  const settings = (extra: object) =>
    JSON.stringify({
      ...extra,
      backup: { encryption: { passphraseCommand: `touch ${victim.at('PWNED')}` } },
    });
  const key = ['--key-file', victim.at('key'), '--repository', victim.repository];
  victim.must('backup', 'create', '--encrypt', ...key);
  const isRefused = (): void => {
    const refused = victim.run('backup', 'list', '--repository', victim.repository);
    assert.equal(refused.status, 12);
    assert.match(
      refused.stderr,
      /passphraseCommand of .* is not run: the file came with a restore or an import/,
    );
    assert.equal(existsSync(victim.at('PWNED')), false);
  };
  const repository = victim.strange('workspace', victim.state, [
    ['', folder],
    ['exuvia.json5', file(settings({}))],
  ]);
  victim.must('backup', 'restore', 'latest', '--repository', repository, '--no-snapshot');
  isRefused();
  rmSync(join(victim.state, 'exuvia.json5'));
  victim.put('evil.json', settings({ gateway: {} }));
  victim.must('config', 'import', victim.at('evil.json'), '--repository', victim.at('r'), '--no-snapshot');
  isRefused();
});

test('no number of settings makes one of them forgotten', (context) => {
  const victim = new Victim(context);
  const many = Array.from(
    { length: 600 },
    (_, index) => [`z\0${String(index).padStart(4, '0')}\0exuvia.json5`, index] as const,
  );
  const repository = victim.strange('folder', victim.state, [
    ['', folder],
    ['exuvia.json5', file(victim.settings)],
    ['z', folder],
    ...many.flatMap(
      ([key, index]): Entries => [
        [key.slice(0, -'\0exuvia.json5'.length), folder],
        [key, file(`{ backup: { postBackup: "echo ${index}" } }`)],
      ],
    ),
  ]);
  const refused = victim.run('backup', 'restore', 'latest', '--repository', repository, '--no-snapshot');
  assert.equal(refused.status, 1, refused.stderr);
  assert.match(refused.stderr, /There are 601 settings files with commands in it/);
  assert.equal(existsSync(join(victim.state, 'exuvia.json5')), false);
});
