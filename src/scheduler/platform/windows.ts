/** A task of Windows that starts the daemon when the user logs on; the daemon follows the schedule and makes up for missed runs. */
import { ownMark, type TimerJob, type TimerStep, xmlEscaped } from './job.ts';

export interface WindowsPlaces {
  /** `%LOCALAPPDATA%\Exuvia` */
  readonly folder: string;
  /** `DOMAIN\name`, or the name alone. */
  readonly user: string;
}

export function windowsFile(job: TimerJob, { folder }: WindowsPlaces): string {
  return `${folder}\\${job.id}.xml`;
}

export function planWindows(job: TimerJob, places: WindowsPlaces): TimerStep[] {
  const path = windowsFile(job, places);
  return [
    { do: 'write', path, content: windowsTask(job, places), encoding: 'utf16le' },
    { do: 'run', words: ['schtasks', '/End', '/TN', taskName(job)], mayFail: true },
    { do: 'run', words: ['schtasks', '/Create', '/F', '/TN', taskName(job), '/XML', path] },
    { do: 'run', words: ['schtasks', '/Run', '/TN', taskName(job)] },
  ];
}

export function planWindowsRemoval(job: TimerJob, places: WindowsPlaces): TimerStep[] {
  return [
    { do: 'run', words: ['schtasks', '/End', '/TN', taskName(job)], mayFail: true },
    { do: 'run', words: ['schtasks', '/Delete', '/F', '/TN', taskName(job)], mayFail: true },
    { do: 'remove', path: windowsFile(job, places) },
  ];
}

/** The beginning is a byte order mark: schtasks reads UTF-16. `conhost --headless` keeps a window from opening. */
export function windowsTask({ daemon }: TimerJob, { user }: WindowsPlaces): string {
  const words = ['--headless', ...daemon].map(windowsQuoted).join(' ');
  return `\ufeff<?xml version="1.0" encoding="UTF-16"?>
<!-- ${ownMark} -->
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>Backups of an OpenClaw home by Exuvia</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>${xmlEscaped(user)}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>${xmlEscaped(user)}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>8</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>10</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>conhost.exe</Command>
      <Arguments>${xmlEscaped(words)}</Arguments>
    </Exec>
  </Actions>
</Task>
`;
}

function taskName({ id }: TimerJob): string {
  return `Exuvia\\${id}`;
}

/** As the C runtime of Windows splits words: a backslash counts only before a quote. */
function windowsQuoted(word: string): string {
  if (/^[^\s"]+$/.test(word)) return word;
  return `"${word.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
}
