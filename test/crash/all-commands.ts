/** Visits points of all commands, on two benches side by side, and counts. */
import type { TestContext } from 'node:test';
import { type CrashCommand, crashCommands } from './commands.ts';
import { Bench, type PreparedCommand, type Violation, violationText } from './kill-points.ts';

export interface Counts {
  readonly name: string;
  points: number;
  visited: number;
  spentMs: number;
}

/** Goes to points of a command and yields what each was like: a violation, or nothing. */
export type Visit = (
  bench: Bench,
  prepared: PreparedCommand,
  share: Share,
) => AsyncIterable<Violation | undefined>;

const benches = 2;
/** For a share of a whole run: every so many-th point, another share with another seed. */
const every = Number(process.env['EXUVIA_EVERY'] ?? 1);
const seed = Number(process.env['EXUVIA_SEED'] ?? 1);
/** Only commands whose names begin with one of these, such as `prune,restore in place`. */
const only = process.env['EXUVIA_COMMANDS']?.split(',');

const commands = crashCommands.filter(({ name }) => only?.some((begin) => name.startsWith(begin)) ?? true);

/** Whether a run that visits all points takes this one. */
export function isVisited(index: number, { no, of }: Share): boolean {
  return index % of === no && Math.floor(index / of) % every === seed % every;
}

/** The points whose number leaves `no` when divided by `of` are this bench's; or the commands. */
export interface Share {
  readonly no: number;
  readonly of: number;
}

/** Against a table of commands, or a tracer, that has quietly become shorter. */
export function mustHaveVisited(counts: readonly Counts[], visitsMin: number): void {
  const visited = counts.reduce((sum, count) => sum + count.visited, 0);
  const min = only === undefined ? Math.floor(visitsMin / every) : 1;
  if (visited < min) throw new Error(`only ${visited} visits, want at least ${min}`);
}

/**
 * `visit` is called for each command on each bench (or on one of them, with `split: 'commands'`), and yields after each
 * point it went to. Reports one line a command, and fails with every violation.
 */
export async function visitAll(
  context: TestContext,
  visit: Visit,
  options: { split: 'points' | 'commands' },
): Promise<Counts[]> {
  const counts = new Map<CrashCommand, Counts>();
  const violations: string[] = [];
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: benches }, (_, no) => work({ no, of: benches })));
  const all = [...counts.values()];
  for (const line of all) context.diagnostic(countsText(line));
  const visited = all.reduce((sum, { visited }) => sum + visited, 0);
  const points = all.reduce((sum, { points }) => sum + points, 0);
  const seconds = (performance.now() - startedMs) / 1000;
  context.diagnostic(
    `in all: ${visited} visits of ${points} points in ${seconds.toFixed(0)} s, ${violations.length} violations`,
  );
  if (violations.length > 0) throw new Error(`${violations.length} violations:\n${violations.join('\n')}`);
  return all;

  async function work(share: Share): Promise<void> {
    const bench = await Bench.open();
    try {
      for (const [index, command] of commands.entries())
        if (options.split === 'points' || index % share.of === share.no) await workOn(bench, command, share);
    } finally {
      bench.close();
    }
  }

  async function workOn(bench: Bench, command: CrashCommand, share: Share): Promise<void> {
    const prepared = await bench.prepare(command);
    const count = counts.get(command) ?? { name: command.name, points: 0, visited: 0, spentMs: 0 };
    counts.set(command, count);
    count.points = Math.max(count.points, prepared.points.length);
    let beganMs = performance.now();
    for await (const violation of visit(bench, prepared, share)) {
      count.visited++;
      count.spentMs += performance.now() - beganMs;
      beganMs = performance.now();
      if (violation !== undefined) {
        violations.push(violationText(violation));
        context.diagnostic(violationText(violation));
      }
    }
    // A whole run takes an hour: what it is at is told meanwhile.
    if (options.split === 'points') process.stderr.write(`bench ${share.no}: ${countsText(count)}\n`);
  }
}

function countsText({ name, points, visited, spentMs }: Counts): string {
  return `${name}: ${points} points, ${visited} visits, ${visited === 0 ? 0 : Math.round(spentMs / visited)} ms each`;
}
