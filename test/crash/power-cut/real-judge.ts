/** The program itself on a state that a power cut left: written to a folder, without any `local/`. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../../helpers/cli.ts';
import { compareFolders } from '../../helpers/compare-folders.ts';
import type { Sample } from './explore.ts';
import { repositoryFolder, type Scene, stateFolder } from './scene.ts';

/** What is wrong, as text. `folder` is made, and removed again. */
export function judgeByProgram(sample: Sample, scene: Scene, folder: string): string[] {
  const home = join(folder, 'home');
  mkdirSync(join(home, stateFolder), { recursive: true });
  for (const path of sample.folders) mkdirSync(join(home, path), { recursive: true, mode: 0o700 });
  for (const [path, bytes] of sample.files) {
    if (path.includes('/.exuvia-')) continue; // on its way to its place in a restore
    writeFileSync(join(home, path), bytes, { mode: 0o600 });
  }
  const wrong = [
    ...judgeList(sample, home),
    ...judgeRestores(sample, scene, home, folder),
    ...judgeCreate(home),
  ];
  rmSync(folder, { recursive: true });
  return wrong.map((text) => `after operation ${sample.moment}: ${text}`);
}

function judgeList({ promises, files }: Sample, home: string): string[] {
  const run = runCli(['backup', 'list', '--json'], { home });
  const isRepository = files.has(`${repositoryFolder}/exuvia-repository.json`);
  if (run.status === 10 && !isRepository && promises.acknowledged.size === 0) return [];
  if (run.status !== 0) return [`list ends with ${run.status}: ${run.stderr}`];
  const listed = new Set<string>(run.json.snapshots.map(({ id }: { id: string }) => id));
  const missing = [...promises.acknowledged].filter((id) => !listed.has(id) && !isReplaced(id, run.json));
  const wrong = missing.map((id) => `${id} is not listed`);
  if (run.json.damaged.length > 0) wrong.push(`damage: ${JSON.stringify(run.json.damaged)}`);
  return wrong;
}

/** A snapshot is not listed while the one that replaces it is there too. */
function isReplaced(id: string, list: { snapshots: { replaces?: string }[] }): boolean {
  return list.snapshots.some(({ replaces }) => replaces === id);
}

function judgeRestores({ promises }: Sample, scene: Scene, home: string, folder: string): string[] {
  const wrong: string[] = [];
  const listed = runCli(['backup', 'list', '--json'], { home });
  for (const id of promises.acknowledged) {
    if (listed.status === 0 && isReplaced(id, listed.json)) continue;
    const target = join(folder, id);
    const run = runCli(['backup', 'restore', id, '--target', target, '--json'], { home });
    if (run.status !== 0) wrong.push(`restore of ${id} ends with ${run.status}: ${run.stderr}`);
    const stored = scene.copies.get(id);
    if (run.status === 0 && stored !== undefined)
      wrong.push(...compareFolders(stored, target, { skipTimes: true }));
    rmSync(target, { recursive: true, force: true });
  }
  return wrong;
}

/** The next backup goes through, finds nothing to repair, and is sound. */
function judgeCreate(home: string): string[] {
  const create = runCli(['backup', 'create', '--json'], { home });
  if (create.status !== 0) return [`create ends with ${create.status}: ${create.stderr}`];
  const check = runCli(['backup', 'check', '--read-data', '--json'], { home });
  return check.status === 0 ? [] : [`check ends with ${check.status}: ${check.stdout}${check.stderr}`];
}
