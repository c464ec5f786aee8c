"""What tests and bench/faults.py break: a PostgreSQL of their own, the path to it, real web and worker processes."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

import psutil

from backoffice import schema, testing
from backoffice.embedded import ADMIN, SOCKET_NAME, EmbeddedPostgres
from backoffice.settings import BASE_DIR

NAME = "platform"


class BreakableDatabase(testing.Database):
    """A server of its own with one migrated database, that can be killed, frozen and started again."""

    def __init__(self, place):
        super().__init__(EmbeddedPostgres(place, fast=True), NAME)

    def copy(self, source, name):
        """Becomes a copy of a database of another embedded server, which takes a tenth of the time of making one."""
        self.server.start()
        self.server._prepare_software()
        environment = {"PATH": os.defpath, "LC_ALL": "C"}
        for command in (["pg_dumpall", "--roles-only", "--dbname"], ["pg_dump", "--create", "--dbname"]):
            at = source.url("postgres" if command[0] == "pg_dumpall" else name, ADMIN)
            dumping = subprocess.Popen(
                [self.server._bin / command[0], *command[1:], at], stdout=subprocess.PIPE, env=environment
            )
            loading = [
                self.server._bin / "psql",
                "--quiet",
                "--output=/dev/null",
                self.server.url("postgres", ADMIN),
            ]
            subprocess.run(
                loading, stdin=dumping.stdout, stderr=subprocess.DEVNULL, env=environment, check=True
            )
            dumping.wait()
        with self.server.connect() as admin:
            admin.execute(f'alter database "{name}" rename to {NAME}')
        self.keep_what_is_committed()

    def prepare(self):
        from django.core.management import call_command

        self.server.start()
        self.server.create_database(NAME)
        schema.apply_all(self.server, NAME)
        with self.django():
            call_command("migrate", verbosity=0)
        self.keep_what_is_committed()

    def keep_what_is_committed(self):
        """A killed server loses nothing that it said was committed; `fast` gives that up."""
        with self.server.connect() as admin:
            admin.execute("alter system set synchronous_commit = on")
            admin.execute("select pg_reload_conf()")

    def processes(self):
        """The postmaster and its children, itself first: a child that it finds dead would be a crash to it."""
        with contextlib.suppress(psutil.Error, TypeError):
            postmaster = psutil.Process(self.server._pid())
            return [postmaster, *postmaster.children(recursive=True)]
        return []

    def signal(self, number):
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def restart(self):
        self.server.start()

    @contextlib.contextmanager
    def frozen(self):
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def set_read_only(self, on):
        """As a failover to a standby does it: what is connected is cut off, what connects anew may only read."""
        with self.server.connect() as admin:
            admin.execute(
                f"alter database {NAME} set default_transaction_read_only = {'on' if on else 'off'}"
            )
            if on:
                admin.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [NAME]
                )


class CuttablePath(threading.Thread):
    """A path over TCP to a server's socket, that can be cut: nothing arrives any more, and nobody says so."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.target = str(Path(folder) / SOCKET_NAME)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.is_open = threading.Event()
        self.is_open.set()
        self.generation = 0

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=[near, self.generation], daemon=True).start()

    def cut(self):
        """What is on its way is swallowed, and never heard of again; what connects later waits."""
        self.is_open.clear()
        self.generation += 1

    def mend(self):
        self.is_open.set()

    def serve(self, near, generation):
        self.is_open.wait()
        with near, socket.socket(socket.AF_UNIX) as far, contextlib.suppress(OSError):
            far.connect(self.target)
            back = threading.Thread(target=self.pump, args=[far, near, generation], daemon=True)
            back.start()
            self.pump(near, far, generation)
            back.join()

    def pump(self, source, target, generation):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if generation == self.generation:
                    target.sendall(data)
        # A source that hung up in the middle of what it was told ends the same way.
        if generation == self.generation:
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)
        else:
            threading.Event().wait(60)  # a path that is gone tells no end, either


def environment(database, folder, **more):
    return {
        **os.environ,
        **testing.SERVER,
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "DATABASE_URL": database.url,
        "JOB_FILES_DIR": str(folder),
        "STATIC_ROOT": testing.collected_static(),
        **{name: str(value) for name, value in more.items()},
    }


class Web:
    """The production server with its own configuration: `processes` of four threads each."""

    def __init__(self, database, folder, processes=2, **more):
        self.log = Path(folder) / f"web-{time.monotonic_ns()}.log"
        with socket.socket() as bound, self.log.open("w") as output:
            bound.bind(("127.0.0.1", 0))
            bound.listen(256)
            self.port = bound.getsockname()[1]
            more = {"WEB_CONCURRENCY": processes, "BIND": f"fd://{bound.fileno()}", **more}
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "gunicorn",
                    "--config",
                    "python:backoffice.gunicorn_conf",
                    "backoffice.wsgi",
                ],
                env=environment(database, folder, **more),
                cwd=BASE_DIR,
                stdout=output,
                stderr=output,
                pass_fds=[bound.fileno()],
            )
        for _ in range(300):
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.ask("/accounts/login/").status:
                    return
            if self.process.poll() is not None:
                raise RuntimeError(self.log.read_text())
            time.sleep(0.1)

    def ask(self, path, cookie="", data=None, headers=None, timeout=30):
        """One request over a connection of its own. Returns the response with `text` and `seconds` filled in."""
        began = time.monotonic()
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        headers = {"Cookie": cookie, **(headers or {})}
        if data is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        with contextlib.closing(link):
            link.request("GET" if data is None else "POST", path, data and urlencode(data), headers)
            response = link.getresponse()
            response.text = response.read().decode()
            response.seconds = time.monotonic() - began
            return response

    def stop(self, number=signal.SIGTERM, timeout=40):
        self.process.send_signal(number)
        return self.process.wait(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        if self.process.poll() is None:
            self.stop()


def signed_in(database, role):
    """(user, the Cookie header of a session of theirs, the token for their forms)."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.middleware.csrf import _get_new_csrf_string
    from django.test import Client, override_settings

    with database.django(), override_settings(SECRET_KEY=testing.SERVER["SECRET_KEY"]):
        user = get_user_model().objects.filter(email=f"{role}@example.test").first() or testing.make_user(
            role
        )
        client = Client()
        testing.sign_in(client, user)
    token = _get_new_csrf_string()
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    return (
        user,
        f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={token}",
        token,
    )
