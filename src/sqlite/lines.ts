/** How the two processes hear one another: a line is a message. node:readline takes 3 ms to load. */
import type { Readable } from 'node:stream';

export function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (more: string) => {
    const lines = (rest + more).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(onLine);
  });
}
