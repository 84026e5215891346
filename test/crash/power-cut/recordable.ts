/** Whether runs can be recorded here, and whether a record is exact. */
import assert from 'node:assert/strict';
import { Seeded } from '../../helpers/seeded.ts';
import { Disk } from './disk.ts';
import { isMark } from './promises.ts';
import { isScratch, repositoryFolder, type Scene } from './scene.ts';
import { choices, Moment } from './states.ts';

/** Why not, or false. Files that were renamed or linked while open are found through /proc. */
export const unrecordable: string | false =
  process.platform === 'linux' ? false : 'runs are recorded on Linux only';

/** Once all of it has reached the disk, the log must describe the repository that is there, byte for byte. */
export function recordedAsIs(scene: Scene): void {
  const disk = new Disk(isScratch);
  for (const operation of scene.log) {
    if (!isMark(operation)) disk.apply(operation);
    else if (operation.kind === 'settled') disk.settle(operation.folder, operation.files, 'backups');
  }
  disk.syncAll();
  const moment = new Moment(disk);
  const [choice] = [...choices(moment.units, 0, new Seeded(0))];
  assert.ok(choice !== undefined);
  const described = new Map(
    [...moment.treeOf(choice).files]
      .filter(([path]) => path.startsWith(`${repositoryFolder}/`))
      .map(([path, file]) => [path, Buffer.from(file.bytes())]),
  );
  const there = scene.repositoryFiles();
  assert.deepEqual([...described.keys()].sort(), [...there.keys()].sort());
  for (const [path, bytes] of there) assert.ok(described.get(path)?.equals(bytes), path);
}
