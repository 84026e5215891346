import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { launcherPath } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const flags = process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user'];
const canMount = spawnSync('unshare', [...flags, 'true']).status === 0;
const skip = canMount ? false : 'needs mount namespaces (unshare), which are not allowed here';

/**
 * Runs in a mount namespace of its own: a home, a repository on a file system of 24 MB and 300 inodes, five snapshots of
 * 3 MB each, and then not a byte and not an inode free. Each command prints its name, its exit code and its first line.
 */
const script = `
  set -e
  home=$1; node=$2; launcher=$3; disk=$home/disk
  mkdir -p "$disk" "$home/.openclaw/workspace"
  mount -t tmpfs -o size=24m,nr_inodes=300 none "$disk"
  export HOME="$home" EXUVIA_REPOSITORY="$disk/repository"
  exuvia() { "$node" "$launcher" backup "$@"; }
  echo '{}' > "$home/.openclaw/openclaw.json"
  for n in 1 2 3 4 5; do
    head -c 3000000 /dev/urandom > "$home/.openclaw/workspace/file$n"
    rm -f "$home/.openclaw/workspace/file$((n - 1))"
    exuvia create --quiet
  done
  cp -r "$home/.openclaw" "$home/before"
  set +e
  dd if=/dev/zero of="$disk/fill" bs=4k 2>/dev/null
  n=0; while touch "$disk/inode$n" 2>/dev/null; do n=$((n + 1)); done
  echo "free $(df --output=avail "$disk" | tail -1 | tr -d ' ') $(df --output=iavail "$disk" | tail -1 | tr -d ' ')"
  run() {
    out=$(exuvia "$@" 2>&1); code=$?
    echo "$1 $code $(echo "$out" | head -1)"
  }
  run list
  run check --read-data
  run restore latest --target "$home/restored"
  diff -r "$home/before" "$home/restored" && echo same
  run create
  run forget --keep-last 2
  run prune
  run check --read-data
  echo "free $(df --output=avail "$disk" | tail -1 | tr -d ' ')"
  rm "$disk"/inode* "$disk/fill"
  run create
  run check --read-data
`;

test('with no byte and no inode free, list, check, restore, forget and prune work, and prune frees space', {
  skip,
}, (context) => {
  const home = temporaryFolder(context);
  const args = [...flags, 'sh', '-c', script, 'sh', home, process.execPath, launcherPath];
  const { stdout, stderr, status } = spawnSync('unshare', args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const lines = stdout.trim().split('\n');
  assert.equal(lines[0], 'free 0 0');
  const codes = lines.filter((line) => /^[a-z]+ \d+ /.test(line) && !line.startsWith('free'));
  assert.deepEqual(
    codes.map((line) => line.split(' ').slice(0, 2).join(' ')),
    ['list 0', 'check 0', 'restore 0', 'create 1', 'forget 0', 'prune 0', 'check 0', 'create 0', 'check 0'],
    stdout,
  );
  assert.ok(lines.includes('same'), stdout);
  assert.match(codes[3] ?? '', /no space left on the device/);
  const free = Number(lines.findLast((line) => line.startsWith('free'))?.split(' ')[1]);
  assert.ok(free > 5000, `prune freed ${free} KiB`);
});

const repairScript = `
  set -e
  home=$1; node=$2; launcher=$3; disk=$home/disk
  mkdir -p "$disk" "$home/.openclaw"
  mount -t tmpfs -o size=24m,nr_inodes=300 none "$disk"
  export HOME="$home" EXUVIA_REPOSITORY="$disk/repository"
  exuvia() { "$node" "$launcher" backup "$@"; }
  for n in 1 2; do
    echo "{ \\"n\\": $n }" > "$home/.openclaw/openclaw.json"
    exuvia create --quiet
  done
  rm "$(ls "$disk"/repository/snapshots/* | head -1)"
  set +e
  dd if=/dev/zero of="$disk/fill" bs=4k 2>/dev/null
  n=0; while touch "$disk/inode$n" 2>/dev/null; do n=$((n + 1)); done
  exuvia check > "$home/out" 2>&1; echo "check $?"
  exuvia check --repair > "$home/out" 2>&1; echo "repair $?"
  rm "$disk"/inode* "$disk/fill"
  exuvia check > "$home/out" 2>&1; echo "check $?"
`;

test('what a repair counts as gone on a full disk stays counted', { skip }, (context) => {
  const home = temporaryFolder(context);
  const args = [...flags, 'sh', '-c', repairScript, 'sh', home, process.execPath, launcherPath];
  const { stdout, stderr, status } = spawnSync('unshare', args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.deepEqual(stdout.trim().split('\n'), ['check 4', 'repair 0', 'check 0']);
});

/** The same on a disk that becomes read-only: what reads works, what would write names the cause. */
const readOnlyScript = `
  set -e
  home=$1; node=$2; launcher=$3; disk=$home/disk
  mkdir -p "$disk" "$home/.openclaw/workspace"
  mount -t tmpfs -o size=24m none "$disk"
  export HOME="$home" EXUVIA_REPOSITORY="$disk/repository"
  echo '{}' > "$home/.openclaw/openclaw.json"
  echo notes > "$home/.openclaw/workspace/notes.md"
  "$node" "$launcher" backup create --quiet
  cp -r "$home/.openclaw" "$home/before"
  mount -o remount,ro "$disk"
  set +e
  run() {
    out=$("$node" "$launcher" backup "$@" 2>&1); code=$?
    echo "$1 $code $(echo "$out" | head -1)"
  }
  run list
  run check --read-data
  run restore latest --target "$home/restored"
  diff -r "$home/before" "$home/restored" && echo same
  run create
  run forget latest
  run prune
  run tag latest --add good
  run pin latest
  run purge workspace/notes.md
  run rebuild-index
`;

test('on a read-only disk, list, check and restore work, and all else says that it is read-only', {
  skip,
}, (context) => {
  const home = temporaryFolder(context);
  const args = [...flags, 'sh', '-c', readOnlyScript, 'sh', home, process.execPath, launcherPath];
  const { stdout, stderr, status } = spawnSync('unshare', args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const lines = stdout.trim().split('\n');
  const works = lines.slice(0, 3).map((line) => line.split(' ').slice(0, 2).join(' '));
  assert.deepEqual(works, ['list 0', 'check 0', 'restore 0'], stdout);
  assert.equal(lines[3], 'same');
  assert.equal(lines.length, 11);
  for (const line of lines.slice(4)) assert.match(line, /^[a-z-]+ 1 exuvia: .*read-only/);
});
