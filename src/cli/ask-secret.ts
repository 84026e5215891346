/** A question at the terminal whose answer is not shown. */
import { InterruptedError } from '../index.ts';

/** Undefined where nobody is at a terminal to answer. */
export function secretAsker(): ((question: string) => Promise<string>) | undefined {
  return process.stdin.isTTY && process.stderr.isTTY ? askSecret : undefined;
}

const enter = new Set(['\r', '\n', '\u0004']); // Ctrl-D as well
const erase = new Set(['\u007f', '\b']);

/** The terminal neither shows what is typed nor makes a line of it: keys come one by one. */
async function askSecret(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const typed: string[] = [];
  const onKeys = (keys: string): void => {
    for (const key of keys) {
      if (enter.has(key)) resolve(typed.join(''));
      else if (key === '\u0003') reject(new InterruptedError('Interrupted; nothing was done'));
      else if (key === '\u0015') typed.length = 0;
      else if (erase.has(key)) typed.pop();
      else typed.push(key);
    }
  };
  stdin.on('data', onKeys);
  try {
    return await promise;
  } finally {
    stdin.off('data', onKeys);
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}
