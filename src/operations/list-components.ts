/** `backup components`: what a home consists of, part by part, with what is left out by default and why. */
import { existsSync } from 'node:fs';
import { byteStringOf, displayKey, type PathKey } from '../model/paths.ts';
import type { PathFilter } from '../model/selection.ts';
import { type ComponentName, componentNames, components, componentsOf } from '../openclaw/components.ts';
import { type DefaultExclusion, findDefaultExclusion } from '../openclaw/defaults.ts';
import { type OpenClawHome, pathInside } from '../openclaw/discovery.ts';
import { walkSource } from '../walker/source-walk.ts';
import type { Environment } from './environment.ts';
import { findHome, type PlaceOptions } from './places.ts';

export interface ListedPath {
  /** Relative to the state directory; absolute for what lies outside it. */
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
}

export interface ListedComponent {
  readonly name: ComponentName;
  readonly description: string;
  readonly files: number;
  readonly bytes: number;
  readonly paths: readonly ListedPath[];
  /** Left out unless the component is named with `--include`. */
  readonly leftOut: readonly (ListedPath & { readonly reason: string })[];
}

export interface ListedComponents {
  readonly stateDir: string;
  readonly components: readonly ListedComponent[];
}

interface Tally {
  readonly paths: Map<string, { files: number; bytes: number }>;
  readonly leftOut: Map<string, { files: number; bytes: number; reason: string }>;
}

export async function listComponents(
  environment: Environment,
  options: PlaceOptions,
): Promise<ListedComponents> {
  const home = findHome(environment, options);
  const tallies = new Map(
    componentNames.map((name): [ComponentName, Tally] => [name, { paths: new Map(), leftOut: new Map() }]),
  );
  if (home.stateDirExists) tallyState(environment, home, tallies);
  for (const { path, name } of outside(home)) tallyOutside(path, tallies.get(name));
  const listed = componentNames.map((name) => listedComponent(name, tallies.get(name)));
  return { stateDir: home.stateDir, components: listed };
}

const everything: PathFilter = { decide: () => 'take' };
const quiet = { skipped() {}, unreadable() {} }; // a backup reports these; here they only have no size

function tallyState(
  environment: Environment,
  home: OpenClawHome,
  tallies: ReadonlyMap<ComponentName, Tally>,
): void {
  let left: { readonly prefix: string; readonly exclusion: DefaultExclusion } | undefined;
  environment.progress.step(`Looking at ${home.stateDir}`);
  for (const { key, type, stat } of walkSource(byteStringOf(home.stateDir), everything, quiet)) {
    const path = displayKey(key);
    if (left !== undefined && !path.startsWith(left.prefix)) left = undefined;
    const exclusion = left?.exclusion ?? findDefaultExclusion(path);
    if (exclusion !== undefined && left === undefined && type === 'directory')
      left = { prefix: `${path}/`, exclusion };
    if (type === 'directory') continue;
    const size = Number(stat.size);
    environment.progress.advance({ files: 1, bytes: size });
    for (const name of componentsOf(path)) {
      const tally = tallies.get(name);
      if (tally === undefined) continue;
      if (exclusion === undefined) addTo(tally.paths, groupOf(key), size);
      else addLeftOut(tally, left?.prefix.slice(0, -1) ?? path, size, exclusion);
    }
  }
}

/** `agents/main/sessions`, `credentials/whatsapp`, `openclaw.json`: enough of a path to know what it is. */
function groupOf(key: PathKey): string {
  const parts = displayKey(key).split('/');
  const depth = parts[0] === 'agents' ? 3 : parts[0] === 'credentials' ? 2 : 1;
  return parts.slice(0, depth).join('/');
}

function addTo(paths: Tally['paths'], path: string, bytes: number): void {
  const sum = paths.get(path) ?? { files: 0, bytes: 0 };
  paths.set(path, { files: sum.files + 1, bytes: sum.bytes + bytes });
}

function addLeftOut(tally: Tally, path: string, bytes: number, { why }: DefaultExclusion): void {
  const sum = tally.leftOut.get(path) ?? { files: 0, bytes: 0 };
  tally.leftOut.set(path, { files: sum.files + 1, bytes: sum.bytes + bytes, reason: why });
}

function outside(home: OpenClawHome): { readonly path: string; readonly name: ComponentName }[] {
  const places: { path: string; name: ComponentName }[] = [
    { path: home.configPath, name: 'config' },
    ...home.includes.map((path) => ({ path, name: 'config' as const })),
    { path: home.credentialsDir, name: 'credentials' },
    ...home.workspaces.map(({ path }) => ({ path, name: 'workspace' as const })),
    ...home.agents.map(({ path }) => ({ path, name: 'sessions' as const })),
    ...home.stores.map((path) => ({ path, name: 'sessions' as const })),
  ];
  return places.filter(({ path }) => existsSync(path) && pathInside(home.stateDir, path) === undefined);
}

function tallyOutside(path: string, tally: Tally | undefined): void {
  if (tally === undefined) return;
  for (const { type, stat } of walkSource(byteStringOf(path), everything, quiet)) {
    if (type !== 'directory') addTo(tally.paths, path, Number(stat.size));
  }
}

function listedComponent(name: ComponentName, tally: Tally | undefined): ListedComponent {
  const paths = [...(tally?.paths ?? [])].map(([path, sum]) => ({ path, ...sum }));
  const leftOut = [...(tally?.leftOut ?? [])].map(([path, sum]) => ({ path, ...sum }));
  return {
    name,
    description: components[name],
    files: paths.reduce((sum, one) => sum + one.files, 0),
    bytes: paths.reduce((sum, one) => sum + one.bytes, 0),
    paths: paths.sort((a, b) => b.bytes - a.bytes),
    leftOut: leftOut.sort((a, b) => b.bytes - a.bytes),
  };
}
