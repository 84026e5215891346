/**
 * An agent of launchd that keeps the daemon alive: launchd's own calendar knows no steps and no ranges, and forgets what was due
 * while the machine was off. The daemon makes up for it, and follows the settings when the schedule changes.
 */
import { ownMark, type TimerJob, type TimerStep, xmlEscaped } from './job.ts';

export interface LaunchdPlaces {
  /** `~/Library/LaunchAgents` */
  readonly folder: string;
  /** What the daemon prints goes there. */
  readonly log: string;
  readonly userId: number;
}

export function launchdFile(job: TimerJob, { folder }: LaunchdPlaces): string {
  return `${folder}/${job.id}.plist`;
}

export function planLaunchd(job: TimerJob, places: LaunchdPlaces): TimerStep[] {
  const path = launchdFile(job, places);
  return [
    { do: 'write', path, content: launchdAgent(job, places) },
    { do: 'run', words: ['launchctl', 'bootout', `gui/${places.userId}/${job.id}`], mayFail: true },
    { do: 'run', words: ['launchctl', 'bootstrap', `gui/${places.userId}`, path] },
  ];
}

export function planLaunchdRemoval(job: TimerJob, places: LaunchdPlaces): TimerStep[] {
  return [
    { do: 'run', words: ['launchctl', 'bootout', `gui/${places.userId}/${job.id}`], mayFail: true },
    { do: 'remove', path: launchdFile(job, places) },
  ];
}

export function launchdAgent({ id, daemon, env }: TimerJob, { log }: LaunchdPlaces): string {
  const words = daemon.map((word) => `    <string>${xmlEscaped(word)}</string>\n`).join('');
  const variables = Object.entries(env)
    .map(([name, value]) => `    <key>${xmlEscaped(name)}</key>\n    <string>${xmlEscaped(value)}</string>\n`)
    .join('');
  return `<?xml version="1.0" encoding="UTF-8"?>
<!-- ${ownMark} -->
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${xmlEscaped(id)}</string>
  <key>ProgramArguments</key>
  <array>
${words}  </array>
  <key>EnvironmentVariables</key>
  <dict>
${variables}  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <true/>
  <key>ThrottleInterval</key>
  <integer>60</integer>
  <key>ProcessType</key>
  <string>Background</string>
  <key>StandardOutPath</key>
  <string>${xmlEscaped(log)}</string>
  <key>StandardErrorPath</key>
  <string>${xmlEscaped(log)}</string>
</dict>
</plist>
`;
}
