import os

import pytest

from backoffice import testing_memory
from backoffice.embedded import EmbeddedPostgres

from .servers import Server, available

# What makes and upgrades a database and its roles is tried on PostgreSQL 16 too; all else on the oldest and the newest.
ALSO_ON_16 = {"test_role.py", "test_schema.py", "test_schema_signup.py"}


def pytest_collection_modifyitems(config, items):
    left_out = [item for item in items if _is_left_out(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not _is_left_out(item)]


def _is_left_out(item):
    params = getattr(item, "callspec", None) and item.callspec.params
    return params and params.get("server") == 16 and item.path.name not in ALSO_ON_16


def _remove_leftovers():
    """Ends the servers that killed runs left."""
    for place in testing_memory.folder().glob("sql*-*"):
        pid = int(place.name.rpartition("-")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            EmbeddedPostgres(place).destroy()


@pytest.fixture(scope="session", params=[18, 16, 15], ids=lambda major: f"pg{major}")
def server(request):
    """A server of this run's own, for these tests make and break roles, which all databases of a server share."""
    major = request.param
    if not available(major):
        (pytest.fail if os.environ.get("REQUIRE_ALL") else pytest.skip)(
            f"PostgreSQL {major} is not installed"
        )
    _remove_leftovers()
    server = Server(major, testing_memory.folder() / f"sql{major}-{os.getpid()}")
    yield server
    server.postgres.destroy()


@pytest.fixture
def make(server):
    """make(template) gives a database of one's own, dropped afterwards."""
    made = []

    def make(template):
        made.append(server.database(template))
        return made[-1]

    yield make
    for database in made:
        database.drop()


def _shared(template, doc):
    @pytest.fixture(scope="session", name=template)
    def shared(server):
        database = server.database(template)
        before = database.rows()
        yield database
        assert database.rows() == before, f"a test committed into the shared database {template}"

    shared.__doc__ = f"{doc} Shared: nothing that a test does in it may be committed."
    return shared


fresh = _shared("fresh", "The platform's schema and the back office's, without a row.")
upgraded = _shared("upgraded", "The older shape with odd rows, after an upgrade.")
world = _shared("world", "Two tenants with a row in every table.")


@pytest.fixture
def anyone(world):
    """A superuser's transaction that can become anybody, rolled back at the end."""
    with world.session() as session:
        yield session


@pytest.fixture
def staff(world):
    """A real log-in as `backoffice`, rolled back at the end. No actor yet."""
    with world.session("backoffice") as session:
        yield session
