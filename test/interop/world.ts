/** What the stories about a real OpenClaw share: one installation, one home that lives through all of them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type CliRun, runCli } from '../helpers/cli.ts';
import { RealOpenClaw } from '../helpers/real-openclaw.ts';
import type { StubModel } from '../helpers/stub-model.ts';

export interface Checkpoint {
  readonly id: string;
  /** Copy of the state directory, made just before the snapshot. */
  readonly copy: string;
  /** Relative paths that the snapshot says it left out. */
  readonly leftOut: readonly string[];
}

export class World {
  readonly folder: string;
  readonly installed: string;
  readonly model: StubModel;
  readonly gatewayPort: number;
  readonly openclaw: RealOpenClaw;
  readonly checkpoints: Checkpoint[] = [];
  readonly #test: TestContext;

  constructor(
    test: TestContext,
    options: { folder: string; installed: string; model: StubModel; gatewayPort: number },
  ) {
    this.#test = test;
    this.folder = options.folder;
    this.installed = options.installed;
    this.model = options.model;
    this.gatewayPort = options.gatewayPort;
    this.openclaw = this.openclawAt(join(options.folder, 'home'));
  }

  openclawAt(home: string): RealOpenClaw {
    return new RealOpenClaw(this.installed, home, join(this.folder, 'temporary'));
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  inState(...parts: string[]): string {
    return join(this.openclaw.stateDir, ...parts);
  }

  /** Exuvia in the shared home, or in another. */
  exuvia(args: readonly string[], home = this.openclaw.home): CliRun {
    mkdirSync(home, { recursive: true });
    return runCli(args, { home });
  }

  /** Exuvia, successfully. */
  mustExuvia(args: readonly string[], home?: string): CliRun {
    const run = this.exuvia(args, home);
    assert.equal(run.status, 0, `exuvia ${args.join(' ')}: ${run.stderr || run.stdout}`);
    return run;
  }

  /** A copy of the state directory as it is; nothing may be running. */
  copyState(name: string): string {
    const copy = this.path(name);
    execFileSync('cp', ['-a', this.openclaw.stateDir, copy]);
    return copy;
  }

  /** A copy, then a snapshot. */
  checkpoint(): Checkpoint {
    const copy = this.copyState(`copy-${this.checkpoints.length + 1}`);
    const { snapshot, stats, skipped, unreadable } = this.measured('backup create', () =>
      this.mustExuvia(['backup', 'create', '--json']),
    ).json;
    assert.deepEqual(unreadable, []);
    this.note(
      `${stats.files} files, ${stats.totalBytes} bytes in all, read ${stats.readBytes}, added ${stats.addedBytes}, stored ${stats.storedBytes}`,
    );
    const leftOut = skipped.map((one: { path: string }) => one.path);
    this.note(`left out: ${leftOut.join(', ')}`);
    const checkpoint = { id: snapshot.id, copy, leftOut };
    this.checkpoints.push(checkpoint);
    return checkpoint;
  }

  note(text: string): void {
    this.#test.diagnostic(text);
  }

  measured<T>(name: string, work: () => T): T {
    const startedMs = performance.now();
    const result = work();
    this.note(`${name}: ${((performance.now() - startedMs) / 1000).toFixed(2)} s`);
    return result;
  }

  noteSize(path: string): void {
    this.note(`${path.slice(this.folder.length + 1)}: ${statSync(path).size} bytes`);
  }
}
