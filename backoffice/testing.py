"""What tests use: stepping out of the back office's role, databases of one's own, a running app with a browser."""

import atexit
import contextlib
import functools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import types
import urllib.error
import urllib.request
from importlib import import_module

import psycopg
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.db import connection, connections, transaction
from psycopg.rows import dict_row

from backoffice import kept
from backoffice.postgresql.base import PREVIEW
from backoffice.settings import BASE_DIR

ROLES = {"support": "Support", "finance": "Finance", "manager": "Manager"}
SERVER = {
    "HTTPS": "off",
    "SECRET_KEY": "only-for-tests",
    "ALLOWED_HOSTS": "localhost",
    "ENVIRONMENT": "test",
    "MFA_REQUIRED_ROLES": "",
    "DJANGO_SETTINGS_MODULE": "backoffice.settings",
}


@contextlib.contextmanager
def platform():
    """Writes as the platform does, as role `postgres`; afterwards the code under test is `backoffice` again.

    In a block of its own, so an error (and its rollback) leaves the role as it was before.
    """
    with transaction.atomic(), platform_role():
        yield


@contextlib.contextmanager
def platform_role():
    """The same without the block, for what does not fail unless the test is wrong: a factory's row. Half as dear."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select current_setting('role'), set_config('role', 'postgres', true)"
        )  # one after the other
        before, _ = cursor.fetchone()
        yield
        cursor.execute("select set_config('role', %s, true)", [before])


def check_kept_statements():
    """From here on each page that asks a kept statement fails if its queryset has become another one."""
    kept_as = kept.kept_as

    def checked(kind, shape, build, values, planned):
        found = kept_as(kind, shape, build, values, planned)
        now = kind(build, [type(value) for value in values], planned)
        assert (now.sql, now.places, now.planned) == (found.sql, found.places, found.planned), shape
        return found

    kept.kept_as = checked


class Database:
    """A database made from the template. `url` logs in as `backoffice`, `owner_url` as `postgres`."""

    def __init__(self, server, name):
        self.server = server
        self.name = name
        self.url = server.url(name, "backoffice")
        self.owner_url = server.url(name, "postgres")

    def connect(self, user="backoffice", **options):
        """An autocommit psycopg connection whose rows are dicts; close it."""
        options = {
            "autocommit": True,
            "row_factory": dict_row,
            "options": "-c search_path=backoffice,public",
            **options,
        }
        return psycopg.connect(self.server.url(self.name, user), **options)

    @contextlib.contextmanager
    def django(self, user="backoffice"):
        """Points Django at this database, in autocommit: for this thread, and for threads started inside.

        The tenant's view goes by its own login to the same database.
        """
        users = {"default": user, PREVIEW: "backoffice_preview"}
        before = {
            alias: {key: connections.settings[alias][key] for key in ("NAME", "USER", "HOST")}
            for alias in users
        }
        old = {alias: connections[alias] for alias in users}
        for alias, name in users.items():
            del connections[alias]
            connections.settings[alias].update(NAME=self.name, USER=name, HOST=self.server.socket_dir)
        try:
            yield
        finally:
            for alias in users:
                connections[alias].close()
                connections.settings[alias].update(before[alias])
                connections[alias] = old[alias]

    def platform(self):
        """Django as the owner `postgres`, for factories, inside or outside django()."""
        return self.django("postgres")


def make_user(role, **fields):
    """A member of staff: "support", "finance", "manager" (by group) or "admin" (superuser). Password: "password"."""
    from django.contrib.auth.models import Group

    User = get_user_model()
    fields = {"email": f"{role}@example.test", "first_name": role.title(), "password": "password", **fields}
    if role == "admin":
        return User.objects.create_superuser(**fields)
    user = User.objects.create_user(**fields)
    user.groups.add(Group.objects.get_or_create(name=ROLES[role])[0])
    return user


def sign_in(client, user, *, minutes_ago=0, method="password"):
    """Signs a test client in, without the form, as with the password (or the second factor, "mfa") so many minutes ago.

    One session is written, where client.force_login() writes it four times over: nearly every test signs somebody in.
    """
    from allauth.account.internal.flows.login import record_authentication

    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    record_authentication(types.SimpleNamespace(session=session), user, method=method)
    session[AUTHENTICATION_METHODS_SESSION_KEY][-1]["at"] -= minutes_ago * 60
    session.create()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key


@contextlib.contextmanager
def serve(database, folder, **more):
    """Runs the production server on a database, in a process of its own; gives its address. `more` are settings."""
    with served(database, folder, **more) as (port, _):
        yield f"http://localhost:{port}"


@contextlib.contextmanager
def served(database, folder, **more):
    """The same; gives its port and its process."""
    environment = {
        **os.environ,
        **SERVER,
        "DATABASE_URL": database.url,
        "PREVIEW_DATABASE_URL": database.server.url(database.name, "backoffice_preview"),
        "JOB_FILES_DIR": str(folder),
        "STATIC_ROOT": collected_static(),
        **more,
    }
    log = folder / "server.log"
    # The server inherits the port already bound, so that nobody can take it meanwhile.
    with socket.socket() as bound, log.open("w") as output:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        bind = f"fd://{bound.fileno()}"
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "backoffice.wsgi", "--bind", bind, "--threads", "4"],
            env=environment,
            cwd=BASE_DIR,
            stdout=output,
            stderr=output,
            pass_fds=[bound.fileno()],
        )
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None:
                raise RuntimeError(log.read_text())
            time.sleep(0.1)
        yield port, process
    finally:
        process.terminate()
        process.wait(20)


@functools.cache
def collected_static():
    """The folder of static files for this process's servers: filled once, removed at the end."""
    folder = tempfile.mkdtemp(prefix="static-")
    atexit.register(shutil.rmtree, folder)
    environment = {**os.environ, **SERVER, "DATABASE_URL": "postgresql:///unused", "STATIC_ROOT": folder}
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
    subprocess.run(command, env=environment, cwd=BASE_DIR, check=True)
    return folder


class LiveServer:
    """The production server of one test process, on a database that each test has as new. It starts once: starting
    takes seconds, making the database anew a part of one.
    """

    def __init__(self, database, template, url):
        self.database = database
        self.template = template
        self.url = url

    def renew(self):
        """Puts a new copy of the template in the place of the database; the server's pool finds its way there."""
        server, name = self.database.server, self.database.name
        server.drop_database(name)
        server.create_database(name, template=self.template, owner="postgres")
        # Whoever brings the cookie of a session is looked up, so the answer comes from the database.
        cookie = f"{settings.SESSION_COOKIE_NAME}={'x' * 32}"
        request = urllib.request.Request(f"{self.url}/accounts/login/", headers={"Cookie": cookie})
        answered = 0
        for _ in range(200):
            try:
                urllib.request.urlopen(request, timeout=10).close()
                answered += 1
            except urllib.error.HTTPError:
                answered = 0
            if answered == 2:
                return
            time.sleep(0.05)
        raise RuntimeError("The server does not find its new database.")


class LiveApp:
    """A served app and a browser. `page` is a fresh browser page; a page's errors are in `errors`."""

    def __init__(self, url, database, browser):
        self.url = url
        self.database = database
        self.errors = []
        self._contexts = []
        self._browser = browser
        self.page = self.new_page()

    def platform(self):
        """Django as `postgres` on this app's database, for factories."""
        return self.database.platform()

    def new_page(self, **options):
        """A page of a new browser profile, for instance `viewport={"width": 390, "height": 844}`."""
        context = self._browser.new_context(base_url=self.url, **options)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        return page

    def login(self, role, page=None):
        """Signs a new member of staff in, without the form. Returns the user."""
        from django.conf import settings
        from django.test import Client

        with self.database.django():
            user = get_user_model().objects.filter(email=f"{role}@example.test").first() or make_user(role)
            client = Client()
            sign_in(client, user)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        context = (page or self.page).context
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": self.url}])
        return user

    def close(self):
        for context in self._contexts:
            context.close()
