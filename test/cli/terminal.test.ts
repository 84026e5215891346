/** Questions for a passphrase, on a real terminal. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { runOnTerminal, type TerminalRun, type TerminalStep } from '../helpers/terminal.ts';

const passphrase = 'correct horse böttery';
const options = { skip: process.platform === 'win32' ? 'Windows has no pseudo-terminals of Python' : false };

interface Place {
  readonly home: string;
  readonly repository: string;
  readonly run: (words: readonly string[], ...steps: TerminalStep[]) => TerminalRun;
}

function buildPlace(context: TestContext): Place {
  const home = temporaryFolder(context);
  mkdirSync(join(home, '.openclaw'));
  writeFileSync(join(home, '.openclaw/openclaw.json'), '{}');
  const repository = join(home, '.openclaw/backups');
  return { home, repository, run: (words, ...steps) => runOnTerminal(words, steps, { home }) };
}

/** A place whose repository a passphrase opens. */
function buildEncrypted(context: TestContext): Place {
  const place = buildPlace(context);
  const env = { EXUVIA_PASSPHRASE: passphrase };
  assert.equal(runCli(['backup', 'create', '--encrypt'], { home: place.home, env }).status, 0);
  return place;
}

/** Nothing of what was typed was shown, and the terminal is as it was. */
function isQuiet(run: TerminalRun): void {
  assert.equal(run.echoed, 0, 'not shown while it is typed');
  for (const part of passphrase.split(' ')) assert.ok(!run.screen.includes(part), run.screen);
  assert.deepEqual([run.echoesAfterwards, run.makesLinesAfterwards], [true, true]);
}

const first = { expect: 'New passphrase for ', type: `${passphrase}\r` };
const ask = (type: string): TerminalStep => ({ expect: 'Passphrase of ', type });

test('a new passphrase is asked for twice, on the terminal and not in the output', options, (context) => {
  const { home, run } = buildPlace(context);
  const made = run(['backup', 'create', '--encrypt', '--json'], first, {
    expect: 'The same again: ',
    type: `${passphrase}\r`,
  });
  assert.equal(made.status, 0, made.screen);
  isQuiet(made);
  assert.ok(JSON.parse(made.stdout).snapshot, 'the output is the result alone');
  const env = { EXUVIA_PASSPHRASE: passphrase };
  assert.equal(runCli(['backup', 'list'], { home, env }).status, 0, 'what was typed opens it');
});

test('two new passphrases that differ make nothing', options, (context) => {
  const { repository, run } = buildPlace(context);
  const differing = run(['backup', 'create', '--encrypt'], first, {
    expect: 'The same again: ',
    type: 'another\r',
  });
  assert.equal(differing.status, 2);
  assert.match(differing.screen, /exuvia: The two passphrases differ; nothing was done/);
  isQuiet(differing);
  const empty = run(['backup', 'create', '--encrypt'], { expect: 'New passphrase for ', type: '\r' });
  assert.equal(empty.status, 2);
  assert.match(empty.screen, /exuvia: An empty passphrase keeps nobody out/);
  assert.ok(!existsSync(join(repository, 'exuvia-repository.json')));
});

test(
  'the passphrase opens the repository, corrected keys included, and a wrong one ends with 12',
  options,
  (context) => {
    const { run } = buildEncrypted(context);
    // The terminal's own way of correcting: one key back, and the whole line.
    const typed = ask(`nonsense\u0015${passphrase}xy\u007f\u007f\r`);
    const opened = run(['backup', 'list', '--json'], typed);
    assert.equal(opened.status, 0, opened.screen);
    assert.equal(JSON.parse(opened.stdout).snapshots.length, 1);
    isQuiet(opened);
    const wrong = run(['backup', 'list'], ask('wrong\r'));
    assert.equal(wrong.status, 12);
    assert.match(wrong.screen, /the passphrase is wrong/);
    assert.equal(wrong.screen.split('Passphrase of').length, 2, 'asked once');
    assert.equal(wrong.stdout, '');
  },
);

for (const [name, step] of [
  ['Ctrl-C', { type: 'half\u0003' }],
  ['SIGTERM', { signal: constants.signals.SIGTERM }],
] as const) {
  test(`${name} at the question leaves the terminal as it was, and nothing behind`, options, (context) => {
    const { repository, run } = buildPlace(context);
    const stopped = run(['backup', 'create', '--encrypt'], { expect: 'New passphrase for ', ...step });
    assert.equal(stopped.status, 130, stopped.screen);
    assert.match(stopped.screen, /exuvia: Interrupted; nothing was done/);
    isQuiet(stopped);
    assert.ok(!existsSync(join(repository, 'exuvia-repository.json')));
  });
}

test('a run that opens the repository several times asks once', options, (context) => {
  const { home, run } = buildEncrypted(context);
  writeFileSync(join(home, '.openclaw/exuvia.json5'), '{ backup: { retention: { keepLast: 1 } } }');
  const done = run(['schedule', 'run', '--once', '--json'], ask(`${passphrase}\r`));
  assert.equal(done.status, 0, done.screen);
  assert.equal(JSON.parse(done.stdout).forgotten, 1);
  assert.equal(done.screen.split('Passphrase of').length, 2);
  isQuiet(done);
});

test('key change asks for the old passphrase once and for the new one twice', options, (context) => {
  const { home, run } = buildEncrypted(context);
  const changed = run(
    ['key', 'change'],
    ask(`${passphrase}\r`),
    { expect: 'New passphrase', type: 'short\r' },
    { expect: 'The same again: ', type: 'short\r' },
  );
  assert.equal(changed.status, 0, changed.screen);
  isQuiet(changed);
  const list = (text: string) => runCli(['backup', 'list'], { home, env: { EXUVIA_PASSPHRASE: text } });
  assert.deepEqual([list(passphrase).status, list('short').status], [12, 0]);
});
