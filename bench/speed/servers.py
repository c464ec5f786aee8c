"""The three servers, each with one process that answers, on loopback: ours, the floor, stock Django admin."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg

from bench.speed.client import Connection

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
STOCK_TOKEN = "s" * 32  # of its forms, in cookie and form alike
# As in production, on loopback and without what stands in the way of a client that signs in without a form.
OURS = {
    "ALLOWED_HOSTS": "127.0.0.1,localhost",
    "DJANGO_SETTINGS_MODULE": "backoffice.settings",
    "FRESH_FACTOR_MINUTES": "0",
    "HTTPS": "off",
    "LOG_FORMAT": "json",
    "LOG_LEVEL": "INFO",
    "MFA_REQUIRED_ROLES": "",
    "SECRET_KEY": "only-for-the-benchmark-only-for-the-benchmark-only-for-the-benchmark",
    "SESSION_HOURS": "168",
    "WEB_CONCURRENCY": "1",
}


class Server:
    """A process that listens on a port of its own; `worker` is the one that answers."""

    name = ""
    headers = ()

    def __init__(self, command, environment, log):
        self.log = Path(log)
        with socket.socket() as bound, self.log.open("w") as output:
            bound.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
            )  # none of the three waits for an acknowledgement
            bound.bind(("127.0.0.1", 0))
            bound.listen(64)
            self.port = bound.getsockname()[1]
            self.process = subprocess.Popen(
                [each.format(fd=bound.fileno()) for each in command],
                env={**os.environ, **environment},
                cwd=ROOT,
                stdout=output,
                stderr=output,
                pass_fds=[bound.fileno()],
            )
        self.connection = Connection(self.port, self.headers)

    def wait(self, path):
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.connection.ask(path).status < 500:
                    return
            time.sleep(0.2)
        raise SystemExit(f"{self.name} does not start: {self.log.read_text()[-2000:]}")

    @property
    def worker(self):
        own = psutil.Process(self.process.pid)
        return (own.children() or [own])[-1].pid

    def memory(self):
        """(resident now, its peak since reset_peak()) of the process that answers, in MB."""
        status = Path(f"/proc/{self.worker}/status").read_text()
        values = dict(line.split(":", 1) for line in status.splitlines())
        return tuple(int(values[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))

    def cpu_ms(self):
        """Milliseconds of a processor that the threads of the process that answers have used."""
        tasks = Path(f"/proc/{self.worker}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e6

    def reset_peak(self):
        Path(f"/proc/{self.worker}/clear_refs").write_text("5")

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.connection.close()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)


class Floor(Server):
    name = "The floor"

    def __init__(self, owner_url, folder):
        command = [sys.executable, str(ROOT / "bench/speed/floor.py"), "{fd}"]
        super().__init__(command, {"DATABASE_URL": owner_url}, folder / "floor.log")
        self.wait("/ready")


class Ours(Server):
    name = "The back office"

    def __init__(self, url, folder, cookie, static):
        self.headers = (("Cookie", cookie), ("Accept-Encoding", "gzip"))
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            "python:backoffice.gunicorn_conf",
            "backoffice.wsgi",
        ]
        environment = {
            **OURS,
            "DATABASE_URL": url,
            "STATIC_ROOT": str(static),
            "JOB_FILES_DIR": str(folder / "files"),
        }
        self.read = 0
        self.lines = {}
        super().__init__([*command, "--bind", "fd://{fd}"], environment, folder / "ours.log")
        self.wait("/accounts/login/")

    def told(self, request_id):
        """The line of the access log about a request: {"queries": …, "database_ms": …}."""
        for _ in range(100):
            with self.log.open() as log:
                log.seek(self.read)
                for line in log:
                    if line.endswith("\n"):
                        self.read += len(line.encode())
                        with contextlib.suppress(ValueError):
                            facts = json.loads(line)
                            if "queries" in facts:
                                self.lines[facts["request_id"]] = facts
            if request_id in self.lines:
                return self.lines.pop(request_id)
            time.sleep(0.01)
        return {}


def sign_in(url):
    """(the Cookie header of a signed-in superuser, the token of their forms)."""
    said = output_of("bench.speed.signing", {**OURS, "DATABASE_URL": url})
    signed = json.loads(said.splitlines()[-1])
    return signed["cookie"], signed["token"]


def collected_static(folder):
    """Where our static files are, with the hashes in their names that the pages refer to."""
    place = folder / "static"
    environment = {**os.environ, **OURS, "DATABASE_URL": "postgresql:///unused", "STATIC_ROOT": str(place)}
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
    subprocess.run(command, env=environment, cwd=ROOT, check=True)
    return place


def output_of(module, environment):
    command = [sys.executable, "-m", module]
    return subprocess.run(
        command, env={**os.environ, **environment}, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


STOCK_NAME = "bench_stock"


class Stock(Server):
    """Stock Django admin with one process of four threads as ours; its own tables are in a database of their own."""

    name = "Stock Django admin"

    def __init__(self, owner_url, folder):
        self.environment = {
            "DJANGO_SETTINGS_MODULE": "bench.speed.stock.settings",
            "PLATFORM_URL": owner_url,
            "STOCK_URL": with_name(owner_url, STOCK_NAME),
        }
        with psycopg.connect(owner_url, autocommit=True) as connection:
            if not connection.execute(
                "select 1 from pg_database where datname = %s", [STOCK_NAME]
            ).fetchone():
                connection.execute(f"create database {STOCK_NAME}")
        cookie = output_of("bench.speed.stock.prepare", self.environment).strip()
        self.headers = (("Cookie", f"{cookie}; csrftoken={STOCK_TOKEN}"),)
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "--bind",
            "fd://{fd}",
            "--workers",
            "1",
            "--threads",
            "4",
        ]
        more = ["--timeout", "600", "--keep-alive", "5", "django.core.wsgi:get_wsgi_application()"]
        super().__init__([*command, *more], self.environment, folder / "stock.log")
        self.wait("/admin/login/")


def with_name(url, name):
    """The address of another database of the same server."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, "")).replace(":///", "://@/")
