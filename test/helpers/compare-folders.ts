/** An independent comparison of two folders: names as bytes, type, mode, content, link target, time, hard link groups. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface CompareOptions {
  /** Relative slash paths (latin1) that are not looked at, with what is inside. */
  readonly ignore?: (path: string) => boolean;
  /** Files whose bytes are compared elsewhere, such as databases. */
  readonly skipContent?: (path: string) => boolean;
  readonly skipTimes?: boolean;
}

const timeToleranceNs = 2000n;

/** Differences as text, none when the folders are alike. */
export function compareFolders(a: string, b: string, options: CompareOptions = {}): string[] {
  const left = describe(a, options);
  const right = describe(b, options);
  const differences: string[] = [];
  for (const path of new Set([...left.keys(), ...right.keys()])) {
    const one = left.get(path);
    const two = right.get(path);
    if (one === undefined || two === undefined)
      differences.push(`${JSON.stringify(path)} only in ${one ? 'a' : 'b'}`);
    else differences.push(...compareOne(path, one, two, options));
  }
  return differences;
}

interface Described {
  readonly type: string;
  readonly mode: number;
  readonly mtimeNs: bigint;
  readonly content: string;
  readonly group: string;
}

function compareOne(path: string, a: Described, b: Described, options: CompareOptions): string[] {
  const name = JSON.stringify(path);
  if (a.type !== b.type) return [`${name}: ${a.type} and ${b.type}`];
  const found: string[] = [];
  if (a.type !== 'link' && a.mode !== b.mode)
    found.push(`${name}: mode ${a.mode.toString(8)} and ${b.mode.toString(8)}`);
  if (a.content !== b.content) found.push(`${name}: content differs`);
  if (a.group !== b.group) found.push(`${name}: hard links ${a.group} and ${b.group}`);
  const apart = a.mtimeNs - b.mtimeNs;
  if (!options.skipTimes && (apart > timeToleranceNs || apart < -timeToleranceNs)) {
    found.push(`${name}: time ${a.mtimeNs} and ${b.mtimeNs}`);
  }
  return found;
}

function describe(root: string, options: CompareOptions): Map<string, Described> {
  const found = new Map<string, Described>();
  const groups = new Map<string, string>();
  visit('');
  return found;

  function visit(path: string): void {
    const full = Buffer.concat([Buffer.from(root), Buffer.from(path === '' ? '' : `/${path}`, 'latin1')]);
    const stat = lstatSync(full, { bigint: true });
    if (path !== '' && options.ignore?.(path)) return;
    let type = 'special';
    let content = '';
    let group = '';
    if (stat.isDirectory()) type = 'folder';
    else if (stat.isSymbolicLink()) {
      type = 'link';
      content = readlinkSync(full, { encoding: 'latin1' });
    } else if (stat.isFile()) {
      type = 'file';
      if (!options.skipContent?.(path)) content = readFileSync(full).toString('latin1');
      if (stat.nlink > 1n) {
        const inode = `${stat.dev}:${stat.ino}`;
        groups.set(inode, groups.get(inode) ?? path);
        group = groups.get(inode) ?? '';
      }
    }
    found.set(path, { type, mode: Number(stat.mode & 0o7777n), mtimeNs: stat.mtimeNs, content, group });
    if (type !== 'folder') return;
    for (const name of readdirSync(full, { encoding: 'latin1' }).sort())
      visit(path === '' ? name : `${path}/${name}`);
  }
}
