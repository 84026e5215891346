/**
 * Runs a command of which one call fails, and looks at what it says and leaves: it must not end well unless all is there,
 * one sentence names the file and the cause, what was stored before is untouched, and the next run works by itself.
 */
import type { Bench, PreparedCommand, Violation } from './kill-points.ts';
import { shapeOf } from './site.ts';
import { type CallPoint, runTraced, type TracedRun } from './system-calls.ts';
import { failureText } from './workshop.ts';

/** An error, or `zero`: a call that says that it wrote nothing. */
export type Fault = 'EIO' | 'ENOSPC' | 'EDQUOT' | 'EROFS' | 'EMFILE' | 'zero';

/** What can really happen to a call of this name. */
export function faultsOf({ call, text }: CallPoint): readonly Fault[] {
  if (/^p?writev?\d*$/.test(call)) return ['EIO', 'ENOSPC', 'EDQUOT', 'zero'];
  if (/^f(data)?sync$|truncate$|^copy_file_range$|^fallocate$/.test(call)) return ['EIO', 'ENOSPC', 'EDQUOT'];
  if (call === 'openat' && !text.includes('O_CREAT')) return ['EIO', 'EMFILE'];
  if (call === 'openat') return ['EIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE'];
  if (/^(mkdir|rename|link|symlink)/.test(call)) return ['EIO', 'ENOSPC', 'EDQUOT', 'EROFS'];
  return ['EIO', 'EROFS'];
}

const causes: Readonly<Record<Exclude<Fault, 'zero'>, RegExp>> = {
  EIO: /input\/output error|i\/o error/i,
  ENOSPC: /no space left/i,
  EDQUOT: /quota/i,
  EROFS: /read-only/i,
  EMFILE: /too many open files/i,
};

/** What runs that failed at one point left. What comes of it is the same whatever the error was: it is tried once. */
export type TriedShapes = Set<string>;

export async function failAt(
  bench: Bench,
  prepared: PreparedCommand,
  point: CallPoint,
  fault: Fault,
  tried: TriedShapes = new Set(),
): Promise<Violation | undefined> {
  const { command } = prepared;
  bench.reset(prepared);
  const what = fault === 'zero' ? 'retval=0' : `error=${fault}`;
  const run = await runTraced(
    bench.shop.commandRun([...command.args(bench.shop), '--json']),
    bench.traceFile,
    `${point.call}:${what}:when=${point.ordinal}`,
  );
  // The call that it was in this run: a name that is made at random can make one more or less.
  const text = run.lines.find((line) => line.includes('(INJECTED)'))?.replaceAll(`${bench.shop.root}/`, '');
  const hit = text === undefined ? point : { ...point, text };
  const problems = textProblems(run, hit, fault);
  problems.push(...(command.problemsBetween?.(bench.shop) ?? []));
  if (run.status === 0) {
    if (isLostSync(hit) && !command.isReading)
      problems.push('ended well, although what it wrote is perhaps not durable');
    const after = (await command.problemsAfter?.(bench.shop)) ?? [];
    problems.push(...after.map((problem) => `ended well, but ${problem}`));
    problems.push(...(await addedProblems(bench, prepared)));
  }
  const shape = `${run.status === 0} ${isPartial(run)}\n${shapeOf(bench.shop.root)}`;
  if (!tried.has(shape))
    problems.push(...(await bench.problemsOf(prepared, { again: true, isPartial: isPartial(run) })));
  tried.add(shape);
  if (problems.length === 0) return undefined;
  return {
    command: command.name,
    point: hit,
    fault,
    problems: [...problems, `it said: ${failureText(run)}`],
  };
}

/** Of anything but this machine's own index, locks and temporary files, which may be lost. */
function isLostSync({ call, text }: CallPoint): boolean {
  return /^f(data)?sync$/.test(call) && !text.includes('repository/local');
}

/** Whether the run says of the snapshot that it made that something is not in it. */
function isPartial({ status, stderr }: TracedRun): boolean {
  return status === 3 || /could not be read|cannot be read|^Warning: Cannot read /m.test(stderr);
}

async function addedProblems({ shop }: Bench, { command, idsBefore }: PreparedCommand): Promise<string[]> {
  if (command.adds === undefined) return [];
  const listed = await shop.list();
  const isThere = typeof listed !== 'string' && listed.ids.some((id) => !idsBefore.includes(id));
  return isThere ? [] : ['ended well, but added no snapshot'];
}

/** A run that fails says so in a sentence that a user understands. */
function textProblems(run: TracedRun, point: CallPoint, fault: Fault): string[] {
  const { status, signal, stderr, stdout } = run;
  if (signal !== null) return [`the run ended by ${signal}`];
  const problems: string[] = [];
  if (/^ +at .*[:(]/m.test(stderr)) problems.push('a stack trace');
  if (/ERR_INTERNAL|Internal error/.test(stdout + stderr)) problems.push('an internal error');
  if (status === 0) return problems;
  const text = `${stderr}${stdout}`;
  if (!namesFile(text)) problems.push('no file is named');
  // SQLite does not say which error its own files met, and a short write is to it a full disk.
  const isCauseKnown = fault !== 'zero' && !/\.sqlite/.test(point.text);
  if (isCauseKnown && !causes[fault].test(text)) problems.push('the cause is not named');
  return problems;
}

/** A path, or what the product calls a file inside a home or a repository. */
function namesFile(text: string): boolean {
  return /\/[\w.-]+|Cannot (restore|read) [\w./-]+|(snapshot|pack) [0-9a-f]{8}/.test(text);
}
