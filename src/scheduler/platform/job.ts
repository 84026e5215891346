/** What a timer of the platform starts, and the steps that put it there or take it away again. Pure. */
export interface TimerJob {
  /** Names the job on this machine: letters, digits, dashes. */
  readonly id: string;
  readonly schedule: string;
  /** Program and words that run one backup if one is due. */
  readonly tick: readonly string[];
  /** Program and words of the daemon. */
  readonly daemon: readonly string[];
  /** What the job needs of the user's environment; timers start with hardly any. */
  readonly env: Readonly<Record<string, string>>;
}

export type TimerMethod = 'systemd' | 'launchd' | 'crontab' | 'windows';
export const timerMethods: readonly TimerMethod[] = ['systemd', 'launchd', 'crontab', 'windows'];

/** One thing to do to the machine, as it is printed by `--dry-run` and done without. */
export type TimerStep =
  | { readonly do: 'write'; readonly path: string; readonly content: string; readonly encoding?: 'utf16le' }
  | { readonly do: 'remove'; readonly path: string }
  | {
      readonly do: 'run';
      readonly words: readonly string[];
      /** For standard input. */
      readonly input?: string;
      /** It fails when there is nothing to be stopped, and that is right. */
      readonly mayFail?: true;
    };

/** Stands in every file and block that `schedule enable` writes, and only there. */
export const ownMark = 'exuvia schedule 1: remove it with "exuvia schedule disable"';

export function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export function xmlEscaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
