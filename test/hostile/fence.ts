/** A folder around everything that an attack may reach: what changes in it outside of the places that may change is an escape. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Environment, systemEnvironment } from '../../src/index.ts';

/** Names that attacks go for: beside, above and at absolute places that are known. */
const baits = [
  'passwd',
  'x',
  'evil',
  'outside/passwd',
  'outside/x',
  'outside/deep/x',
  'home/.ssh/authorized_keys',
];

export class Fence implements Disposable {
  readonly root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'exuvia-fence-'));
  readonly home = join(this.root, 'home');
  readonly state = join(this.home, '.openclaw');
  readonly target = join(this.root, 'inner/target');
  readonly outside = join(this.root, 'outside');
  /** Where temporary files go. */
  readonly scratch = join(this.root, 'scratch');
  readonly environment: Environment;

  constructor() {
    for (const bait of baits) this.put(bait, `bait ${bait}`);
    this.put('home/.openclaw/openclaw.json', '{ "gateway": { "port": 1 } }');
    this.put('home/.openclaw/workspace/MEMORY.md', 'mine');
    mkdirSync(this.scratch);
    mkdirSync(join(this.root, 'inner'));
    this.environment = systemEnvironment({
      env: { HOME: this.home, TMPDIR: this.scratch },
      osHome: this.home,
      cwd: this.root,
      host: 'victim',
      lockWaitMs: 1000,
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }

  at(path: string): string {
    return join(this.root, path);
  }

  put(path: string, content: string | Buffer): string {
    const full = this.at(path);
    mkdirSync(join(full, '..'), { recursive: true });
    writeFileSync(full, content);
    return full;
  }

  /** Every path in the fence but those in `open`, with what is there. */
  print(open: readonly string[]): Map<string, string> {
    const found = new Map<string, string>();
    const look = (path: string): void => {
      if (open.includes(path)) return;
      const stat = lstatSync(bytesOf(path));
      found.set(path, `${stat.mode.toString(8)} ${contentOf(path)}`);
      for (const one of childrenOf(path)) look(one);
    };
    look(this.root);
    return found;
  }

  /** Runs `work`; nothing outside of `open` may change by it. */
  async guard<T>(open: readonly string[], work: () => Promise<T> | T): Promise<T> {
    const before = this.print(open);
    try {
      return await work();
    } finally {
      assert.deepEqual(this.print(open), before, 'something outside was touched');
    }
  }
}

/** Names may be any bytes: paths are held as one character a byte. */
export function bytesOf(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

/** What is in a folder, and nothing for what is none. */
export function childrenOf(path: string): string[] {
  if (!lstatSync(bytesOf(path)).isDirectory()) return [];
  return readdirSync(bytesOf(path), { encoding: 'latin1' }).map((name) => `${path}/${name}`);
}

function contentOf(path: string): string {
  const stat = lstatSync(bytesOf(path));
  if (stat.isSymbolicLink()) return `-> ${readlinkSync(bytesOf(path))}`;
  if (!stat.isFile()) return 'no file';
  return createHash('sha256')
    .update(readFileSync(bytesOf(path)))
    .digest('hex')
    .slice(0, 16);
}
