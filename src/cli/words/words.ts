/** What the words of several commands share. */
import type { Command } from 'commander';
import { exitCodeHelp } from '../exit-codes.ts';

export const referenceHelp = 'id, latest, latest~2, a tag, or a time such as "2 hours ago"';

export function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** To be called when all commands of a group are there. */
export function addExitCodes(group: Command): void {
  for (const command of [group, ...group.commands]) command.addHelpText('after', exitCodeHelp);
}

/** Comma-separated and repeated values both work. A comma inside brackets belongs to a pattern: `*.{key,pem}`. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  const parts = (value.match(/(?:\{[^}]*\}|\[[^\]]*\]|\([^)]*\)|[^,])+/g) ?? []).map((part) => part.trim());
  return [...before, ...parts.filter((part) => part !== '')];
}

export function append(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
