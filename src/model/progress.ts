/** Where long work tells how far it is. Calls are cheap; the receiver decides how often to draw. */
export interface Progress {
  /** A named step begins; the totals may be undefined while they are not known. */
  step(name: string, total?: { readonly files?: number; readonly bytes?: number }): void;
  advance(done: { readonly files?: number; readonly bytes?: number }): void;
  /** Something a user should know that does not end the run. */
  warn(message: string): void;
}

export const silentProgress: Progress = { step() {}, advance() {}, warn() {} };
