#!/usr/bin/env node
// Plain JavaScript that any Node since 14 can parse: checks the version before anything else is loaded.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const wanted = [22, 18];

/** Whether a `major.minor.patch` version is new enough. */
function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1]);
}

/** The Node that came with the `node` package, in a checkout or beside this package. */
function bundledNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const places = [`../node_modules/node/bin/${name}`, `../../node/bin/${name}`];
  return places
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((path) => existsSync(path));
}

if (isNewEnough(process.versions.node)) {
  await import('./bundle/main.js');
} else {
  const other = process.env.EXUVIA_LAUNCHED ? undefined : bundledNode();
  if (other === undefined) {
    console.error(
      `exuvia needs Node ${wanted.join('.')} or newer, and this is ${process.versions.node}. Install a newer Node from https://nodejs.org and run the command again.`,
    );
    process.exit(1);
  }
  const run = spawn(other, process.argv.slice(1), {
    stdio: 'inherit',
    env: { ...process.env, EXUVIA_LAUNCHED: '1' },
  });
  // Ctrl-C reaches both: this process waits for the other to end in its own way.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => run.kill(signal));
  run.on('error', (error) => {
    console.error(`exuvia: cannot start ${other}: ${error.message}`);
    process.exit(1);
  });
  run.on('exit', (code, signal) => process.exit(signal ? 130 : code));
}
