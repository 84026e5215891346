/** `doctor` with what only the scheduler knows: whether anything starts the backups that the settings want. */
import { ExuviaError } from '../model/errors.ts';
import { type DoctorLine, type DoctorReport, examineHome } from '../operations/doctor.ts';
import type { Environment } from '../operations/environment.ts';
import { findHome, findRepository, type PlaceOptions } from '../operations/places.ts';
import { loadSettings } from '../operations/settings.ts';
import { isScheduleServed } from './lock.ts';
import { listTimers } from './timers.ts';

export async function runDoctor(environment: Environment, options: PlaceOptions): Promise<DoctorReport> {
  const report = await examineHome(environment, options);
  const at = report.lines.findIndex(({ about }) => about === 'automatic backup');
  const line = at < 0 ? undefined : timerLine(environment, options);
  return line === undefined ? report : { ...report, lines: report.lines.toSpliced(at + 1, 0, line) };
}

function timerLine(environment: Environment, options: PlaceOptions): DoctorLine | undefined {
  try {
    return whatStartsIt(environment, options);
  } catch (error) {
    if (!(error instanceof ExuviaError)) throw error;
    return { about: 'timer', level: 'warning', message: error.message };
  }
}

function whatStartsIt(environment: Environment, options: PlaceOptions): DoctorLine | undefined {
  const home = findHome(environment, options);
  const { auto } = loadSettings(home).settings;
  const timers = listTimers(environment, options);
  const stale = timers.find(({ isCurrent }) => !isCurrent);
  if (stale !== undefined) {
    const message = `${stale.path} is not what would be written now: the schedule, the program or Node is another`;
    return { about: 'timer', level: 'warning', message, hint: 'Run exuvia schedule enable again.' };
  }
  const [timer] = timers;
  if (timer !== undefined) return { about: 'timer', level: 'ok', message: `${timer.method}, ${timer.path}` };
  if (isScheduleServed(findRepository(environment, options, home))) {
    return { about: 'timer', level: 'ok', message: 'a running exuvia schedule run' };
  }
  if (!auto) return undefined;
  const message = 'nothing starts the backups that the settings want';
  return { about: 'timer', level: 'warning', message, hint: 'Run exuvia schedule enable.' };
}
