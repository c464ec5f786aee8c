"""The database of a scale: var/bench-speed-<scale>, filled by generate.py as --transcripts says, then what we keep
beside the platform's tables. What is there already is used again.
"""

import contextlib
import json
import os
import subprocess
import sys
import time

from bench import conversations, database
from bench.speed.servers import OURS, ROOT

LOOK_UP = [sys.executable, "-m", "bench.speed.looking"]
LEAST = 20  # rows of everything, however small the scale


def place(scale):
    return ROOT / "var" / f"bench-speed-{scale:g}"


def sizes(scale):
    """{name: rows}; the options of generate.py."""
    return {name: max(round(size * scale), min(size, LEAST)) for name, size in conversations.SIZES.items()}


@contextlib.contextmanager
def loaded(scale):
    """(address as role backoffice, as owner, {what was done: seconds}) of the scale's database, while it runs.

    What loading it took is kept beside it, so that a later run can tell.
    """
    from backoffice.embedded import EmbeddedPostgres

    told = place(scale) / "took.json"
    if not told.exists():
        took = timed("loading", generate(scale))
    with EmbeddedPostgres(place(scale)) as server:
        url, owner = (server.url(database.NAME, user) for user in ("backoffice", "postgres"))
        environment = {**OURS, "DATABASE_URL": url}
        is_new = not told.exists()
        if not is_new:
            took = json.loads(told.read_text())
        steps = timed("migrations", manage("migrate", "-v0"), environment)
        if is_new:
            steps |= timed("index of conversations", manage("index_conversations"), environment)
            steps |= timed("figures", manage("refresh_figures"), environment)
        steps |= timed("what the worker looks up", LOOK_UP, environment)
        with server.connect(database.NAME) as admin:
            admin.execute("vacuum (analyze)")
        if is_new:
            took |= steps
            told.write_text(json.dumps(took))
        yield url, owner, took


def generate(scale):
    counts = [word for name, size in sizes(scale).items() for word in (f"--{name}", str(size))]
    return [sys.executable, "bench/generate.py", "--transcripts", "--place", str(place(scale)), *counts]


def manage(*command):
    return [sys.executable, "manage.py", *command]


def timed(name, command, environment=None):
    """Runs it; {name: seconds}."""
    began = time.monotonic()
    subprocess.run(command, cwd=ROOT, env={**os.environ, **(environment or {})}, check=True)
    return {name: time.monotonic() - began}
