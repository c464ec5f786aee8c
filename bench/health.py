"""Measures data health on a large database: the pages, every rule about rows, and building indexes.

    python bench/generate.py --place var/bench-health --tenants 2000 --sessions 500000 --messages 5000000 \\
        --usage 2000000 --calls 500000
    python bench/health.py --place var/bench-health          # --rounds, --indexes

Prints the milliseconds of the overview and of a section through Django's test client (middleware, templates, role
`backoffice` and all; no network), the seconds of each rule that takes longer than a second, and of the reading of the
catalog. With --indexes also: drops the indexes of agent_messages and builds them again with `build_indexes`.
"""

import argparse
import statistics
import time
from pathlib import Path

import database  # first: it puts the project on the path

PAGES = ("/health/", "/health/rights/", "/health/oddities/", "/health/sizes/", "/health/findings/")
WANTED_MS = 100


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--place", type=Path, default=database.PLACE, help="folder of the server")
    parser.add_argument("--rounds", type=int, default=20, help="times that each page is asked for (20)")
    parser.add_argument("--indexes", action="store_true", help="build the indexes of agent_messages anew")
    return parser.parse_args()


def main():
    options = arguments()
    from backoffice.embedded import EmbeddedPostgres

    with EmbeddedPostgres(options.place) as server:
        if not server.has_database(database.NAME):
            raise SystemExit("There is no such database: run bench/generate.py first.")
        database.point_django_at(server)
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        rules()
        pages(options.rounds)
        if options.indexes:
            indexes(server)


def rules():
    from backoffice.health import checking, sizes, store

    began = time.monotonic()
    store.check_catalog()
    print(f"{'catalog':<34}{time.monotonic() - began:8.2f} s")
    began = time.monotonic()
    sizes.measure()
    print(f"{'sizes':<34}{time.monotonic() - began:8.2f} s")
    began = time.monotonic()
    for name, rule in checking.all_rules().items():
        started = time.monotonic()
        finding = checking.check_rule(rule)
        if (seconds := time.monotonic() - started) > 1 or "could not" in finding.text:
            print(f"{name:<34}{seconds:8.2f} s {finding.count:>9,} rows {finding.text[:60]}")
    print(f"{'all rules':<34}{time.monotonic() - began:8.2f} s")
    checking.check_rows()


def pages(rounds):
    from django.contrib.auth import get_user_model
    from django.test import Client

    from backoffice.testing import make_user

    email = "bench-health@example.test"
    client = Client()
    client.force_login(
        get_user_model().objects.filter(email=email).first() or make_user("manager", email=email)
    )
    for page in PAGES:
        times = []
        for _ in range(rounds):
            started = time.monotonic()
            assert client.get(page, HTTP_HOST="localhost").status_code == 200
            times.append((time.monotonic() - started) * 1000)
        median, worst = statistics.median(times), max(times)
        print(
            f"{page:<34}{median:8.1f} ms (slowest {worst:.1f})  {'ok' if median < WANTED_MS else 'TOO SLOW'}"
        )


def indexes(server):
    import psycopg

    from backoffice.health import building

    url = server.url(database.NAME, "postgres")
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("set search_path = backoffice, public")
        rows = owner.execute(
            "select x.relname from pg_index i join pg_class x on x.oid = i.indexrelid "
            "where i.indrelid = 'agent_messages'::regclass and not i.indisprimary"
        ).fetchall()
        for (name,) in rows:
            owner.execute(f'drop index public."{name}"')
    with building.connect(url, 30) as connection:
        for missing in building.plan(connection).builds:
            started = time.monotonic()
            building.build(connection, url, missing, lambda text: print(f"  {text}", flush=True))
            print(f"{missing.table} {missing.sentence[:60]}: {time.monotonic() - started:.1f} s")
        building.analyze(connection, "public.agent_messages")


if __name__ == "__main__":
    main()
