"""Runs a command on a terminal of its own, types at it, and says what was seen: standard input and errors are the terminal, output
is a pipe.

terminal.py STEPS COMMAND...

STEPS is JSON: a list of {"expect": text that the terminal shows, "type": keys to type then} or {"expect": text, "signal": number}.
Prints JSON: what the terminal showed, the output, the exit code, how often it echoed while a step waited for keys, and whether it
echoes and makes lines afterwards.
"""

import json
import os
import pty
import select
import subprocess
import sys
import termios
import time

steps = json.loads(sys.argv[1])
master, slave = pty.openpty()
started = time.monotonic()
child = subprocess.Popen(sys.argv[2:], stdin=slave, stderr=slave, stdout=subprocess.PIPE, start_new_session=True)
screen = b""
output = b""
echoed = 0
limit_seconds = 60


def local_modes():
    return termios.tcgetattr(slave)[3]


def read_some():
    """False when nothing came for a moment."""
    global screen, output
    ready, _, _ = select.select([master, child.stdout], [], [], 0.05)
    for stream in ready:
        if stream == master:
            screen += os.read(master, 65536)
        else:
            output += os.read(child.stdout.fileno(), 65536)
    # The pipe is always ready at its end.
    return master in ready


seen = 0
for step in steps:
    expected = step["expect"].encode()
    while expected not in screen[seen:]:
        if time.monotonic() - started > limit_seconds or child.poll() is not None and not read_some():
            child.kill()
            sys.exit("the terminal never showed %r, but %r and the output %r" % (step["expect"], screen, output))
        read_some()
    seen = screen.index(expected, seen) + len(expected)
    if "signal" in step:
        child.send_signal(step["signal"])
    else:
        echoed += 1 if local_modes() & termios.ECHO else 0
        os.write(master, step["type"].encode())

while child.poll() is None and time.monotonic() - started < limit_seconds:
    read_some()
if child.poll() is None:
    child.kill()
    sys.exit("no end; the terminal showed %r" % screen)
while read_some():
    pass
output += child.stdout.read()
modes = local_modes()
print(json.dumps({
    "screen": screen.decode(),
    "stdout": output.decode(),
    "status": child.returncode,
    "echoed": echoed,
    "echoesAfterwards": bool(modes & termios.ECHO),
    "makesLinesAfterwards": bool(modes & termios.ICANON),
}))
