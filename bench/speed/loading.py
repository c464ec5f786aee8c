"""The database of a scale: var/bench-speed-<scale>, filled by generate.py as --transcripts says, then what we keep
beside the platform's tables. What is there already is used again.
"""

import contextlib
import os
import subprocess
import sys
import time

from bench import conversations, database
from bench.speed.servers import OURS, ROOT

LEAST = 20  # rows of everything, however small the scale
COMMANDS = (["migrate", "-v0"], ["index_conversations"], ["refresh_figures"])


def place(scale):
    return ROOT / "var" / f"bench-speed-{scale:g}"


def sizes(scale):
    """{name: rows}; the options of generate.py."""
    return {name: max(round(size * scale), min(size, LEAST)) for name, size in conversations.SIZES.items()}


@contextlib.contextmanager
def loaded(scale):
    """(address as role backoffice, as owner, {what was done: seconds}) of the scale's database, while it runs."""
    from backoffice import schema
    from backoffice.embedded import EmbeddedPostgres

    took = {}
    fill = [sys.executable, "bench/generate.py", "--transcripts", "--place", str(place(scale))]
    fill += [word for name, size in sizes(scale).items() for word in (f"--{name}", str(size))]
    timed(took, "loading", fill)
    with EmbeddedPostgres(place(scale)) as server:
        url, owner = (server.url(database.NAME, user) for user in ("backoffice", "postgres"))
        schema.apply_all(server, database.NAME)
        for command in COMMANDS:
            timed(took, command[0], [sys.executable, "manage.py", *command], {**OURS, "DATABASE_URL": url})
        with server.connect(database.NAME) as admin:
            admin.execute("vacuum (analyze)")
        yield url, owner, took


def timed(took, name, command, environment=None):
    began = time.monotonic()
    subprocess.run(command, cwd=ROOT, env={**os.environ, **(environment or {})}, check=True)
    took[name] = time.monotonic() - began
