"""The attacker: swaps folders and files of a target for links that lead outside, and back, until its parent ends it.

Python for the sake of renameat2(RENAME_EXCHANGE), which Node does not have: folder and link change places in one step, so that
there is no moment without either. It does nothing through a link of its own, so what changes outside was changed by the restore.

swapper.py TARGET OUTSIDE
"""

import ctypes
import os
import random
import shutil
import signal
import stat
import sys
import time

target, outside = os.fsencode(sys.argv[1]), os.fsencode(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
here, exchange_flag = -100, 2

folders = [b"a", b"a/b", b"a/b/c", b"d", b"d/e"]
files = [b"a/x", b"d/passwd", b"a/b/c/x"]


def exchange(one, other):
    return libc.renameat2(here, one, here, other, exchange_flag) == 0


def type_of(path):
    """What is there itself, or nothing."""
    try:
        return stat.S_IFMT(os.lstat(path).st_mode)
    except OSError:
        return None


junk_count = 0


def remove(path):
    """Out of the way first: the restore may be writing into what is removed."""
    global junk_count
    junk_count += 1
    junk = os.path.join(target, b"..", b"junk-%d" % junk_count)
    try:
        os.rename(path, junk)
    except FileNotFoundError:
        return
    try:
        os.unlink(junk)
    except IsADirectoryError:
        shutil.rmtree(junk, ignore_errors=True)


class Place:
    def __init__(self, number, path, leads_to):
        self.path = os.path.join(target, path)
        self.aside = os.path.join(target, b"..", b"aside-%d" % number)
        self.leads_to = leads_to
        self.renew()

    def renew(self):
        """The link is aside, and none is in place."""
        if type_of(self.path) == stat.S_IFLNK:
            # Whichever of them is gone: the restore makes folders and files again.
            exchange(self.path, self.aside) or remove(self.path)
        if type_of(self.aside) != stat.S_IFLNK:
            remove(self.aside)
            os.symlink(self.leads_to, self.aside)

    def swap(self, seconds):
        if not exchange(self.path, self.aside):
            return False
        spin(seconds)
        exchange(self.path, self.aside)
        if type_of(self.aside) != stat.S_IFLNK or type_of(self.path) == stat.S_IFLNK:
            self.renew()
        return True


def spin(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


places = [Place(at, path, outside) for at, path in enumerate(folders)]
places += [Place(100 + at, path, os.path.join(outside, b"passwd")) for at, path in enumerate(files)]
swaps = 0


def finish(*_):
    os.write(1, b"%d\n" % swaps)
    os._exit(0)


signal.signal(signal.SIGTERM, finish)
os.write(1, b"ready\n")
while True:
    place = random.choice(places)
    # As long as a look and its use are apart, or as long as a file takes to be written.
    longest = random.choice((20e-6, 100e-6, 500e-6))
    for _ in range(20):
        swaps += place.swap(random.random() * longest)
        spin(random.random() * longest)
