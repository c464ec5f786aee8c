"""Measures the settlement of a day on the tenants of bench/generate.py, everything before it settled already.

    python bench/generate.py --tenants 2000 --agents 2000 --usage 2000000 --postings 1000000 --calls 100000
    python bench/settlement.py              # var/bench; --place, --keep

Works on a copy of that database: marks every row before yesterday as settled, then settles yesterday as `manage.py
settle` does (role `backoffice`, a hundred organizations in a transaction). Prints seconds of the dry run and of the
settlement, and their ratio to the bare SQL aggregate of the day, which posts nothing and does not know what was settled
before.
"""

import argparse
import datetime
import time
from pathlib import Path

import database  # first: it puts the project on the path

COPY = f"{database.NAME}_settlement"
TARGET_SECONDS = 10

SETTLED = [
    """
    insert into billing.settlement_day (day, usage_rate, call_rate, with_estimates, finished_at, actor)
    select d, 1, 1, false, now(), 'Generated' from generate_series(%(first)s::date, %(last)s::date, '1 day') d
    """,
    """
    insert into billing.settlement (organization_id, organization_name, day, usage_cost, call_cost, estimated_cost,
                                    late_cost, amount)
    select organization_id, 'Generated', (created_at at time zone 'UTC')::date as day, sum(cost), 0, 0, 0, 0
    from (select organization_id, created_at, cost_usd as cost from public.usage_logs where cost_usd > 0
          union all select organization_id, created_at, cost from public.call_logs where cost > 0) x
    where (created_at at time zone 'UTC')::date <= %(last)s group by 1, 3
    """,
    """
    insert into billing.settled_row (settlement_id, source, row_id, organization_id, day, cost, total, tokens,
                                     is_estimated, is_late)
    select s.id, x.source, x.id, x.organization_id, s.day, x.cost, x.cost, 0, false, false
    from (select 'usage' as source, id, organization_id, created_at, cost_usd as cost from public.usage_logs
          where cost_usd > 0
          union all select 'call', id, organization_id, created_at, cost from public.call_logs where cost > 0) x
    join billing.settlement s
      on s.organization_id = x.organization_id and s.day = (x.created_at at time zone 'UTC')::date
    """,
    "analyze",
]
BARE = """
select count(*), sum(row_count), sum(cost) from (
  select organization_id, count(*) as row_count, sum(cost) as cost from (
    select organization_id, cost_usd as cost from public.usage_logs
    where coalesce(created_at, '-infinity') >= %(begin)s and coalesce(created_at, '-infinity') < %(end)s
      and cost_usd > 0
    union all
    select organization_id, cost from public.call_logs
    where coalesce(created_at, '-infinity') >= %(begin)s and coalesce(created_at, '-infinity') < %(end)s
      and cost > 0) x
  group by organization_id) y
"""


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--place", type=Path, default=database.PLACE, help="folder of the server (var/bench)")
    parser.add_argument("--keep", action="store_true", help="leave the copy, to look at")
    return parser.parse_args()


def main():
    options = arguments()
    from backoffice.embedded import EmbeddedPostgres

    with EmbeddedPostgres(options.place) as server:
        if not server.has_database(database.NAME):
            raise SystemExit("There is no such database: run bench/generate.py first.")
        server.drop_database(COPY)
        server.create_database(COPY, template=database.NAME)
        try:
            measure(server)
        finally:
            if not options.keep:
                server.drop_database(COPY)


def measure(server):
    database.point_django_at(server)
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from backoffice import schema

    settings.DATABASES["default"]["NAME"] = COPY
    yesterday = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=1)
    first = yesterday - datetime.timedelta(days=500)
    days = {"first": first, "last": yesterday - datetime.timedelta(days=1)}
    days |= {"begin": yesterday, "end": yesterday + datetime.timedelta(days=1)}
    schema.apply_all(server, COPY)
    call_command("migrate", verbosity=0)
    with server.connect(COPY) as owner:
        owner.execute("set synchronous_commit = off")
        for statement in SETTLED:
            owner.execute(statement, days if "%(" in statement else None)
        sizes = owner.execute(
            "select (select count(*) from public.credit_transactions), (select count(*) from public.usage_logs),"
            " (select count(*) from billing.settled_row)"
        ).fetchone()
        print("{:,} ledger rows, {:,} usage rows, {:,} rows settled before".format(*sizes))
        owner.execute(BARE, days)
        bare, (organizations, rows, cost) = timed(lambda: owner.execute(BARE, days).fetchone())
    print(f"the day: {rows:,} rows of {organizations:,} organizations, {cost:,.4f} USD")
    print(f"bare SQL aggregate         {bare:8.3f} s")
    settings.SETTLEMENT_FROM = first
    try:
        settle(yesterday, cost, bare)
    finally:
        connection.close()


def settle(day, cost, bare):
    from django.contrib.auth import get_user_model

    from billing.settlement.days import settled_days
    from billing.settlement.preview import preview
    from billing.settlement.run import settle_through

    actor = get_user_model().objects.create_user(email="settlement@example.test")
    seconds, found = timed(lambda: preview(settled_days(), day))
    print(f"dry run                    {seconds:8.3f} s  {seconds / bare:8.1f}x")
    assert found.usage_cost + found.call_cost == cost, found
    seconds, done = timed(lambda: settle_through(day, actor=actor, reason="Benchmark"))
    print(
        f"settlement                 {seconds:8.3f} s  {seconds / bare:8.1f}x  (wanted: under {TARGET_SECONDS} s)"
    )
    assert (done.amount, done.settlements) == (found.amount, found.settlements), (done, found)
    print(done)


def timed(function):
    began = time.perf_counter()
    result = function()
    return time.perf_counter() - began, result


if __name__ == "__main__":
    main()
