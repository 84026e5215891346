/**
 * A file system of its own in a file, whose power can be cut: FS_IOC_SHUTDOWN stops it at once, and what it had not
 * written is lost. Mounting it again replays its journal, as after a real cut.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export type FileSystem = 'ext4' | 'xfs';

/** `everything`: nothing that is in memory reaches the disk; `data`: the journal does, the bytes of files do not. */
export type Lost = 'everything' | 'data';

const imageBytes = 320 * 1024 * 1024; // xfs wants 300 MB
const ioctl = `
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', int(sys.argv[2])))`;

export class LoopDisk {
  readonly mount: string;
  readonly #type: FileSystem;
  readonly #image: string;

  constructor(folder: string, type: FileSystem) {
    this.#type = type;
    this.#image = join(folder, `${type}.image`);
    this.mount = join(folder, type);
    mkdirSync(this.mount, { recursive: true });
  }

  /** Makes the file system anew, and mounts it. */
  format(): void {
    rmSync(this.#image, { force: true });
    const fd = openSync(this.#image, 'w');
    ftruncateSync(fd, imageBytes);
    closeSync(fd);
    mustRun(`mkfs.${this.#type}`, ['-q', this.#image]);
    this.attach();
  }

  attach(): void {
    mustRun('mount', ['-o', 'loop', this.#image, this.mount]);
  }

  cut(lost: Lost): void {
    mustRun('python3', ['-c', ioctl, this.mount, lost === 'everything' ? '2' : '1']);
  }

  /** Nobody may have anything open in it. */
  detach(): void {
    mustRun('umount', [this.mount]);
  }

  [Symbol.dispose](): void {
    spawnSync('umount', ['-l', this.mount], { stdio: 'ignore' }); // when a test failed in the middle
    rmSync(this.#image, { force: true });
  }
}

function mustRun(program: string, words: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, words);
  if (status !== 0) throw new Error(`${program} ${words.at(-1)}: ${error?.message ?? stderr.toString()}`);
}

/** Why there is no cutting the power of such a file system here, or false. */
export function uncuttable(folder: string, type: FileSystem): string | false {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root, to mount';
  if (!existsSync('/dev/loop-control')) return 'needs loop devices';
  try {
    using disk = new LoopDisk(folder, type);
    disk.format();
    disk.cut('everything');
    disk.detach();
    return false;
  } catch (error) {
    return `cannot make, mount and cut ${type}: ${(error as Error).message.trim()}`;
  }
}
