"""Is the process of this container alive? Says so by its exit status, in a blink: it imports nothing of the site.

    python -m backoffice.alive web       # does the server answer at /healthz?
    python -m backoffice.alive worker    # is its sign of life younger than a minute?

A worker that only misses its database is alive: starting it again would not bring the database back.
"""

import http.client
import os
import sys
import time
from pathlib import Path

BEAT_SECONDS = 10
OLD_SECONDS = 60
VAR = Path(__file__).resolve().parent.parent / "var"


def heartbeat_file():
    """The file whose time is the worker's last sign of life."""
    return Path(os.environ.get("WORKER_HEARTBEAT") or VAR / "worker-heartbeat")


def web():
    """What is wrong with the server, or nothing."""
    port = os.environ.get("BIND", "").rpartition(":")[2] or os.environ.get("PORT") or "8000"
    server = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)
    try:
        server.request("GET", "/healthz")
        status = server.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"The server does not answer: {error}"
    finally:
        server.close()
    return "" if status == 200 else f"The server answers {status}."


def worker():
    """What is wrong with the worker, or nothing."""
    try:
        age = time.time() - heartbeat_file().stat().st_mtime
    except OSError:
        return "The worker has given no sign of life yet."
    return f"The worker's last sign of life is {age:.0f} seconds old." if age > OLD_SECONDS else ""


if __name__ == "__main__":
    checks = {"web": web, "worker": worker}
    if sys.argv[1:2] not in [[name] for name in checks]:
        sys.exit("Say which: python -m backoffice.alive web, or worker")
    sys.exit(checks[sys.argv[1]]() or 0)  # a text is printed, and makes the status 1
