@rem exuvia shim 1: remove it with "exuvia shim remove"
@echo off
setlocal DisableDelayedExpansion
set "exuvia_node=C:\Program Files\nodejs\node.exe"
set "exuvia_launcher=%USERPROFILE%\AppData\npm 100%%\node_modules\exuvia\dist\launcher.cjs"
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
if "%exuvia_own:~-1%"=="\" set "exuvia_own=%exuvia_own:~0,-1%"
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
if "%exuvia_place:~-1%"=="\" set "exuvia_place=%exuvia_place:~0,-1%"
if /i "%exuvia_place%"=="%exuvia_own%" (
  set "exuvia_real="
  goto :look
)
if defined exuvia_real goto :look
if exist "%exuvia_place%\openclaw.cmd" set "exuvia_real=%exuvia_place%\openclaw.cmd"
if exist "%exuvia_place%\openclaw.bat" set "exuvia_real=%exuvia_place%\openclaw.bat"
if exist "%exuvia_place%\openclaw.exe" set "exuvia_real=%exuvia_place%\openclaw.exe"
goto :look
:start
if not defined exuvia_real goto :none
endlocal & "%exuvia_real%" %*
exit /b %errorlevel%
:none
echo openclaw: OpenClaw itself is not on PATH; only backup, config export and import, and sessions export and import work here>&2
exit /b 127
