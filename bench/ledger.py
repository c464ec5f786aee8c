"""Measures the ledger's pages and the look-up of spending on the tenants of bench/generate.py.

    python bench/generate.py --postings 1000000 --usage 2000000
    python bench/ledger.py                  # var/bench; --rounds, --place

Each page is asked of the real view through Django's test client (middleware, templates, role `backoffice` and all; no
network), as finance; prints the median of a few rounds in milliseconds. `spending` is what the worker does for all
tenants every five minutes.
"""

import argparse
import statistics
import time
from pathlib import Path

import database  # first: it puts the project on the path
from search import signed_in

PAGES = [
    ("ledger", "/billing/ledger/"),
    ("ledger, last page", "/billing/ledger/?last=1"),
    ("ledger of the largest tenant", "/billing/ledger/?organization={largest}"),
    ("ledger, two kinds", "/billing/ledger/?kind=refund&kind=goodwill"),
    ("ledger, nobody stands for it", "/billing/ledger/?outside=unexplained"),
    ("ledger, a month", "/billing/ledger/?month={month}"),
    ("ledger, a rare reason", "/billing/ledger/?q=zzzzz"),
    ("totals of all", "/billing/ledger/totals/"),
    ("totals of the largest tenant", "/billing/ledger/totals/?organization={largest}"),
    ("totals of a month", "/billing/ledger/totals/?month={month}"),
    ("totals, nobody stands for it", "/billing/ledger/totals/?outside=unexplained"),
    ("balances by days left", "/billing/balances/"),
    ("balances by days left, end", "/billing/balances/?sort=-days7"),
    ("balances by balance", "/billing/balances/?sort=balance"),
    ("balances under 7 days", "/billing/balances/?days7=7"),
    ("balances, empty", "/billing/balances/?balance=empty"),
]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--place", type=Path, default=database.PLACE, help="folder of the server (var/bench)")
    parser.add_argument("--rounds", type=int, default=5, help="times that each page is asked for (5)")
    options = parser.parse_args()
    from backoffice.embedded import EmbeddedPostgres

    with EmbeddedPostgres(options.place) as server:
        if not server.has_database(database.NAME):
            raise SystemExit("There is no such database: run bench/generate.py first.")
        database.point_django_at(server)
        measure(server, options.rounds)


def measure(server, rounds):
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from backoffice import schema

    schema.apply_all(server, database.NAME)
    call_command("migrate", verbosity=0)
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    client = signed_in("Finance")
    with connection.cursor() as cursor:
        for name in ("organizations", "credit_transactions", "usage_logs", "call_logs"):
            cursor.execute(f"select count(*) from {name}")
            print(f"{name:<32}{cursor.fetchone()[0]:>12,} rows")
        cursor.execute(
            "select organization_id, to_char(now() - interval '40 days', 'YYYY-MM') from credit_transactions"
            " group by 1 order by count(*) desc limit 1"
        )
        largest, month = cursor.fetchone()
    measure_spending()
    for name, url in PAGES:
        url = url.format(largest=largest, month=month)
        ask(client, url)  # plans, and what the first one reads from disk
        times = [ask(client, url) for _ in range(rounds)]
        print(f"{name:<32}{statistics.median(times):>12,.0f} ms", flush=True)


def measure_spending():
    from tenants import forecast

    for label in ("spending, first look", "spending, second look"):
        began = time.perf_counter()
        run = forecast.refresh(timeout="10min")
        print(f"{label:<32}{time.perf_counter() - began:>12.2f} s for {run.tenants:,} tenants that spent")


def ask(client, url):
    began = time.perf_counter()
    response = client.get(url)
    milliseconds = (time.perf_counter() - began) * 1000
    assert response.status_code == 200, (url, response.status_code)
    return milliseconds


if __name__ == "__main__":
    main()
