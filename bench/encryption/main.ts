/**
 * node bench/encryption/main.ts [--rounds N] [--dir DIR] [--json FILE]
 *
 * What encryption costs: a first backup, one with nothing changed, and a restore, with and without, in turns, on the same home. Limit: 15 % of
 * wall time, by the medians; processor time is shown beside it. A key file opens the repository, so that no key is derived from a passphrase.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { markdownTable, writeJson } from '../lib/report.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, dir: { type: 'string' }, json: { type: 'string' } },
});
const launcher = fileURLToPath(new URL('../../dist/launcher.cjs', import.meta.url));
const costMax = 1.15;

interface Spent {
  readonly wallMs: number;
  readonly cpuMs: number;
}

const works = ['first backup', 'nothing changed', 'restore'] as const;
type Work = (typeof works)[number];

/** Text of words that repeat, and some bytes that do not: about what a home compresses like. */
function makeHome(folder: string): void {
  let state = 12345;
  const next = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state;
  };
  const words = Array.from({ length: 3000 }, () =>
    next()
      .toString(36)
      .slice(0, 3 + (next() % 6)),
  );
  const textOf = (length: number): string => {
    const parts: string[] = [];
    for (let size = 0; size < length; ) {
      const word = words[next() % words.length] ?? '';
      parts.push(word);
      size += word.length + 1;
    }
    return parts.join(' ');
  };
  for (let index = 0; index < 3000; index++) {
    const sub = join(folder, `notes-${index % 50}`);
    mkdirSync(sub, { recursive: true });
    writeFileSync(join(sub, `note-${index}.md`), textOf(1000 + (next() % 20_000)));
  }
  for (let index = 0; index < 6; index++)
    writeFileSync(join(folder, `log-${index}.jsonl`), textOf(8_000_000));
  const bytes = Buffer.alloc(12_000_000);
  for (let at = 0; at < bytes.length; at++) bytes[at] = next() >> 8;
  writeFileSync(join(folder, 'media.bin'), bytes);
}

/** Wall time, and user and system time of the process and its threads. */
function spend(args: readonly string[], home: string): Spent {
  const started = performance.now();
  const run = spawnSync('/usr/bin/time', ['-f', '%U %S', process.execPath, launcher, ...args], {
    env: { PATH: process.env['PATH'], HOME: home },
    encoding: 'utf8',
  });
  const wallMs = performance.now() - started;
  if (run.status !== 0) throw new Error(`${args.join(' ')}: ${run.stderr}`);
  const [user = 0, system = 0] = (run.stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return { wallMs, cpuMs: (user + system) * 1000 };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

const dir = mkdtempSync(join(values.dir ?? tmpdir(), 'exuvia-encryption-'));
try {
  const source = join(dir, 'home');
  mkdirSync(source);
  makeHome(source);
  const spent = new Map<string, Spent[]>();
  const note = (work: Work, isEncrypted: boolean, one: Spent): void => {
    const name = `${work} ${isEncrypted}`;
    spent.set(name, [...(spent.get(name) ?? []), one]);
  };
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const isEncrypted of round % 2 === 0 ? [false, true] : [true, false]) {
      const repository = join(dir, 'repository');
      const target = join(dir, 'target');
      for (const folder of [repository, target]) rmSync(folder, { recursive: true, force: true });
      const key = isEncrypted ? ['--key-file', join(dir, 'key')] : [];
      const words = ['--repository', repository, '--quiet', ...key];
      const create = ['backup', 'create', '--source', source, ...words];
      note('first backup', isEncrypted, spend(isEncrypted ? [...create, '--encrypt'] : create, dir));
      for (let count = 0; count < 3; count++) note('nothing changed', isEncrypted, spend(create, dir));
      note('restore', isEncrypted, spend(['backup', 'restore', 'latest', '--target', target, ...words], dir));
    }
  }
  const rows = works.map((work) => {
    const of = (isEncrypted: boolean, pick: (one: Spent) => number): number =>
      median((spent.get(`${work} ${isEncrypted}`) ?? []).map(pick));
    const wall = [of(false, (one) => one.wallMs), of(true, (one) => one.wallMs)] as const;
    const cpu = [of(false, (one) => one.cpuMs), of(true, (one) => one.cpuMs)] as const;
    return { work, wall, cpu, wallRatio: wall[1] / wall[0], cpuRatio: cpu[1] / cpu[0] };
  });
  console.log(
    markdownTable(
      rows.map(({ work, wall, cpu, wallRatio, cpuRatio }) => ({
        work,
        plain: `${wall[0].toFixed(0)} ms`,
        encrypted: `${wall[1].toFixed(0)} ms`,
        'wall, times': wallRatio.toFixed(2),
        'processor, plain': `${cpu[0].toFixed(0)} ms`,
        'processor, encrypted': `${cpu[1].toFixed(0)} ms`,
        'processor, times': cpuRatio.toFixed(2),
      })),
    ),
  );
  if (values.json !== undefined) writeJson(values.json, { encryption: rows });
  process.exitCode = rows.every(({ wallRatio }) => wallRatio <= costMax) ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
