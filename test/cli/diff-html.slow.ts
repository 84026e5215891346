/** The page in a real browser: it filters and folds without any network, and breaks none of its own rules. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const chromium = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
);

function browse(folder: string, page: string, ...words: string[]): string {
  const common = ['--headless', '--no-sandbox', '--disable-gpu', '--virtual-time-budget=2000'];
  const profile = `--user-data-dir=${join(folder, 'profile')}`;
  const { stdout, status, stderr } = spawnSync(
    chromium ?? '',
    [...common, profile, '--enable-logging=stderr', ...words, `file://${page}`],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  assert.equal(status, 0, stderr);
  assert.doesNotMatch(stderr, /CONSOLE.*(Refused|Uncaught|violat)/);
  return stdout;
}

test('backup diff --html in Chromium: filter, folding, no network, day and night', {
  skip: chromium === undefined ? 'no Chromium here' : false,
}, (context) => {
  const home = temporaryFolder(context);
  mkdirSync(join(home, '.openclaw/workspace'), { recursive: true });
  const put = (name: string, text: string) => writeFileSync(join(home, '.openclaw', name), text);
  put('openclaw.json', '{ "gateway": { "port": 1 } }');
  for (const name of ['one', 'two', 'three']) put(`workspace/${name}.md`, `about ${name}\n`);
  assert.equal(runCli(['backup', 'create'], { home }).status, 0);
  put('openclaw.json', '{ "gateway": { "port": 2 } }');
  for (const name of ['one', 'two', 'three'])
    put(`workspace/${name}.md`, `about ${name}\n<b>and ${name}</b>\n`);
  const page = join(home, 'changes.html');
  const made = runCli(['backup', 'diff', 'latest', '--html', page, '--json'], { home });
  assert.equal(made.status, 0, made.stderr);
  assert.equal(made.json.html, page);
  assert.equal(statSync(page).mode & 0o777, 0o600);
  assert.equal(
    runCli(['backup', 'diff', 'latest', '--html', page], { home }).status,
    2,
    'it is there already',
  );
  const dom = browse(home, page, '--dump-dom');
  assert.doesNotMatch(dom, /class="tools" hidden/, 'the script runs');
  // What a person does, added to a copy of the page whose rules let it in.
  const acts = `<script>
    document.querySelector('.tools input').value = 'AND three';
    document.querySelector('.tools input').dispatchEvent(new Event('input'));
    document.querySelector('[data-close]').click();
  </script></body>`;
  const acted = join(home, 'acted.html');
  const html = readFileSync(page, 'utf8');
  writeFileSync(
    acted,
    html.replace(/script-src '[^']+'/, "script-src 'unsafe-inline'").replace('</body>', acts),
  );
  const after = browse(home, acted, '--dump-dom');
  assert.match(after, /role="status">1 of 4</);
  assert.equal(after.match(/class="entry" open="" hidden=""/g)?.length, 3);
  assert.equal(after.match(/<details class="entry">/g)?.length, 1, 'the one that is shown is folded');
  for (const [name, ...words] of [['light'], ['dark', '--blink-settings=preferredColorScheme=0']]) {
    const picture = join(home, `${name}.png`);
    browse(home, page, ...words, '--window-size=1200,900', `--screenshot=${picture}`);
    assert.ok(statSync(picture).size > 20_000);
  }
});
