import contextlib
import fcntl
import hashlib
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time

import psycopg
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from backoffice import schema
from backoffice.embedded import EmbeddedError, EmbeddedPostgres
from backoffice.processes import PARENT

ACCOUNTS = ("support", "finance", "manager", "admin")
READY_WITHIN_SECONDS = 60
WORKER_RESTARTS = 5
STOP_WITHIN_SECONDS = 25  # the server lets its requests finish, the worker its jobs stop at a safe place
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """Somebody pressed Ctrl-C, or sent a signal that means the same."""


class Command(BaseCommand):
    help = (
        "Serves the back office on 127.0.0.1, with one job worker. Without DATABASE_URL it starts an embedded "
        "PostgreSQL under var/, loads the schema, and on the first start fills in a demo and makes one account "
        "per role. Ctrl-C stops everything it started."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument(
            "--port",
            default=os.environ.get("PORT", "8000"),
            help="port to serve on (PORT, or 8000)",
        )

    def handle(self, *, port, **options):
        if not str(port).isdigit() or not 0 < int(port) < 65536:
            raise CommandError(f"“{port}” is no port; choose a number, such as make run PORT=8001")
        port = int(port)
        self.children = []
        self.restarts = 0
        self.password_file = settings.VAR_DIR / "demo-password"
        for number in STOP_SIGNALS:
            signal.signal(number, self.stop_signal)
        try:
            with contextlib.ExitStack() as stack:
                self.prepare_folder()
                stack.enter_context(self.only_one())
                listener = stack.enter_context(self.listen(port))
                if settings.EMBEDDED:
                    server = EmbeddedPostgres(settings.EMBEDDED_PLACE)
                    self.say(f"Starting PostgreSQL in {server.place}")
                    stack.callback(server.stop)
                    server.start()
                    stack.callback(connection.close)
                    self.prepare_database(server)
                self.collect_static()
                stack.callback(self.stop_children)
                self.serve(listener, port)
        except Stopped:
            self.stdout.write("\nStopped.")
        except EmbeddedError as error:
            raise CommandError(str(error)) from error
        except psycopg.Error as error:
            raise CommandError(f"The database could not be prepared. {schema.explain(error)}") from error

    def say(self, text):
        self.stdout.write(f"{text} …")
        self.stdout.flush()

    # Before anything is started

    def prepare_folder(self):
        folder = settings.VAR_DIR
        try:
            folder.mkdir(exist_ok=True)
            if not os.access(folder, os.W_OK):
                raise PermissionError
        except OSError as error:
            raise CommandError(
                f"Cannot write to {folder}: the folder is read-only or belongs to another user. "
                "Copy the project to a folder of yours and start it there."
            ) from error

    @contextlib.contextmanager
    def only_one(self):
        with (settings.VAR_DIR / "run.lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise CommandError(
                    f"This back office is running already (process {file.read().strip() or 'unknown'})."
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    @contextlib.contextmanager
    def listen(self, port):
        """The socket to serve on, taken before all else; it is handed to the server."""
        busy = CommandError(
            f"Port {port} is in use by another program. Choose another: make run PORT={port + 1}"
        )
        # Browsers try ::1 first for `localhost`: whatever listens there would hide us.
        with contextlib.suppress(OSError), socket.create_connection(("::1", port), timeout=0.2):
            raise busy
        listener = socket.socket()
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen(128)
        except PermissionError as error:
            raise CommandError(f"Port {port} is for administrators only. Choose one above 1023.") from error
        except OverflowError as error:
            raise CommandError(f"{port} is not a port: choose one from 1024 to 65535.") from error
        except OSError as error:
            raise busy from error
        with listener:
            yield listener

    # The demo's database

    def prepare_database(self, server):
        name = settings.DATABASES["default"]["NAME"]
        loaded = server.place / "loaded"  # fingerprint of the SQL files in the database
        if not server.has_database(name):
            server.create_database(name)
            loaded.unlink(missing_ok=True)
        if not loaded.exists() or loaded.read_text() != schema.fingerprint():
            self.say("Loading the schema")
            schema.apply_all(server, name)
            loaded.write_text(schema.fingerprint())
        call_command("migrate", verbosity=0)
        with server.connect(name, "postgres") as owner:
            (filled,) = owner.execute("select exists (select from public.organizations)").fetchone()
        if not filled:
            self.say("Filling in a demo, once")
            call_command("demo_data", verbosity=0)
        self.make_accounts()

    def make_accounts(self):
        """One account per role, all with one random password per installation; left alone from then on."""
        User = get_user_model()
        try:
            password = self.password_file.read_text().strip()
            if User.objects.exists():
                return
        except FileNotFoundError:
            password = readable_password()
            with os.fdopen(
                os.open(self.password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
            ) as file:
                file.write(password + "\n")
        for role in ACCOUNTS:
            user, made = User.objects.get_or_create(
                email=f"{role}@example.test", defaults={"first_name": "Demo", "last_name": role.title()}
            )
            user.set_password(password)
            if role == "admin":
                user.is_superuser = True
            user.save()
            if made and role != "admin":
                user.groups.add(Group.objects.get(name=role.title()))

    # Serving

    def collect_static(self):
        """Gathers the static files when one of them, or a package that brings some, has changed."""
        digest = hashlib.sha256()
        for finder in get_finders():
            for path, storage in finder.list([]):
                info = os.stat(storage.path(path))
                digest.update(f"{path} {info.st_size} {info.st_mtime_ns}\n".encode())
        stamp = settings.VAR_DIR / "static-collected"
        if not settings.STATIC_ROOT.exists() or not stamp.exists() or stamp.read_text() != digest.hexdigest():
            self.say("Collecting static files")
            call_command("collectstatic", interactive=False, clear=True, verbosity=0)
            stamp.write_text(digest.hexdigest())

    def serve(self, listener, port):
        self.say("Starting the server and the worker")
        connection.close()
        gunicorn = ["-m", "gunicorn", "--config", "python:backoffice.gunicorn_conf", "backoffice.wsgi"]
        self.children.append(self.start(gunicorn, listener.fileno()))
        self.children.append(self.start(["manage.py", "worker"]))
        listener.close()
        self.wait_until_ready(port)
        self.announce(port)
        while True:
            self.check_children()
            time.sleep(0.5)

    def start(self, arguments, socket_number=None):
        environment = {**os.environ, PARENT: str(os.getpid())}
        if socket_number is not None:
            environment["BIND"] = f"fd://{socket_number}"
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            pass_fds=[] if socket_number is None else [socket_number],
            start_new_session=True,  # Ctrl-C reaches this process only, which then stops them in order
        )

    def check_children(self):
        """The server's end is ours; a worker that was killed is started again, a few times."""
        for position, (name, process) in enumerate(zip(("server", "worker"), self.children, strict=True)):
            if process.poll() is None:
                continue
            if name == "worker" and process.returncode < 0 and self.restarts < WORKER_RESTARTS:
                self.restarts += 1
                self.say(f"The worker was killed (signal {-process.returncode}); starting another")
                self.children[position] = self.start(["manage.py", "worker"])
                continue
            raise CommandError(f"The {name} ended by itself (exit status {process.returncode}); see above.")

    def wait_until_ready(self, port):
        scheme = "https" if settings.HTTPS else "http"
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            self.check_children()
            request = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(request):
                host = {"Host": f"localhost:{port}", "X-Forwarded-Proto": scheme}
                request.request("GET", "/accounts/login/", headers=host)
                if request.getresponse().status < 500:
                    return
            time.sleep(0.1)
        raise CommandError(f"The server gave no page within {READY_WITHIN_SECONDS} seconds; see above.")

    def announce(self, port):
        self.stdout.write("")
        self.stdout.write(self.style.SUCCESS(f"  http://localhost:{port}"))
        if settings.EMBEDDED and self.password_file.exists():
            emails = [f"{role}@example.test" for role in ACCOUNTS]
            self.stdout.write(f"\n  Accounts: {', '.join(emails)}")
            self.stdout.write(
                f"  Password: {self.password_file.read_text().strip()}   (the same for all four)"
            )
        self.stdout.write("\n  Ctrl-C stops it.\n")
        self.stdout.flush()

    # Stopping

    def stop_signal(self, number, frame):
        for each in STOP_SIGNALS:  # while stopping, a second Ctrl-C changes nothing
            signal.signal(each, signal.SIG_IGN)
        raise Stopped

    def stop_children(self):
        for process in self.children:
            process.terminate()
        deadline = time.monotonic() + STOP_WITHIN_SECONDS
        for process in self.children:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def readable_password():
    """About 60 random bits in syllables, for instance `tumira-vokale-sedano`."""

    def syllable():
        return secrets.choice("bdfghjklmnprstvwz") + secrets.choice("aeiou")

    return "-".join("".join(syllable() for _ in range(3)) for _ in range(3))
