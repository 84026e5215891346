/** From a home and what the user asked for to the folders that are walked, each with its filter. */
import { existsSync, realpathSync } from 'node:fs';
import { byteStringOf, displayKey, isWithin, keyOfPath, type PathKey } from '../model/paths.ts';
import type { Decision, EntryType, PathFilter } from '../model/selection.ts';
import type { SourceKind } from '../model/snapshot.ts';
import { compileGlobs, type GlobSet } from '../walker/globs.ts';
import { type ComponentName, componentsOf, isComponent, parseComponent } from './components.ts';
import { type DefaultExclusion, findDefaultExclusion } from './defaults.ts';
import { type OpenClawHome, pathInside } from './discovery.ts';

export interface PlannedSource {
  /** Absolute, links resolved. */
  readonly path: string;
  readonly kind: SourceKind;
  readonly label?: string;
  readonly filter: PathFilter;
}

/** As given: names of components and globs. */
export interface Selection {
  readonly only: readonly string[];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/**
 * The state directory first, then what is configured outside it.
 *
 * `exclude` beats everything. `include` brings in what is left out by default: the parts of a component that is named, or
 * what a glob matches. `only` keeps just the components named, and with globs in `include` also what those match.
 */
export function planSources(
  home: OpenClawHome,
  selection: Selection,
  repositoryDir: string,
): PlannedSource[] {
  const chosen = parseSelection(selection);
  const kept = keptPlaces(home);
  const state: PlannedSource = {
    path: realOf(home.stateDir),
    kind: 'state',
    filter: stateFilter(chosen, kept, repositoryKey(home.stateDir, repositoryDir)),
  };
  return [state, ...externalSources(home, chosen, repositoryDir)];
}

/** Plain folders: nothing is left out but the repository. With `include`, only what it matches is taken. */
export function planFolderSources(
  paths: readonly string[],
  selection: Pick<Selection, 'include' | 'exclude'>,
  repositoryDir: string,
): PlannedSource[] {
  const include = selection.include.length === 0 ? undefined : compileGlobs(selection.include);
  const exclude = compileGlobs(selection.exclude);
  return paths.map((path) => ({
    path,
    kind: 'folder',
    filter: folderFilter(include, exclude, repositoryKey(path, repositoryDir)),
  }));
}

interface ChosenParts {
  readonly only: ReadonlySet<ComponentName> | undefined;
  readonly included: ReadonlySet<ComponentName>;
  readonly includeGlobs: GlobSet;
  readonly excluded: ReadonlySet<ComponentName>;
  readonly excludeGlobs: GlobSet;
  /** Whether the components of a path matter at all. */
  readonly namesComponents: boolean;
}

function parseSelection({ only, include, exclude }: Selection): ChosenParts {
  const included = new Set(include.filter(isComponent));
  const excluded = new Set(exclude.filter(isComponent));
  return {
    only: only.length === 0 ? undefined : new Set(only.map(parseComponent)),
    included,
    includeGlobs: compileGlobs(include.filter((name) => !isComponent(name))),
    excluded,
    excludeGlobs: compileGlobs(exclude.filter((name) => !isComponent(name))),
    namesComponents: only.length + included.size + excluded.size > 0,
  };
}

/** A configured path inside the state directory: no default leaves it out. */
interface KeptPlace {
  readonly key: PathKey;
  /** Nor anything in it. In an agent's folder the defaults hold: OpenClaw itself always configures that. */
  readonly isWhole: boolean;
}

function keptPlaces(home: OpenClawHome): KeptPlace[] {
  const whole = [home.configPath, home.credentialsDir, ...home.includes, ...home.stores];
  const keep = (path: string, isWhole: boolean): KeptPlace[] => {
    const inside = pathInside(home.stateDir, path);
    return inside === undefined || inside === '' ? [] : [{ key: keyOfPath(byteStringOf(inside)), isWhole }];
  };
  return [
    ...[...whole, ...home.workspaces.map(({ path }) => path)].flatMap((path) => keep(path, true)),
    ...home.agents.flatMap(({ path }) => keep(path, false)),
  ];
}

function repositoryKey(source: string, repositoryDir: string): PathKey | undefined {
  const inside = pathInside(source, repositoryDir);
  return inside === undefined ? undefined : keyOfPath(byteStringOf(inside));
}

const repositoryDecision: Decision = { skip: 'repository' };

function stateFilter(
  chosen: ChosenParts,
  kept: readonly KeptPlace[],
  repository: PathKey | undefined,
): PathFilter {
  const opened: OpenedFolder[] = [];
  return {
    decide(key, type) {
      if (key === repository) return repositoryDecision;
      if (key === '') return chosen.only === undefined ? 'take' : 'descend';
      return decideInState({ chosen, kept, opened }, key, type);
    },
  };
}

interface StateRules {
  readonly chosen: ChosenParts;
  readonly kept: readonly KeptPlace[];
  /** Grows as the walk goes down. */
  readonly opened: OpenedFolder[];
}

function decideInState({ chosen, kept, opened }: StateRules, key: PathKey, type: EntryType): Decision {
  const path = displayKey(key);
  const isDirectory = type === 'directory';
  const tags = chosen.namesComponents ? componentsOf(path) : [];
  if (chosen.excludeGlobs.matches(path, isDirectory)) return { skip: 'excluded' };
  // A path that is also something else stays: `--exclude memory` must not take away the sessions in the same database.
  if (chosen.excluded.size > 0 && tags.every((tag) => chosen.excluded.has(tag)))
    return isDirectory ? 'descend' : { skip: 'excluded' };
  if (chosen.includeGlobs.matches(path, isDirectory)) return 'take';
  const exclusion = findDefaultExclusion(path) ?? opened.find((folder) => isWithin(key, folder.key));
  if (exclusion !== undefined && !isKept(chosen, kept, key, tags)) {
    const holdsMore = kept.some((place) => isWithin(place.key, key)) || chosen.includeGlobs.mayContain(path);
    if (!isDirectory || !holdsMore) return { skip: exclusion.reason, detail: exclusion.why };
    opened.push({ key, reason: exclusion.reason, why: exclusion.why });
    return 'descend';
  }
  if (chosen.only === undefined || tags.some((tag) => chosen.only?.has(tag))) return 'take';
  return isDirectory ? 'descend' : { skip: 'excluded', quiet: true };
}

/** Whether something else than the defaults says that this is wanted: a component by its name, or the configuration. */
function isKept(
  chosen: ChosenParts,
  kept: readonly KeptPlace[],
  key: PathKey,
  tags: readonly ComponentName[],
): boolean {
  if (tags.some((tag) => chosen.included.has(tag))) return true;
  return kept.some((place) => (place.isWhole ? isWithin(key, place.key) : key === place.key));
}

/** A folder that is left out, but entered for something wanted below it: nothing else in it is taken. */
interface OpenedFolder extends Omit<DefaultExclusion, 'pattern'> {
  readonly key: PathKey;
}

function folderFilter(
  include: GlobSet | undefined,
  exclude: GlobSet,
  repository: PathKey | undefined,
): PathFilter {
  return {
    decide(key, type) {
      if (key === repository) return repositoryDecision;
      if (key === '') return include === undefined || type !== 'directory' ? 'take' : 'descend';
      if (include === undefined && exclude.isEmpty) return 'take';
      const path = displayKey(key);
      const isDirectory = type === 'directory';
      if (exclude.matches(path, isDirectory)) return { skip: 'excluded' };
      if (include === undefined || include.matches(path, isDirectory)) return 'take';
      return isDirectory && include.mayContain(path) ? 'descend' : { skip: 'excluded', quiet: true };
    },
  };
}

/** What is configured outside the state directory and exists, each once, nothing inside another. */
function externalSources(home: OpenClawHome, chosen: ChosenParts, repositoryDir: string): PlannedSource[] {
  const candidates: { path: string; kind: SourceKind; label?: string; component: ComponentName }[] = [
    { path: home.configPath, kind: 'config', component: 'config' },
    ...home.includes.map((path) => ({ path, kind: 'include' as const, component: 'config' as const })),
    { path: home.credentialsDir, kind: 'credentials', component: 'credentials' },
    ...home.workspaces.map((place) => ({
      path: place.path,
      kind: 'workspace' as const,
      label: place.id,
      component: 'workspace' as const,
    })),
    ...home.agents.map((place) => ({
      path: place.path,
      kind: 'agent' as const,
      label: place.id,
      component: 'sessions' as const,
    })),
    ...home.stores.map((path) => ({ path, kind: 'agent' as const, component: 'sessions' as const })),
  ];
  const sources: PlannedSource[] = [];
  for (const { path, kind, label, component } of candidates) {
    if (!existsSync(path) || pathInside(home.stateDir, path) !== undefined) continue;
    const isWanted =
      chosen.only === undefined || chosen.only.has(component) || isPartOf(component, chosen.only);
    if (!isWanted || chosen.excluded.has(component)) continue;
    const real = realOf(path);
    if (sources.some((source) => pathInside(source.path, real) !== undefined)) continue;
    const filter = folderFilter(undefined, chosen.excludeGlobs, repositoryKey(real, repositoryDir));
    sources.push({ path: real, kind, ...(label === undefined ? {} : { label }), filter });
  }
  return sources;
}

/** An agent's folder and a workspace hold parts of other components too. */
function isPartOf(component: ComponentName, only: ReadonlySet<ComponentName>): boolean {
  if (component === 'sessions') return only.has('memory') || only.has('credentials');
  return component === 'workspace' && only.has('memory');
}

function realOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}
