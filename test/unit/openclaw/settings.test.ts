import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  cronProblem,
  defaultSettings,
  parseSettings,
  settingNames,
  withinMs,
} from '../../../src/openclaw/settings.ts';
import { settingsTemplate } from '../../../src/openclaw/settings-template.ts';

test('parseSettings() reads the documented blocks', () => {
  assert.deepEqual(
    parseSettings(
      `{
  backup: {
    auto: true,
    schedule: "0 0 * * *", // every midnight
    retention: 7,
    path: "~/.openclaw/backups",
  },
}`,
      'f',
    ),
    { auto: true, schedule: '0 0 * * *', retention: { keepWithin: '7d' }, path: '~/.openclaw/backups' },
  );
  assert.deepEqual(
    parseSettings(
      '{ backup: { include: ["config", "Credentials", "workspace/*.md"], exclude: ["logs", "cache"], compress: true } }',
      'f',
    ),
    { include: ['config', 'credentials', 'workspace/*.md'], exclude: ['logs', 'cache'], compress: true },
  );
  assert.deepEqual(parseSettings('{}', 'f'), {});
  assert.deepEqual(parseSettings('{ backup: { encryption: false } }', 'f'), { encryption: false });
  const keyed = '{ backup: { encryption: { keyFile: "~/k" } } }';
  assert.deepEqual(parseSettings(keyed, 'f'), { encryption: { keyFile: '~/k' } });
});

for (const [block, message] of [
  ['scedule: "0 0 * * *"', 'f, line 3: unknown key "scedule"; did you mean "schedule"?'],
  ['zzz: 1', 'f, line 3: unknown key "zzz"'],
  ['toString: 1', 'f, line 3: unknown key "toString"'],
  ['auto: "yes"', 'f, line 3: "auto" is the text "yes", want true or false'],
  ['schedule: 5', 'f, line 3: "schedule" is 5, want a text'],
  [
    'schedule: "0 0 * *"',
    'f, line 3: "schedule" is "0 0 * *": it has 4 fields; want five fields such as "0 0 * * *"',
  ],
  [
    'schedule: "0 25 * * *"',
    'f, line 3: "schedule" is "0 25 * * *": the hour is "25"; want five fields such as "0 0 * * *"',
  ],
  ['retention: "7"', 'f, line 3: "retention" is the text "7", want a number of days or { keepLast: 10, … }'],
  ['retention: 0', 'f, line 3: "retention" is 0, want a whole number of days from 1'],
  [
    'retention: {}',
    'f, line 3: "retention" is empty and would keep nothing; leave it out to keep everything',
  ],
  ['retention: {\n keepDaily: -1 }', 'f, line 4: "keepDaily" is -1, want a whole number'],
  ['retention: { keepDayly: 1 }', 'f, line 3: unknown key "keepDayly"; did you mean "keepDaily"?'],
  [
    'retention: { keepWithin: "soon" }',
    'f, line 3: "keepWithin" is "soon", want a time such as "30d", "2w", "6m" or "1y"',
  ],
  ['include: "config"', 'f, line 3: "include" is the text "config", want a list of texts'],
  [
    'include: [\n"config",\n"confg"]',
    /^f, line 5: unknown component "confg"; did you mean "config"\?; known: config,/,
  ],
  ['exclude: [1]', 'f, line 3: an item of 1, want a text'],
  ['postBackup: ""', 'f, line 3: "postBackup" is empty, want a text'],
  ['compress: null', 'f, line 3: "compress" is null, want true or false'],
  ['hookTimeLimit: -1', 'f, line 3: "hookTimeLimit" is -1, want a number of seconds up to a week'],
  ['encryption: 1', 'f, line 3: "encryption" is 1, want true, false or { keyFile: "…" }'],
  ['encryption: { keyfile: "x" }', 'f, line 3: unknown key "keyfile"; did you mean "keyFile"?'],
  ['encryption: { keyFile: 7 }', 'f, line 3: "keyFile" is 7, want a text'],
  [
    'encryption: { keyFile: "a", passphraseFile: "b" }',
    'f, line 3: "encryption" has keyFile and passphraseFile, want one of keyFile, passphraseFile, passphraseCommand',
  ],
  [
    'encryption: {}',
    'f, line 3: "encryption" has no key, want one of keyFile, passphraseFile, passphraseCommand',
  ],
] as const) {
  test(`parseSettings() refuses ${block.replaceAll('\n', ' ')}`, () => {
    assert.throws(() => parseSettings(`{\n  backup: {\n${block},\n} }`, 'f'), {
      name: 'SettingsError',
      message,
    });
  });
}

test('parseSettings() refuses what is no object, does not parse, or stands outside the block', () => {
  assert.throws(() => parseSettings('[]', 'f'), /f, line 1: want an object/);
  assert.throws(
    () => parseSettings('{\n auto: true }', 'f'),
    /f, line 2: unknown key "auto"; settings stand in "backup"/,
  );
  assert.throws(() => parseSettings('{ backup: 3 }', 'f'), /"backup" is not an object/);
  assert.throws(
    () => parseSettings('{\n  backup: {,', 'f'),
    /^SettingsError: f, line 2: it is not JSON5: invalid character/,
  );
});

for (const [expression, problem] of [
  ['* * * * *', undefined],
  ['*/15 9-17 1,15 jan-mar mon', undefined],
  ['0 0 * * 7', undefined],
  ['60 * * * *', 'the minute is "60"'],
  ['* * 0 * *', 'the day of the month is "0"'],
  ['* * * 13 *', 'the month is "13"'],
  ['* * * * funday', 'the day of the week is "funday"'],
  ['*/0 * * * *', 'the minute is "*/0"'],
  ['5-1 * * * *', 'the minute is "5-1"'],
  ['0 0 0 * * *', 'it has 6 fields'],
] as const) {
  test(`cronProblem() ${expression}`, () => assert.equal(cronProblem(expression), problem));
}

test('withinMs() reads units', () => {
  assert.equal(withinMs('36h'), 36 * 3_600_000);
  assert.equal(withinMs('2w'), 14 * 86_400_000);
  assert.equal(withinMs('1x'), undefined);
});

test('settingsTemplate sets nothing, and shows every setting with values that are taken', () => {
  assert.deepEqual(parseSettings(settingsTemplate, 'f'), {});
  const lines = settingsTemplate.split('\n').map((line) => line.replace(/^(\s*)\/\/ (?=\w+: )/, '$1'));
  const shown = new Set<string>();
  for (const [index, line] of lines.entries()) {
    const name = /^\s+(\w+): /.exec(line)?.[1];
    if (name === undefined || name === 'backup') continue;
    shown.add(name);
    assert.ok(Object.hasOwn(parseSettings(`{ backup: {\n${line}\n} }`, `template ${index}`), name), line);
  }
  assert.deepEqual([...shown].sort(), [...settingNames].sort());
  const page = readFileSync(new URL('../../../docs/SETTINGS.md', import.meta.url), 'utf8');
  for (const name of settingNames) {
    assert.match(page, new RegExp(`^\\| \`${name}\` \\|`, 'm'), `docs/SETTINGS.md has ${name}`);
  }
  assert.equal(Object.keys(defaultSettings).length, settingNames.length);
});
