import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { launcherPath, runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

function helpOf(words: readonly string[], home: string): string {
  const { status, stdout } = runCli([...words, '--help'], { home });
  assert.equal(status, 0);
  return stdout;
}

/** Every command that does something, by its words. */
function listCommands(home: string, words: readonly string[] = []): string[][] {
  const list = /\nCommands:\n([\s\S]*?)\n\n/.exec(helpOf(words, home))?.[1];
  if (list === undefined) return [[...words]];
  const names = [...list.matchAll(/^ {2}([a-z-]+)/gm)].map((match) => match[1] ?? '');
  return names.filter((name) => name !== 'help').flatMap((name) => listCommands(home, [...words, name]));
}

test('--help of every command has examples with options it knows, and the exit codes', (context) => {
  const home = temporaryFolder(context);
  const commands = listCommands(home);
  assert.ok(commands.length >= 10, commands.join(' | '));
  for (const words of commands) {
    const help = helpOf(words, home);
    const examples = [...help.matchAll(/^ {2}(exuvia .*)$/gm)].map((match) => match[1] ?? '');
    assert.ok(examples.length > 0, `${words.join(' ')} has no example`);
    for (const example of examples) {
      assert.ok(example.startsWith(`exuvia ${words.join(' ')}`), example);
      for (const [option = ''] of example.matchAll(/--[a-z-]+/g)) {
        assert.ok(help.includes(`${option} `) || help.includes(`${option}\n`), `${example}: ${option}`);
      }
    }
    for (const code of ['0 done', '3 done but incomplete', '10 no repository', '130 interrupted'])
      assert.ok(help.includes(code));
  }
});

test('an unknown command or option is one sentence and exit code 2', (context) => {
  const home = temporaryFolder(context);
  for (const words of [['bakup'], ['backup', 'lst'], ['backup', 'list', '--jsn'], ['backup', 'show']]) {
    const { status, stderr, stdout } = runCli(words, { home });
    assert.equal(status, 2, words.join(' '));
    assert.match(stderr, /^error: /);
    assert.doesNotMatch(stderr, /\n\s+at /);
    assert.equal(stdout, '');
  }
});

test('a wrong word is an object with --json, and a wrong number has its message', (context) => {
  const home = temporaryFolder(context);
  const { status, json } = runCli(['backup', 'list', '--nope', '--json'], { home });
  assert.equal(status, 2);
  assert.equal(json.error.code, 'ERR_USAGE');
  assert.match(json.error.message, /unknown option '--nope'/);
  const wait = runCli(['backup', 'list', '--lock-wait', 'soon'], { home });
  assert.equal(wait.status, 2);
  assert.match(wait.stderr, /lock-wait.*Want a number of seconds/);
});

test('a reader that stops early ends the command quietly', (context) => {
  const home = temporaryFolder(context);
  const { stderr } = spawnSync('sh', ['-c', `'${process.execPath}' '${launcherPath}' --help | head -c 0`], {
    env: { ...process.env, HOME: home },
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
});

/** A Node of the machine that is too old for us. */
function findOldNode(): string | undefined {
  const places = (process.env['PATH'] ?? '').split(':').filter((place) => !place.includes('node_modules'));
  return places
    .map((place) => join(place, 'node'))
    .filter((path) => existsSync(path))
    .find((path) => {
      const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout.trim();
      return /^v(\d|1\d|20|21)\./.test(version);
    });
}

test('the launcher hands over to the Node beside it, or refuses in one sentence', (context: TestContext) => {
  const oldNode = findOldNode();
  if (oldNode === undefined) return context.skip('there is no old Node on this machine');
  const home = temporaryFolder(context);
  const run = (env: Record<string, string>) =>
    spawnSync(oldNode, [launcherPath, 'backup', 'list'], {
      env: { PATH: '/usr/bin:/bin', HOME: home, ...env },
      encoding: 'utf8',
    });
  assert.equal(run({}).status, 10, 'no repository there: said by the newer Node');
  const refused = run({ EXUVIA_LAUNCHED: '1' });
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^exuvia needs Node 22\.18 or newer, and this is [\d.]+\. .*\n$/);
});
