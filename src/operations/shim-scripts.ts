/** The texts of the shim: one for POSIX shells, one for `cmd` and PowerShell of Windows. Pure. */

/** What the shim starts: a Node and the command line's launcher, as absolute paths. */
export interface ShimTarget {
  readonly node: string;
  readonly launcher: string;
}

/** Whether a program is one of these: each says so in its first two lines. */
export function isShimText(text: string): boolean {
  return text.split('\n', 2).some((line) => /^(# |@rem )exuvia shim /.test(line));
}

const notFound =
  'openclaw: OpenClaw itself is not on PATH; only backup, config export and import, and sessions export and import work here';

/** POSIX sh. Options of `openclaw` that stand before the command are passed on as they are. */
export function shellShim({ node, launcher }: ShimTarget): string {
  return `#!/bin/sh
# exuvia shim 1: remove it with "exuvia shim remove"
node=${shellWord(node)}
exuvia=${shellWord(launcher)}

command= sub= skip=
for word in "$@"; do
  if [ -n "$skip" ]; then skip=; continue; fi
  case $word in
    --profile | --log-level | --container) skip=1 ;;
    -*) ;;
    *) if [ -z "$command" ]; then command=$word; else sub=$word; break; fi ;;
  esac
done

case "$command $sub" in
  'backup sqlite' | 'backup git' | 'backup enable' | 'backup disable') ;;
  'backup '* | 'config export' | 'config import' | 'sessions export' | 'sessions import')
    exec "$node" "$exuvia" "$@" ;;
esac

rest=$PATH:
while [ -n "$rest" ]; do
  place=\${rest%%:*}/openclaw
  rest=\${rest#*:}
  [ -f "$place" ] && [ -x "$place" ] || continue
  case $(sed -n 2p "$place" 2>/dev/null) in '# exuvia shim'*) continue ;; esac
  exec "$place" "$@"
done
echo "${notFound}" >&2
exit 127
`;
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * A batch file. It looks at the words only as far as it must: what somebody says to the agent stands in `%*`, which is handed on
 * as it came. OpenClaw is the first `openclaw` on PATH after our own folder, so that two shims never start each other. `endlocal` on
 * the line of the call keeps our variables from the program, and a batch file that is started without `call` takes the place of
 * this one.
 * @param profile the user's folder, which `%USERPROFILE%` names whatever its letters
 */
export function batchShim({ node, launcher }: ShimTarget, profile: string): string {
  const places = [
    `set "exuvia_node=${batchPath(node, profile)}"`,
    `set "exuvia_launcher=${batchPath(launcher, profile)}"`,
  ];
  const lines = `@rem exuvia shim 1: remove it with "exuvia shim remove"
@echo off
setlocal DisableDelayedExpansion
${withCodePage(places).join('\n')}
set "exuvia_command="
set "exuvia_sub="
set "exuvia_skip="
:next
set "exuvia_word=%~1"
if not defined exuvia_word goto :decide
shift /1
if defined exuvia_skip (
  set "exuvia_skip="
  goto :next
)
if "%exuvia_word%"=="--profile" set "exuvia_skip=1"
if "%exuvia_word%"=="--log-level" set "exuvia_skip=1"
if "%exuvia_word%"=="--container" set "exuvia_skip=1"
if "%exuvia_word:~0,1%"=="-" goto :next
if defined exuvia_command goto :sub
set "exuvia_command=%exuvia_word%"
if "%exuvia_word%"=="backup" goto :next
if "%exuvia_word%"=="config" goto :next
if "%exuvia_word%"=="sessions" goto :next
goto :openclaw
:sub
set "exuvia_sub=%exuvia_word%"
:decide
if "%exuvia_command%"=="backup" goto :backup
if "%exuvia_command% %exuvia_sub%"=="config export" goto :exuvia
if "%exuvia_command% %exuvia_sub%"=="config import" goto :exuvia
if "%exuvia_command% %exuvia_sub%"=="sessions export" goto :exuvia
if "%exuvia_command% %exuvia_sub%"=="sessions import" goto :exuvia
goto :openclaw
:backup
if "%exuvia_sub%"=="sqlite" goto :openclaw
if "%exuvia_sub%"=="git" goto :openclaw
if "%exuvia_sub%"=="enable" goto :openclaw
if "%exuvia_sub%"=="disable" goto :openclaw
:exuvia
endlocal & "%exuvia_node%" "%exuvia_launcher%" %*
exit /b %errorlevel%
:openclaw
set "exuvia_own=%~dp0"
if "%exuvia_own:~-1%"=="\\" set "exuvia_own=%exuvia_own:~0,-1%"
set "exuvia_rest=%PATH%"
set "exuvia_real="
:look
if not defined exuvia_rest goto :start
set "exuvia_place="
for /f "eol=| tokens=1* delims=;" %%G in ("%exuvia_rest%") do (
  set "exuvia_place=%%~G"
  set "exuvia_rest=%%H"
)
if not defined exuvia_place goto :start
if "%exuvia_place:~-1%"=="\\" set "exuvia_place=%exuvia_place:~0,-1%"
if /i "%exuvia_place%"=="%exuvia_own%" (
  set "exuvia_real="
  goto :look
)
if defined exuvia_real goto :look
if exist "%exuvia_place%\\openclaw.cmd" set "exuvia_real=%exuvia_place%\\openclaw.cmd"
if exist "%exuvia_place%\\openclaw.bat" set "exuvia_real=%exuvia_place%\\openclaw.bat"
if exist "%exuvia_place%\\openclaw.exe" set "exuvia_real=%exuvia_place%\\openclaw.exe"
goto :look
:start
if not defined exuvia_real goto :none
endlocal & "%exuvia_real%" %*
exit /b %errorlevel%
:none
echo ${notFound}>&2
exit /b 127
`;
  return lines.replaceAll('\n', '\r\n');
}

/** The name of a user may have letters that the console's code page has not. */
function batchPath(path: string, profile: string): string {
  const isInside = profile !== '' && path.toLowerCase().startsWith(`${profile.toLowerCase()}\\`);
  const rest = (isInside ? path.slice(profile.length) : path).replaceAll('%', '%%');
  return isInside ? `%USERPROFILE%${rest}` : rest;
}

/** A batch file is read in the code page of the console, line by line. */
function withCodePage(lines: readonly string[]): string[] {
  if (lines.every((line) => /^[\x20-\x7e]*$/.test(line))) return [...lines];
  return [
    `for /f "tokens=2 delims=:." %%G in ('chcp') do set "exuvia_page=%%G"`,
    'chcp 65001 >nul',
    ...lines,
    'chcp %exuvia_page% >nul',
  ];
}
