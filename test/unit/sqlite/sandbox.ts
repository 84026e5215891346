import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byteStringOf } from '../../../src/model/paths.ts';
import {
  CaptureProcess,
  type CaptureProcessOptions,
  type CaptureResult,
} from '../../../src/sqlite/capture.ts';

export type Captured = Extract<CaptureResult, { kind: 'captured' }>;

export interface Sandbox {
  /** Where the databases are. */
  readonly folder: string;
  readonly stagingDir: string;
  readonly captures: CaptureProcess;
  /** Path of a file in `folder`. */
  at(name: string): string;
  capture(name: string): Promise<CaptureResult>;
  /** The same, for a database that must be captured. */
  mustCapture(name: string): Promise<Captured>;
}

/** Runs `work` with two new folders and a capturing process; all of it is gone afterwards. */
export async function withSandbox(
  work: (sandbox: Sandbox) => Promise<void>,
  options: Partial<CaptureProcessOptions> = {},
): Promise<void> {
  const top = realpathSync(mkdtempSync(join(tmpdir(), 'exuvia-sqlite-')));
  const folder = mkdtempSync(join(top, 'source-'));
  const stagingDir = join(top, 'staging');
  try {
    await using captures = new CaptureProcess(options);
    const at = (name: string) => join(folder, name);
    const capture = (name: string) => captures.capture(byteStringOf(at(name)), stagingDir);
    const mustCapture = async (name: string) => assertCaptured(await capture(name));
    await work({ folder, stagingDir, captures, at, capture, mustCapture });
  } finally {
    rmSync(top, { recursive: true, force: true });
  }
}

export function assertCaptured(result: CaptureResult): Captured {
  assert.equal(result.kind, 'captured', JSON.stringify(result));
  return result as Captured;
}

/** Name, content, size and modification time of all files in a folder. */
export function stateOf(folder: string, options: { except?: string } = {}): Record<string, string> {
  const names = readdirSync(folder).filter((name) => name !== options.except);
  return Object.fromEntries(names.map((name) => [name, stateOfFile(join(folder, name))]));
}

function stateOfFile(path: string): string {
  const { size, mtimeNs } = statSync(path, { bigint: true });
  return `${size} ${mtimeNs} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
}

export function filesBeside(path: string): string[] {
  return readdirSync(join(path, '..'));
}

/** How many pages of two files of the same page size differ. */
export function differingPages(a: Uint8Array, b: Uint8Array, pageSize: number): number {
  let count = 0;
  for (let at = 0; at < Math.max(a.length, b.length); at += pageSize) {
    if (Buffer.compare(a.subarray(at, at + pageSize), b.subarray(at, at + pageSize)) !== 0) count++;
  }
  return count;
}
