"""Where the suite's servers and files stand: in memory, where there is plenty.

A database is a thousand files, and the suite copies one hundreds of times. On the disk of a virtual machine making a
file can take a millisecond of processor time, so a copy takes 0.6 s there and 0.05 s in memory.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import psutil
from django.conf import settings

from backoffice import embedded

MEMORY = Path("/dev/shm")
NEEDED = 4 << 30  # bytes; the suite takes up to half of it
LEFT = 4 << 30  # bytes that stay free for programs


def folder():
    """var/tests, which leads into memory or is a folder like any other. `make clean` removes both."""
    link = settings.VAR_DIR / "tests"
    if not link.is_symlink() and not link.exists():
        link.parent.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):  # another process of the run was first
            if _is_plenty():
                link.symlink_to(MEMORY / f"back-office-{hashlib.sha256(os.fsencode(link)).hexdigest()[:12]}")
            else:
                link.mkdir()
    real = link.resolve()  # the servers' user need not be able to reach the project
    real.mkdir(mode=0o755, exist_ok=True)  # a reboot empties the memory
    return real


def _is_plenty():
    return (
        os.access(MEMORY, os.W_OK)
        and shutil.disk_usage(MEMORY).free > NEEDED
        and psutil.virtual_memory().available > NEEDED + LEFT
    )


def use():
    """Has this process, and those that it starts, put temporary files and servers there."""
    files = folder() / "tmp"
    files.mkdir(mode=0o755, exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(files)
    embedded.SYSTEM_PLACE = folder() / "servers"
