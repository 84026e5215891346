import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { circumstances, markdownTable, median } from '../../../bench/lib/report.ts';
import { run } from '../../../bench/lib/run.ts';
import { folderSize } from '../../../bench/lib/sizes.ts';
import { buildLargeFiles, buildManyFiles } from '../../../bench/memory/data.ts';
import { buildSmallHome } from '../../../bench/nothing-changed/data.ts';

const withoutProc = existsSync('/proc/self/status') ? false : 'there is no /proc';

/** Fills 120 MB and keeps it for a moment. */
const fills = 'const kept = Buffer.alloc(120e6, 1); setTimeout(() => kept, 300)';

test('run() sees the memory of a process and of its children', { skip: withoutProc }, async () => {
  const alone = await run(process.execPath, ['-e', fills], { measureMemory: true });
  const spawns = `require('child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(fills)}]);`;
  const parent = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(fills)}]); ${fills}`;
  const both = await run(process.execPath, ['-e', parent], { measureMemory: true });
  const child = await run(process.execPath, ['-e', spawns], { measureMemory: true });
  assert.ok(alone.memoryBytesMax! > 120e6 && alone.memoryBytesMax! < 240e6, `${alone.memoryBytesMax}`);
  assert.ok(both.memoryBytesMax! > 240e6, `${both.memoryBytesMax}`);
  assert.ok(child.memoryBytesMax! > 120e6, `${child.memoryBytesMax}`);
});

test('run() sees the processor time of a process and of its children', { skip: withoutProc }, async () => {
  // Asking for the time takes time too, which is why it is not asked all the time.
  const works =
    'const end = process.cpuUsage().user + 300_000; while (process.cpuUsage().user < end) for (let i = 0; i < 1e6; i++);';
  const spawns = `require('child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(works)}]);`;
  const both = await run(process.execPath, ['-e', `${spawns} ${works}`]);
  assert.ok(both.cpuMs! >= 600 && both.cpuMs! < 2000, `${both.cpuMs}`);
  const idle = await run(process.execPath, ['-e', 'setTimeout(() => {}, 500)']);
  assert.ok(idle.cpuMs! < 300, `${idle.cpuMs}`);
});

test('run() fails with what a failing command wrote', async () => {
  await assert.rejects(
    run(process.execPath, ['-e', "console.error('no luck'); process.exit(3)"]),
    /ended with 3: no luck/,
  );
  const allowed = await run(process.execPath, ['-e', 'process.exit(3)'], { exitCodes: [0, 3] });
  assert.equal(allowed.exitCode, 3);
});

test('folderSize() sums lengths, and leaves out what it is told to', () => {
  const dir = mkdtempSync(join(tmpdir(), 'exuvia-bench-'));
  try {
    mkdirSync(join(dir, 'local'));
    writeFileSync(join(dir, 'a'), 'abc');
    writeFileSync(join(dir, 'local', 'b'), 'defgh');
    assert.deepEqual([folderSize(dir).files, folderSize(dir).bytes], [2, 8]);
    assert.equal(folderSize(dir, (path) => !path.startsWith('local/')).bytes, 3);
    assert.ok(folderSize(dir).diskBytes >= 8);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('markdownTable() pads its columns', () => {
  const table = markdownTable([
    { name: 'a', size: '1,000' },
    { name: 'longer', size: '2' },
  ]);
  assert.equal(table, '| name   | size  |\n| ------ | ----- |\n| a      | 1,000 |\n| longer | 2     |');
});

test('median() takes the middle', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
});

test('circumstances() name the version, the processor and the time', () => {
  const about = circumstances();
  assert.match(about.version, /^\d+\.\d+\.\d+/);
  assert.ok(about.cores > 0 && about.memoryBytes > 0);
  assert.ok(Date.parse(about.measuredAt) > 0);
});

test('buildLargeFiles() makes files with holes, and says how much there is to read', () => {
  const dir = mkdtempSync(join(tmpdir(), 'exuvia-bench-'));
  try {
    const small = {
      sparseFiles: 1,
      sparseBytes: 50_000_000,
      islands: 2,
      randomFiles: [100_000],
      textFiles: [200_000],
    };
    assert.equal(buildLargeFiles(dir, 1, small), 50_300_000);
    const size = folderSize(dir);
    assert.equal(size.bytes, 50_300_000);
    assert.ok(size.diskBytes < 10_000_000, `${size.diskBytes}`);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('buildManyFiles() and buildSmallHome() make as many files as they are asked for', () => {
  const dir = mkdtempSync(join(tmpdir(), 'exuvia-bench-'));
  try {
    assert.equal(buildManyFiles(join(dir, 'many'), 1, 7, 5), 35);
    assert.equal(folderSize(join(dir, 'many')).files, 35);
    buildSmallHome(join(dir, 'home'), 1, 200);
    assert.equal(folderSize(join(dir, 'home')).files, 200);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
