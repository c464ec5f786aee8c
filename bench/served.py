"""The back office as production serves it, for measurements over HTTP: gunicorn with its own settings, a person of each
role who is signed in, and pages of every kind.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import database  # first: it puts the project on the path

from bench.speed.client import Connection

ROLES = ("support", "finance", "manager", "admin")
KEY = "only-for-measuring-" * 4
TOKEN = "t" * 32  # of everybody's forms, in cookie and form alike
SETTINGS = {
    "HTTPS": "off",
    "SECRET_KEY": KEY,
    "ALLOWED_HOSTS": "127.0.0.1",
    "MFA_REQUIRED_ROLES": "",
    "LOG_FORMAT": "json",
    "LOG_LEVEL": "INFO",
    "DJANGO_SETTINGS_MODULE": "backoffice.settings",
}


def environment(server, folder, **more):
    """The settings of processes that work on this server's database, with their files in `folder`."""
    return {
        **os.environ,
        **SETTINGS,
        "DATABASE_URL": server.url(database.NAME),
        "PREVIEW_DATABASE_URL": server.url(database.NAME, "backoffice_preview"),
        "STATIC_ROOT": str(Path(folder) / "static"),
        "JOB_FILES_DIR": str(Path(folder) / "jobs"),
        **more,
    }


@dataclass
class Served:
    port: int
    process: subprocess.Popen
    log: Path

    @property
    def workers(self):
        """The web workers' processes; the parent is in none of the requests."""
        import psutil

        return psutil.Process(self.process.pid).children()


@contextlib.contextmanager
def serve(server, folder, workers, **more):
    """Runs gunicorn as the Dockerfile does, with so many workers."""
    settings = environment(server, folder, WEB_CONCURRENCY=str(workers), PORT=str(free_port()), **more)
    settings["BIND"] = f"127.0.0.1:{settings['PORT']}"
    run = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
    subprocess.run(run, env=settings, cwd=database.ROOT, check=True)
    log = Path(folder) / "web.log"
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        "python:backoffice.gunicorn_conf",
        "backoffice.wsgi",
    ]
    with log.open("w") as output:
        process = subprocess.Popen(command, env=settings, cwd=database.ROOT, stdout=output, stderr=output)
    served = Served(int(settings["PORT"]), process, log)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                if person(served.port).ask("/readyz").status == 200:
                    break
            if process.poll() is not None:
                raise SystemExit(log.read_text())
            time.sleep(0.1)
        yield served
    finally:
        process.terminate()
        process.wait(30)


def free_port():
    import socket

    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


@contextlib.contextmanager
def opened(place):
    """(server, folder): the database of a measurement, Django looking at it, and a folder for files that goes again."""
    from backoffice.embedded import EmbeddedPostgres

    with EmbeddedPostgres(place) as server, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        if not server.has_database(database.NAME):
            raise SystemExit(
                f"There is no database in {place}: run bench/generate.py --transcripts --place {place} first."
            )
        os.environ.update(environment(server, folder))
        database.point_django_at(server)
        yield server, folder


def add_place(parser):
    """The options that say which database is measured; place_of() reads them."""
    parser.add_argument("--scale", type=float, default=1, help="of the data set of make bench (1): 0.1, ...")
    parser.add_argument("--place", type=Path, help="folder of a server that is filled already, in its stead")


def place_of(options):
    """Where the server is; the data set of a scale is made if it is not there yet."""
    from bench.speed import loading

    if options.place:
        return options.place
    with loading.loaded(options.scale):
        return loading.place(options.scale)


def people():
    """{role: cookie} of people who signed in just now."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    from backoffice.testing import make_user, sign_in

    settings.ALLOWED_HOSTS = ["testserver"]
    found = {}
    for role in ROLES:
        email = f"bench-{role}@example.test"
        user = get_user_model().objects.filter(email=email).first() or make_user(role, email=email)
        client = Client()
        sign_in(client, user)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        found[role] = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={TOKEN}"
    return found


def person(port, cookie="", timeout=60):
    """Somebody at a browser: one connection that is kept."""
    headers = [("Cookie", cookie), ("Accept-Encoding", "gzip")] if cookie else []
    return Connection(port, headers, timeout, keeps=False)


def load():
    """The machine's load, to stand beside a measurement."""
    return f"load of the machine {', '.join(f'{value:.1f}' for value in os.getloadavg())} on {os.cpu_count()} cores"
