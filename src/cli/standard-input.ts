import { type ConfigInput, UsageError } from '../index.ts';
import { isTerminal } from './output.ts';

/** All of it, as the input of an import. @param example how a shell gives it */
export async function readStandardInput(example: string): Promise<ConfigInput> {
  if (isTerminal(0))
    throw new UsageError(
      'Import what? Standard input is the terminal',
      `Write ${example}, or name the file.`,
    );
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Buffer);
  return { name: 'standard input', bytes: Buffer.concat(pieces) };
}
