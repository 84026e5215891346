/**
 * Every shell line and every settings block of the documentation that people come from, run through the installed shim in a
 * home of their own, each with what it must do. `page.json` lists them; where the page itself lies beside the project, a line
 * that was added there and not here fails the test.
 */
import assert from 'node:assert/strict';
import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import JSON5 from 'json5';
import { parseSettings } from '../../src/openclaw/settings.ts';
import { runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const lists = JSON.parse(readFileSync(new URL('page.json', import.meta.url), 'utf8')) as {
  readonly shell: readonly string[];
  readonly settings: readonly object[];
};
const page = fileURLToPath(new URL('../../../shared/reference/documented-cli.ko.md', import.meta.url));

const config = `{
  // mine
  gateway: { port: 1 },
  channels: { telegram: { botToken: "123:secret" } },
}
`;
const transcript =
  '{"type":"session","version":3,"id":"s1"}\n{"type":"message","id":"m1","message":{"role":"user","content":[{"type":"text","text":"hello"}]}}\n';

/** A user of the documentation: a home, the shim first on PATH, rclone with a remote, and `aws` that copies as rclone does. */
class Reader {
  readonly home: string;
  readonly cwd: string;
  readonly state: string;
  readonly remote: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(context: TestContext) {
    const folder = temporaryFolder(context);
    this.home = join(folder, 'home');
    this.cwd = join(folder, 'here');
    this.state = join(this.home, '.openclaw');
    this.remote = join(folder, 'remote');
    const bin = join(folder, 'bin');
    for (const made of [this.home, this.cwd, this.remote, bin]) mkdirSync(made);
    writeFileSync(join(folder, 'rclone.conf'), `[remote]\ntype = alias\nremote = ${this.remote}\n`);
    writeFileSync(
      join(bin, 'aws'),
      '#!/bin/sh\ntest "$1 $2" = "s3 sync" && exec rclone sync "$3" "remote:$(echo "$4" | cut -c6-)"\n',
    );
    chmodSync(join(bin, 'aws'), 0o755);
    this.#env = {
      HOME: this.home,
      PATH: [join(this.home, '.exuvia/bin'), bin, process.env['PATH']].join(':'),
      RCLONE_CONFIG: join(folder, 'rclone.conf'),
      SHELL: '/bin/sh',
      TZ: 'UTC',
    };
    assert.equal(runCli(['shim', 'install'], { home: this.home }).status, 0);
    this.fill();
  }

  put(path: string, content: string): void {
    mkdirSync(dirname(join(this.state, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(this.state, path), content, { mode: 0o600 });
  }

  fill(): void {
    this.put('openclaw.json', config);
    this.put('credentials/telegram.json', '{"token":1}');
    this.put('workspace/MEMORY.md', 'remember');
    this.put('memory/notes.md', 'a note');
    this.put('logs/gateway.log', 'line\n');
    this.put('agents/main/sessions/s1.jsonl', transcript);
    this.put(
      'agents/main/sessions/sessions.json',
      JSON.stringify({ 'agent:main:main': { sessionId: 's1', updatedAt: 1_760_000_000_000 } }),
    );
  }

  run(line: string): SpawnSyncReturns<string> {
    return spawnSync('sh', ['-c', line], { cwd: this.cwd, env: this.#env, encoding: 'utf8' });
  }

  must(line: string): string {
    const { status, stdout, stderr } = this.run(line);
    assert.equal(status, 0, `${line}\n${stderr}`);
    return stdout;
  }

  names(): string[] {
    return readdirSync(this.state)
      .filter((name) => name !== 'backups')
      .sort();
  }

  read(path: string): string {
    return readFileSync(join(this.state, path), 'utf8');
  }

  stored(): string[] {
    return JSON.parse(this.must('openclaw backup ls latest --json')).entries.map(
      ({ path }: { path: string }) => path,
    );
  }

  /** What a line needs that stands before it on the page. */
  archive(): void {
    this.must('openclaw backup create --output ~/backups/openclaw-backup.tar.gz');
  }
}

type Check = (reader: Reader, line: string) => void;

const checks: Readonly<Record<string, Check>> = {
  'openclaw backup create': (reader, line) => {
    reader.must(line);
    assert.deepEqual(reader.stored().sort(), reader.names());
  },
  'openclaw backup create --only config,credentials,workspace': (reader, line) => {
    reader.must(line);
    assert.deepEqual(reader.stored().sort(), ['credentials', 'openclaw.json', 'workspace']);
  },
  'openclaw backup create --output ~/backups/openclaw-backup.tar.gz': (reader, line) => {
    reader.must(line);
    const listed = execFileSync('tar', ['-tzf', join(reader.home, 'backups/openclaw-backup.tar.gz')], {
      encoding: 'utf8',
    });
    assert.match(listed, /\/workspace\/MEMORY\.md$/m);
  },
  'tar -czvf openclaw-backup.tar.gz ~/.openclaw': (reader, line) => {
    reader.must(line);
    restoresWhole(reader, 'openclaw backup restore openclaw-backup.tar.gz');
  },
  'Compress-Archive -Path $env:USERPROFILE\\.openclaw -DestinationPath openclaw-backup.zip': (reader) => {
    // PowerShell is not here: zip makes the same, one folder `.openclaw` at the top.
    reader.must('cd ~ && zip -qr "$OLDPWD/openclaw-backup.zip" .openclaw');
    restoresWhole(reader, 'openclaw backup restore openclaw-backup.zip');
  },
  'cp ~/.openclaw/openclaw.json ~/openclaw-config-backup.json': (reader, line) => {
    reader.must(line);
    reader.put('openclaw.json', '{}');
    reader.must('openclaw config import < ~/openclaw-config-backup.json');
    assert.equal(JSON5.parse(reader.read('openclaw.json')).gateway.port, 1);
  },
  'openclaw backup restore ~/backups/openclaw-backup.tar.gz': (reader, line) => {
    reader.archive();
    restoresWhole(reader, line);
  },
  'openclaw backup restore ~/backups/openclaw-backup.tar.gz --only config,workspace': (reader, line) => {
    reader.archive();
    reader.put('openclaw.json', '{}');
    reader.put('workspace/MEMORY.md', 'changed');
    reader.put('logs/gateway.log', 'changed');
    reader.must(line);
    assert.equal(reader.read('openclaw.json'), config);
    assert.equal(reader.read('workspace/MEMORY.md'), 'remember');
    assert.equal(reader.read('logs/gateway.log'), 'changed', 'not asked for');
  },
  'openclaw backup create --output ./transfer-backup.tar.gz': (reader, line) => {
    reader.must(line);
    assert.ok(existsSync(join(reader.cwd, 'transfer-backup.tar.gz')));
  },
  'openclaw backup restore ./transfer-backup.tar.gz': (reader, line) => {
    reader.must('openclaw backup create --output ./transfer-backup.tar.gz');
    restoresWhole(reader, line);
  },
  'rclone copy ~/.openclaw/backups remote:openclaw-backups': (reader, line) => {
    reader.must('openclaw backup create');
    reader.must(line);
    reader.must(`openclaw backup verify latest --repository ${reader.remote}/openclaw-backups`);
  },
  'aws s3 sync ~/.openclaw/backups s3://my-bucket/openclaw-backups': (reader, line) => {
    reader.must('openclaw backup create');
    reader.must(line);
    reader.must(`openclaw backup verify latest --repository ${reader.remote}/my-bucket/openclaw-backups`);
  },
  'openclaw config export > config-export.json': (reader, line) => {
    reader.must(line);
    assert.equal(readFileSync(join(reader.cwd, 'config-export.json'), 'utf8'), config);
  },
  'openclaw config export --full > full-export.json': (reader, line) => {
    reader.must(line);
    const bundle = JSON.parse(readFileSync(join(reader.cwd, 'full-export.json'), 'utf8'));
    const paths = bundle.files.map(({ path }: { path: string }) => path);
    for (const path of ['openclaw.json', 'credentials/telegram.json']) assert.ok(paths.includes(path), path);
  },
  'openclaw config import < config-export.json': (reader, line) => {
    reader.must('openclaw config export > config-export.json');
    reader.put('openclaw.json', '{ gateway: { port: 2 } }');
    reader.must(line);
    const found = JSON5.parse(reader.read('openclaw.json'));
    assert.deepEqual([found.gateway.port, found.channels.telegram.botToken], [1, '123:secret']);
  },
  'openclaw sessions export <session-key> > session-backup.json': (reader, line) => {
    reader.must(line.replace('<session-key>', 'agent:main:main'));
    const { sessions } = JSON.parse(readFileSync(join(reader.cwd, 'session-backup.json'), 'utf8'));
    assert.equal(sessions.length, 1);
    assert.deepEqual(
      [sessions[0].key, sessions[0].sessionId, sessions[0].events.length],
      ['agent:main:main', 's1', 2],
    );
  },
  'openclaw sessions export --all > all-sessions.json': (reader, line) => {
    reader.must(line);
    assert.equal(JSON.parse(readFileSync(join(reader.cwd, 'all-sessions.json'), 'utf8')).sessions.length, 1);
  },
  'openclaw sessions import < session-backup.json': (reader, line) => {
    reader.must('openclaw sessions export agent:main:main > session-backup.json');
    rmSync(join(reader.state, 'agents/main/sessions'), { recursive: true });
    reader.must(line);
    const store = JSON.parse(reader.read('agents/main/sessions/sessions.json'));
    assert.equal(store['agent:main:main'].sessionId, 's1');
    assert.deepEqual(
      reader
        .read('agents/main/sessions/s1.jsonl')
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text)),
      transcript
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text)),
    );
  },
};

/** On a machine where the home is gone. */
function restoresWhole(reader: Reader, line: string): void {
  const names = reader.names();
  rmSync(reader.state, { recursive: true });
  reader.must(line);
  assert.deepEqual(reader.names(), names);
  assert.equal(reader.read('openclaw.json'), config);
  assert.equal(reader.read('agents/main/sessions/s1.jsonl'), transcript);
}

for (const line of lists.shell) {
  test(`documented: ${line}`, (context) => {
    const check = checks[line];
    assert.ok(check !== undefined, 'no check for this line');
    if (/rclone|aws/.test(line) && spawnSync('rclone', ['version'], { stdio: 'ignore' }).status !== 0)
      return context.skip('needs rclone');
    check(new Reader(context), line);
  });
}

for (const [index, block] of lists.settings.entries()) {
  test(`documented: settings block ${index + 1} is taken, and works`, (context) => {
    const text = JSON5.stringify({ backup: block }, undefined, 2);
    assert.deepEqual(Object.keys(parseSettings(text, 'page')), Object.keys(block));
    const reader = new Reader(context);
    reader.put('exuvia.json5', text);
    if ('postBackup' in block && spawnSync('rclone', ['version'], { stdio: 'ignore' }).status !== 0)
      return context.skip('needs rclone');
    reader.must('openclaw backup create');
    if ('postBackup' in block) assert.ok(existsSync(join(reader.remote, 'openclaw-backups/packs')));
    if ('include' in block)
      assert.deepEqual(reader.stored().sort(), [
        'credentials',
        'exuvia.json5',
        'memory',
        'openclaw.json',
        'workspace',
      ]);
  });
}

test('documented: nothing of the page is missing here', (context) => {
  assert.deepEqual(Object.keys(checks).sort(), [...lists.shell].sort());
  if (!existsSync(page)) return context.skip('the page is not beside the project');
  const text = readFileSync(page, 'utf8');
  const lines = [...text.matchAll(/```bash\n([\s\S]*?)```/g)]
    .flatMap((match) => (match[1] ?? '').split('\n'))
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
  assert.deepEqual([...new Set(lines)], lists.shell);
  const blocks = [...text.matchAll(/```json5\n([\s\S]*?)```/g)].map(
    (match) => JSON5.parse(match[1] ?? '').backup,
  );
  assert.deepEqual(blocks, lists.settings);
});
