import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InterruptedError } from '../../../src/model/errors.ts';
import { type DaemonEvent, runDaemon, sleepByClock } from '../../../src/scheduler/daemon.ts';
import { lastDueMs, nextRunMs } from '../../../src/scheduler/next-run.ts';

const hour = 3_600_000;
const day = 24 * hour;
const berlin = 'Europe/Berlin';

const at = (iso: string): number => Date.parse(iso);
const iso = (ms: number): string => new Date(ms).toISOString().replace(':00.000Z', 'Z');

/** All runs of a schedule in a year, in Berlin. */
function runsOf(schedule: string, year: number): number[] {
  const end = Date.UTC(year, 11, 31, 23);
  const runs: number[] = [];
  for (
    let next = nextRunMs(schedule, Date.UTC(year - 1, 11, 31, 23) - 1, berlin);
    next < end;
    next = nextRunMs(schedule, next, berlin)
  )
    runs.push(next);
  return runs;
}

for (const [schedule, count] of [
  ['0 0 * * *', 365],
  ['30 2 * * *', 365],
  ['@daily', 365],
  ['@hourly', 8760],
  ['*/15 * * * *', 35_040],
  ['0 3 * * 1', 52],
  ['0 12 1 * *', 12],
] as const) {
  test(`nextRunMs() ${schedule} in a year with both changes of the clock`, () => {
    const runs = runsOf(schedule, 2026);
    assert.equal(runs.length, count);
    assert.equal(new Set(runs).size, runs.length);
  });
}

test('nextRunMs() runs a skipped time at the end of the gap, and a doubled one once', () => {
  // In Berlin, 2026-03-29 has no 02:30, and 2026-10-25 has it twice.
  assert.equal(iso(nextRunMs('30 2 * * *', at('2026-03-28T12:00Z'), berlin)), '2026-03-29T01:00Z');
  assert.equal(iso(nextRunMs('30 2 * * *', at('2026-03-29T12:00Z'), berlin)), '2026-03-30T00:30Z');
  const autumn = nextRunMs('30 2 * * *', at('2026-10-24T12:00Z'), berlin);
  assert.equal(iso(autumn), '2026-10-25T00:30Z');
  assert.equal(iso(nextRunMs('30 2 * * *', autumn, berlin)), '2026-10-26T01:30Z');
});

test('lastDueMs() is the last of many that were missed', () => {
  assert.equal(lastDueMs('0 0 * * *', at('2026-01-01T12:00Z'), at('2026-01-01T13:00Z'), 'UTC'), undefined);
  assert.equal(
    iso(lastDueMs('0 0 * * *', at('2026-01-01T12:00Z'), at('2026-09-09T13:00Z'), 'UTC') ?? 0),
    '2026-09-09T00:00Z',
  );
  assert.equal(
    iso(lastDueMs('0 0 1 1 *', at('2020-06-01T00:00Z'), at('2026-06-01T00:00Z'), 'UTC') ?? 0),
    '2026-01-01T00:00Z',
  );
  assert.equal(
    iso(lastDueMs('0 0 * * *', at('2026-01-01T12:00Z'), at('2026-01-02T00:00Z'), 'UTC') ?? 0),
    '2026-01-02T00:00Z',
  );
});

/** A daemon whose time is a number; it ends when that reaches `endMs`. */
class FakeDaemon {
  nowMs: number;
  servedMs: number | undefined;
  begunMs: number | undefined;
  attempts = 0;
  readonly events: DaemonEvent[] = [];
  readonly runs: string[] = [];
  running = 0;
  durationMs = 5 * 60_000;
  schedule = '0 0 * * *';
  onSleep: (nextMs: number) => number = (nextMs) => nextMs;
  onRun: () => void = () => {};
  readSchedule: () => string = () => this.schedule;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  serve(dueMs: number): void {
    assert.notEqual(dueMs, this.servedMs, 'no time is served twice');
    this.servedMs = dueMs;
  }

  begin(dueMs: number): number {
    this.attempts = this.begunMs === dueMs ? this.attempts + 1 : 1;
    this.begunMs = dueMs;
    return this.attempts;
  }

  async runUntil(endMs: number): Promise<void> {
    const controller = new AbortController();
    await runDaemon({
      clock: { nowMs: () => this.nowMs },
      sleepUntil: async (nextMs, _signal, isOver) => {
        if (isOver()) return;
        this.nowMs = Math.max(this.nowMs, this.onSleep(nextMs));
        if (this.nowMs >= endMs) controller.abort();
      },
      schedule: () => this.readSchedule(),
      run: async ({ dueMs, isLate }) => {
        assert.equal(this.running++, 0, 'runs do not overlap');
        this.runs.push(iso(dueMs) + (isLate ? ' late' : ''));
        this.nowMs += this.durationMs;
        if (this.nowMs >= endMs) controller.abort();
        await Promise.resolve();
        this.running--;
        this.onRun();
      },
      log: (event) => void this.events.push(event),
      state: {
        read: () => this.servedMs,
        begin: (dueMs) => this.begin(dueMs),
        write: (dueMs) => this.serve(dueMs),
      },
      signal: controller.signal,
      timezone: berlin,
    });
  }
}

test('runDaemon() runs once a day for a year, whatever the clock does', async () => {
  const daemon = new FakeDaemon(at('2025-12-31T23:30Z'));
  daemon.schedule = '30 2 * * *';
  await daemon.runUntil(at('2026-12-31T23:00Z'));
  assert.equal(daemon.runs.length, 365);
  assert.equal(new Set(daemon.runs.map((run) => run.slice(0, 10))).size, 365);
  assert.ok(daemon.runs.every((run) => !run.endsWith('late')));
});

test('runDaemon() makes up once for what was missed while the machine slept', async () => {
  const daemon = new FakeDaemon(at('2026-05-01T00:00Z'));
  let isAsleep = true;
  daemon.onSleep = (nextMs) => {
    const wakes = isAsleep ? nextMs + 10 * day + hour : nextMs;
    isAsleep = false;
    return wakes;
  };
  await daemon.runUntil(at('2026-05-13T12:00Z'));
  assert.deepEqual(daemon.runs, ['2026-05-11T22:00Z late', '2026-05-12T22:00Z']);
});

test('runDaemon() neither misses nor doubles a run over restarts', async () => {
  const daemon = new FakeDaemon(at('2026-05-01T00:00Z'));
  for (let restart = 0; restart < 40; restart++) {
    await daemon.runUntil(daemon.nowMs + 7 * hour);
    daemon.nowMs += 11 * 60_000; // it takes a while until somebody starts it again
  }
  const days = daemon.runs.map((run) => run.slice(0, 10));
  assert.equal(new Set(days).size, days.length, 'no day twice');
  const spanDays = Math.floor((daemon.nowMs - at('2026-05-01T00:00Z')) / day);
  assert.ok(days.length >= spanDays - 1, `${days.length} of ${spanDays} days`);
});

test('runDaemon() goes on after a failure, and after a run that is longer than the time between two', async () => {
  const daemon = new FakeDaemon(at('2026-05-01T00:30Z'));
  daemon.schedule = '0 * * * *';
  daemon.durationMs = 3 * hour + 10 * 60_000;
  let runs = 0;
  daemon.onRun = () => {
    if (++runs === 1) throw new Error('the disk was full');
  };
  await daemon.runUntil(at('2026-05-01T09:00Z'));
  assert.deepEqual(daemon.runs, ['2026-05-01T01:00Z', '2026-05-01T04:00Z late', '2026-05-01T07:00Z late']);
  assert.deepEqual(
    daemon.events.filter((event) => event.kind === 'failed').map((event) => event.reason),
    ['the disk was full'],
  );
});

test('runDaemon() begins a killed run again, three times at most', async () => {
  const daemon = new FakeDaemon(at('2026-05-01T00:30Z'));
  daemon.schedule = '0 * * * *';
  daemon.onRun = () => {
    throw new InterruptedError(); // as for a kill, nothing says that the time is served
  };
  for (let start = 0; start < 4; start++) await daemon.runUntil(at('2026-05-01T01:01Z'));
  assert.deepEqual(daemon.runs, [
    '2026-05-01T01:00Z',
    ...['2026-05-01T01:00Z late', '2026-05-01T01:00Z late'],
  ]);
  const failed = daemon.events.filter((event) => event.kind === 'failed').map((event) => event.reason);
  assert.match(failed.at(-1) ?? '', /begun 3 times/);
  daemon.onRun = () => {};
  await daemon.runUntil(at('2026-05-01T03:30Z'));
  assert.deepEqual(daemon.runs.slice(3), ['2026-05-01T02:00Z', '2026-05-01T03:00Z']);
});

test('runDaemon() follows a changed schedule, and keeps the one before when the new one is wrong', async () => {
  const daemon = new FakeDaemon(at('2026-05-01T00:30Z'));
  daemon.schedule = '0 * * * *';
  daemon.onRun = () => {
    if (daemon.runs.length === 1) daemon.schedule = 'nonsense';
    if (daemon.runs.length === 2) daemon.schedule = '20 * * * *';
  };
  await daemon.runUntil(at('2026-05-01T03:30Z'));
  assert.deepEqual(daemon.runs, [
    '2026-05-01T01:00Z',
    '2026-05-01T02:00Z',
    '2026-05-01T02:20Z',
    '2026-05-01T03:20Z',
  ]);
  assert.equal(daemon.events.filter(({ kind }) => kind === 'settings').length, 1);
});

test('runDaemon() is not put off by a clock that was wrong', async () => {
  const daemon = new FakeDaemon(at('2026-05-01T00:30Z'));
  daemon.schedule = '0 * * * *';
  daemon.servedMs = at('2030-01-01T01:00Z');
  await daemon.runUntil(at('2026-05-01T02:30Z'));
  assert.deepEqual(daemon.runs, ['2026-05-01T01:00Z', '2026-05-01T02:00Z']);
});

test('sleepByClock() ends at the time and at the signal', async () => {
  const clock = { nowMs: () => performance.now() };
  const startedMs = performance.now();
  await sleepByClock(clock, startedMs + 60, new AbortController().signal);
  assert.ok(performance.now() - startedMs >= 59);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 20);
  await sleepByClock(clock, startedMs + 60_000, controller.signal);
  assert.ok(performance.now() - startedMs < 10_000);
});
