"""Measures what a replica costs a page, in time and in statements on the primary.

    python bench/replicas.py          # --rounds

Makes a small primary and a standby of it in a temporary folder and asks real pages through Django's test client, as a
manager: with no replica configured, and with one on the same machine. The ratio is the price of a second connection. A
replica pays when the primary is busy, which is not measured here. Takes half a minute.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import database  # first: it puts the project on the path

PAGES = [
    ("list", "/tenants/organizations/"),
    ("list of numbers", "/telephony/numbers/"),
    ("search", "/search/?q=Acme&all=1"),
    ("dashboard", "/"),
]
TENANTS = 200


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60, help="times that each page is asked for (60)")
    rounds = parser.parse_args().rounds
    from backoffice.embedded import EmbeddedPostgres

    with tempfile.TemporaryDirectory() as folder:
        primary = EmbeddedPostgres(Path(folder) / "primary", has_standbys=True)
        standby = None
        try:
            prepare(primary.start())
            standby = primary.make_standby(Path(folder) / "standby").start()
            measure(standby, rounds)
        finally:
            for server in filter(None, (standby, primary)):
                server.destroy()


def prepare(primary):
    """The whole schema, and some tenants."""
    from backoffice import schema

    os.environ["REPLICA_URLS"] = ""
    primary.create_database(database.NAME)
    database.point_django_at(primary)
    schema.apply_all(primary, database.NAME)
    from django.conf import settings
    from django.core.management import call_command

    from backoffice import testing
    from tenants.tests.factories import make_organization

    call_command("migrate", verbosity=0)
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    with testing.Database(primary, database.NAME).platform():
        for n in range(TENANTS):
            make_organization(name=f"Acme {n}")
    with primary.connect(database.NAME) as owner:
        owner.execute("analyze")


def signed_in():
    from django.test import Client

    from backoffice.models import User
    from backoffice.testing import make_user

    mail = "manager@bench.test"
    client = Client()
    client.force_login(User.objects.filter(email=mail).first() or make_user("manager", email=mail))
    return client


def measure(standby, rounds):
    from django.conf import settings
    from django.db import connections
    from psycopg_pool import ConnectionPool  # noqa: F401, as the server has it

    from backoffice.replicas import watching
    from backoffice.replicas.addresses import databases

    pool = {"min_size": 1, "max_size": 4, "timeout": 3}
    connections["default"].close()
    connections.settings["default"]["OPTIONS"]["pool"] = pool
    del connections["default"]
    without = signed_in()
    without.get(PAGES[0][1])

    added = databases(standby.url(database.NAME), connections.settings["default"])
    connections.settings.update(connections.configure_settings(dict(connections.settings) | added))
    settings.REPLICAS = list(added)
    settings.DATABASE_ROUTERS = ["backoffice.replicas.choice.Router"]
    from django.db import router

    router.__dict__.pop("routers", None)
    router._routers = settings.DATABASE_ROUTERS
    with_one = signed_in()
    with_one.get(PAGES[0][1])
    (replica,) = watching.replicas().values()
    while not replica.serves(0):
        time.sleep(0.1)

    print(f"{'':<20}{'primary ms':>12}{'replica ms':>12}{'ratio':>8}{'statements on the primary':>28}")
    for name, path in PAGES:
        times = {without: [], with_one: []}
        for _ in range(rounds):
            for client in times:  # in turn, so that both meet the same moments
                started = time.perf_counter()
                assert client.get(path).status_code == 200
                times[client].append(1000 * (time.perf_counter() - started))
        one, two = (statistics.median(times[client]) for client in (without, with_one))
        counts = " -> ".join(str(statements(client, path)) for client in (without, with_one))
        print(f"{name:<20}{one:>12.1f}{two:>12.1f}{two / one:>8.2f}{counts:>28}")
    for alias in ("default", *added):
        connections[alias].close()
        connections[alias].close_pool()


def statements(client, path):
    """How many the primary gets for a page."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    return len(captured)


if __name__ == "__main__":
    main()
