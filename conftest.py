"""The suite's database, and the fixtures every app's tests use.

One embedded server for all processes of the run, one template database built from db/*.sql and migrated as role
`backoffice` (kept in var/tests until one of these changes), and a copy of it for Django in each process. Django logs in
as the owner `postgres` (not a superuser); each test with the database runs under `set local role backoffice`, so the
code under test has the rights it has in reality. Factories step out of it with backoffice.testing.platform().
"""

import contextlib
import fcntl
import hashlib
import itertools
import os
import shutil

import pytest

from backoffice import schema, testing, testing_memory
from backoffice.embedded import EmbeddedPostgres

for part in ("client", "lists", "pages", "crud"):
    pytest.register_assert_rewrite(f"backoffice.testing_{part}")

CHROMIUM = "/usr/bin/chromium"
# Where everything is installed (.ci/run), a test that cannot run is a failure and not a skip.
REQUIRE_ALL = bool(os.environ.get("REQUIRE_ALL"))
TEMPLATES_KEPT = 3


def pytest_addoption(parser):
    parser.addoption(
        "--update-url-matrix", action="store_true", help="write backoffice/tests/url_matrix.txt anew"
    )
    parser.addoption(
        "--update-wanted-schema", action="store_true", help="write backoffice/health/wanted.json anew"
    )


def pytest_configure(config):
    testing_memory.use()
    testing.check_kept_statements()


def unavailable(reason):
    """Skips a test that needs what this machine does not have; fails it where everything must be there."""
    (pytest.fail if REQUIRE_ALL else pytest.skip)(reason)


@pytest.fixture(scope="session")
def embedded():
    """The suite's server, shared with other runs in this folder."""
    server = EmbeddedPostgres(testing_memory.folder() / "postgres", fast=True)
    with open(__file__) as lock:  # the first start makes folders: one worker does, the other finds them
        fcntl.flock(lock, fcntl.LOCK_EX)
        server.start()
    yield server
    server.stop()


def _template_name():
    """Names the template after all that makes it: SQL, migrations, models and roles."""
    from django.conf import settings

    digest = hashlib.sha256(schema.fingerprint().encode())
    for app in ("backoffice", "tenants", "agents", "telephony", "billing"):
        folder = settings.BASE_DIR / app
        files = [*folder.glob("migrations/*.py"), *folder.glob("*models*.py"), *folder.glob("models/*.py")]
        files += folder.glob("roles.py")
        for path in sorted(files):
            digest.update(path.name.encode() + path.read_bytes())
    return f"template_{digest.hexdigest()[:16]}"


def _migrate(server, name):
    from django.core.management import call_command

    with testing.Database(server, name).django():
        call_command("migrate", verbosity=0)


@pytest.fixture(scope="session")
def template_database(embedded, django_test_environment, django_db_blocker):
    """The name of a database with the whole schema and no rows."""
    name = _template_name()
    with embedded.connect() as connection:
        connection.execute("select pg_advisory_lock(1)")  # another run may be building it just now
        databases = [row[0] for row in connection.execute("select datname from pg_database order by oid")]
        for leftover in databases:
            owner = leftover.partition("_pid")[2].partition("_")[0]
            if owner.isdigit() and not _alive(int(owner)):
                embedded.drop_database(leftover)
        if name not in databases:
            for old in [n for n in databases if n.startswith("template_")][: -TEMPLATES_KEPT + 1 or None]:
                embedded.drop_database(old)
            building = f"building_pid{os.getpid()}"
            embedded.create_database(building)
            schema.apply_all(embedded, building)
            with django_db_blocker.unblock():
                _migrate(embedded, building)
            connection.execute(f"alter database {building} rename to {name}")
    return name


def _alive(pid):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, 0)
        return True
    return False


@pytest.fixture(scope="session")
def django_db_setup(embedded, template_database):
    """Replaces pytest-django's: the test database is a copy of the template."""
    from django.db import connections

    database = _copy(embedded, template_database)
    del connections["default"]
    connections.settings["default"].update(NAME=database.name, USER="postgres", HOST=embedded.socket_dir)
    connections.settings["preview"].update(NAME=database.name, HOST=embedded.socket_dir)
    yield
    connections["default"].close()
    embedded.drop_database(database.name)


_numbers = itertools.count(1)


def _copy(server, template):
    name = f"test_pid{os.getpid()}_{next(_numbers)}"
    server.create_database(name, template=template, owner="postgres")
    return testing.Database(server, name)


@pytest.fixture(autouse=True)
def _as_backoffice(request):
    """Runs each database test as role `backoffice`, from before its first fixture to its end."""
    marker = request.node.get_closest_marker("django_db")
    if marker and (marker.kwargs.get("transaction") or marker.args):
        pytest.fail("Use the fixture fresh_database for tests that commit: this database is shared.")
    if marker or "db" in request.fixturenames:
        from django.db import connection

        request.getfixturevalue("db")
        with connection.cursor() as cursor:
            cursor.execute("set local role backoffice")


@pytest.fixture
def support(db):
    return testing.make_user("support")


@pytest.fixture
def finance(db):
    return testing.make_user("finance")


@pytest.fixture
def manager(db):
    return testing.make_user("manager")


@pytest.fixture
def admin(db):
    return testing.make_user("admin")


def _client(user):
    from django.test import Client

    client = Client()
    testing.sign_in(client, user)
    client.user = user
    return client


@pytest.fixture
def support_client(support):
    return _client(support)


@pytest.fixture
def finance_client(finance):
    return _client(finance)


@pytest.fixture
def manager_client(manager):
    return _client(manager)


@pytest.fixture
def admin_client(admin):
    return _client(admin)


@pytest.fixture
def owner(db):
    """Raw SQL as `postgres` inside the test's transaction: owner("select …", [params]) returns rows as tuples."""
    from django.db import connection

    def execute(query, params=None):
        with testing.platform(), connection.cursor() as cursor:
            cursor.execute(query, params)
            return cursor.fetchall() if cursor.description else []

    return execute


@pytest.fixture
def fresh_database(embedded, template_database, django_db_blocker):
    """A testing.Database of the test's own, in which commits and concurrency are real."""
    database = _copy(embedded, template_database)
    with django_db_blocker.unblock():
        yield database
    embedded.drop_database(database.name)


@pytest.fixture(scope="module")
def module_database(embedded, template_database):
    """The same for all tests of a module: what they commit stays for those that follow."""
    database = _copy(embedded, template_database)
    yield database
    embedded.drop_database(database.name)


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, driven by Playwright."""
    if not shutil.which(CHROMIUM):
        unavailable("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    # Playwright's synchronous API keeps an event loop in this thread, which Django takes for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    flags = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def live_server_process(embedded, template_database, tmp_path_factory):
    """A testing.LiveServer, shared by this process's browser tests."""
    database = _copy(embedded, template_database)
    with testing.serve(database, tmp_path_factory.mktemp("live")) as url:
        yield testing.LiveServer(database, template_database, url)
    embedded.drop_database(database.name)


@pytest.fixture
def live_app(live_server_process, django_db_blocker, browser):
    """The app as it is served, on a database as new: a testing.LiveApp."""
    live_server_process.renew()
    with django_db_blocker.unblock():
        app = testing.LiveApp(live_server_process.url, live_server_process.database, browser)
        yield app
        app.close()
