"""Fills a database of its own with generated tenants, to measure on: 100,000 of them unless told otherwise.

    python bench/generate.py                         # var/bench, about two million rows
    python bench/generate.py --tenants 1000 --messages 20000 --recreate
    python bench/generate.py --serve                 # afterwards keeps the server running and says how to use it

An embedded PostgreSQL under var/bench is filled by set-based SQL (bench/world.py holds it), as its superuser with
triggers off: the rows that triggers would write (ledger, audit) are generated too. The same sizes give the same rows,
ids included; times count back from today. The largest tenant has a fifth of everything.
"""

import argparse
import signal
import sys
import time
from pathlib import Path

import database  # first: it puts the project on the path

SIZES = {
    "tenants": 100_000,
    "agents": 200_000,
    "numbers": 60_000,
    "trunks": 10_000,
    "sessions": 300_000,
    "messages": 1_000_000,
    "chats": 50_000,
    "calls": 300_000,
    "usage": 500_000,
    "postings": 300_000,
    "changes": 300_000,
}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--place", type=Path, default=database.PLACE, help="folder of the server (var/bench)")
    parser.add_argument("--recreate", action="store_true", help="drop what an earlier run made")
    parser.add_argument("--serve", action="store_true", help="keep the server running until Ctrl-C")
    for name, size in SIZES.items():
        parser.add_argument(f"--{name}", type=int, default=size, metavar="N", help=f"({size:,})")
    return parser.parse_args()


def main():
    options = arguments()
    sizes = {name: max(1, getattr(options, name)) for name in SIZES}
    from backoffice.embedded import EmbeddedPostgres

    with EmbeddedPostgres(options.place) as server:
        if options.recreate:
            server.drop_database(database.NAME)
        if server.has_database(database.NAME):
            print(f"{options.place} is filled already (--recreate fills it anew).")
        else:
            fill(server, sizes)
        if options.serve:
            print(f"DATABASE_URL={server.url(database.NAME)}\nCtrl-C stops it.", flush=True)
            signal.sigwait({signal.SIGINT, signal.SIGTERM})


def fill(server, sizes):
    """Builds the database under another name, so that a run that was stopped leaves none that looks complete."""
    import world
    from django.core.management import call_command
    from django.db import connection
    from psycopg import sql

    building = f"{database.NAME}_building"
    server.drop_database(building)
    server.create_database(building)
    with server.connect(building) as owner:
        # No crash safety while it is built: what is lost is generated again.
        owner.execute("set synchronous_commit = off")
        from backoffice import schema

        schema.apply_all(server, building)
        owner.execute("set session_replication_role = replica")
        owner.execute("set search_path = public")
        owner.execute("set work_mem = '256MB'")
        owner.execute("set maintenance_work_mem = '512MB'")
        owner.execute(world.FUNCTIONS)
        began = time.monotonic()
        for label, statement in world.STEPS:
            started = time.monotonic()
            values = {name: sql.Literal(size) for name, size in sizes.items()}
            count = owner.execute(sql.SQL(statement).format(**values)).rowcount
            print(f"{label:<22}{max(count, 0):>12,} rows {time.monotonic() - started:7.1f} s", flush=True)
        started = time.monotonic()
        owner.execute("vacuum (analyze)")
        print(f"{'vacuum, analyze':<22}{'':>17} {time.monotonic() - started:7.1f} s")
    database.point_django_at(server)
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = building
    call_command("migrate", verbosity=0)
    connection.close()
    with server.connect() as admin:
        admin.execute(f"alter database {building} rename to {database.NAME}")
    print(f"Filled in {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    sys.exit(main())
