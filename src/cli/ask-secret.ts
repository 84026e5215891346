/** A question at the terminal whose answer is not shown. */
import { InterruptedError } from '../index.ts';
import { isTerminal } from './output.ts';

/** Undefined where nobody is at a terminal to answer. */
export function secretAsker(signal: AbortSignal): ((question: string) => Promise<string>) | undefined {
  if (!isTerminal(0) || !isTerminal(2)) return undefined;
  return (question) => askSecret(question, signal);
}

const enter = new Set(['\r', '\n', '\u0004']); // Ctrl-D as well
const erase = new Set(['\u007f', '\b']);

/** The terminal neither shows what is typed nor makes a line of it: keys come one by one. */
async function askSecret(question: string, signal: AbortSignal): Promise<string> {
  const { stdin, stderr } = process;
  stdin.setRawMode(true); // before the question: who answers at once is not shown either
  stderr.write(question);
  stdin.setEncoding('utf8');
  stdin.resume();
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const typed: string[] = [];
  const interrupt = (): void => reject(new InterruptedError('Interrupted; nothing was done'));
  const onKeys = (keys: string): void => {
    for (const key of keys) {
      if (enter.has(key)) resolve(typed.join(''));
      else if (key === '\u0003') interrupt();
      else if (key === '\u0015') typed.length = 0;
      else if (erase.has(key)) typed.pop();
      else typed.push(key);
    }
  };
  stdin.on('data', onKeys);
  signal.addEventListener('abort', interrupt);
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', interrupt);
    stdin.off('data', onKeys);
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}
