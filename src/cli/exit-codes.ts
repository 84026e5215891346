import type { ErrorKind } from '../index.ts';

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  incomplete: 3,
  damage: 4,
  noRepository: 10,
  locked: 11,
  wrongKey: 12,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeHelp = `
Exit codes: 0 done, 1 failed, 2 usage, 3 done but incomplete, 4 damage found, 10 no repository,
11 locked, 12 wrong key, 130 interrupted.`;

export function exitCodeOf(kind: ErrorKind): ExitCode {
  switch (kind) {
    case 'failed':
      return exitCodes.failed;
    case 'usage':
      return exitCodes.usage;
    case 'damage':
      return exitCodes.damage;
    case 'no-repository':
      return exitCodes.noRepository;
    case 'locked':
      return exitCodes.locked;
    case 'wrong-key':
      return exitCodes.wrongKey;
    case 'interrupted':
      return exitCodes.interrupted;
  }
}
