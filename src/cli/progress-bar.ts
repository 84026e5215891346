/** Progress on a terminal: one line on stderr, redrawn ten times a second at most. Off when piped. */

import type { Progress } from '../index.ts';
import { bytesText, durationText, numberText, safeText } from './text.ts';

const redrawMs = 100;
const firstDrawMs = 300; // quick work shows nothing
const barWidth = 24;

export interface ProgressOutput {
  readonly columns: () => number;
  readonly write: (text: string) => void;
  readonly nowMs: () => number;
}

export class ProgressBar implements Progress {
  readonly #output: ProgressOutput;
  #step = '';
  #totalBytes: number | undefined;
  #totalFiles: number | undefined;
  #bytes = 0;
  #files = 0;
  #startedMs: number;
  #drawnMs: number;
  #isDrawn = false;

  constructor(output: ProgressOutput) {
    this.#output = output;
    this.#startedMs = output.nowMs();
    this.#drawnMs = this.#startedMs + firstDrawMs - redrawMs;
  }

  step(name: string, total?: { readonly files?: number; readonly bytes?: number }): void {
    this.#step = name;
    this.#totalBytes = total?.bytes;
    this.#totalFiles = total?.files;
    this.#bytes = 0;
    this.#files = 0;
    this.#startedMs = this.#output.nowMs();
  }

  advance(done: { readonly files?: number; readonly bytes?: number }): void {
    this.#bytes += done.bytes ?? 0;
    this.#files += done.files ?? 0;
    const now = this.#output.nowMs();
    if (now - this.#drawnMs < redrawMs) return;
    this.#drawnMs = now;
    this.#draw(now);
  }

  warn(message: string): void {
    this.clear();
    this.#output.write(`Warning: ${safeText(message)}\n`);
  }

  clear(): void {
    if (this.#isDrawn) this.#output.write('\r\u001b[K');
    this.#isDrawn = false;
  }

  #draw(now: number): void {
    const elapsedMs = Math.max(1, now - this.#startedMs);
    const parts = [safeText(this.#step), ...this.#share(elapsedMs)];
    parts.push(`${numberText(this.#files)} files`, bytesText(this.#bytes));
    parts.push(`${bytesText((this.#bytes * 1000) / elapsedMs)}/s`);
    this.#output.write(`\r${parts.join('  ').slice(0, Math.max(20, this.#output.columns() - 1))}\u001b[K`);
    this.#isDrawn = true;
  }

  /** Bar, per cent and remaining time, where the total is known. */
  #share(elapsedMs: number): string[] {
    const total = this.#totalBytes ?? this.#totalFiles;
    if (total === undefined || total === 0) return [];
    const share = Math.min(1, (this.#totalBytes === undefined ? this.#files : this.#bytes) / total);
    const filled = Math.round(share * barWidth);
    const bar = `[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}]`;
    const left = share > 0.02 ? [`${durationText((elapsedMs / share) * (1 - share))} left`] : [];
    return [bar, `${Math.floor(share * 100)} %`, ...left];
  }
}
