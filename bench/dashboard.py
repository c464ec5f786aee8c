"""Measures the dashboard on 2,000,000 usage records and 500,000 calls.

    python bench/generate.py --place var/bench-figures --tenants 2000 --agents 4000 --usage 2000000 --calls 500000 \\
        --sessions 200000 --messages 400000 --chats 10000 --numbers 2000 --trunks 200 --postings 20000 --changes 2000
    python bench/dashboard.py --place var/bench-figures        # --rounds, --rebuild, --pages-only

Counts the figures first, if they are not there (and the list of conversations, which takes minutes). Then asks the
real pages through Django's test client (middleware, templates, role `backoffice` and all; no network) as a manager.
Prints milliseconds, the number of queries, and the ratio to the bare SQL: the same sums by day over the raw rows, over
psycopg.
At the end, how long a round takes that finds a new record. What all of it costs the platform's inserts is measured by
bench/inserts.py.
"""

import argparse
import statistics
import time
from pathlib import Path

import database  # first: it puts the project on the path

PLACE = database.ROOT / "var" / "bench-figures"
WANTED_MS = 50
PAGES = [
    ("dashboard, 30 days", "/", 30),
    ("figures, 7 days", "/figures/?days=7", 7),
    ("figures, 30 days", "/figures/", 30),
    ("figures, 90 days", "/figures/?days=90", 90),
    ("figures, 30 days, top tenant", "/figures/?organization={tenant}", 30),
    ("figures, 30 days, one channel", "/figures/?channel=voice", 30),
]
# What somebody would write by hand for the tiles alone: sums by day of the period and the one before.
BARE = """
select 'usage', (created_at at time zone 'UTC')::date, count(*), sum(tokens_used::bigint),
  sum(cost_usd) filter (where cost_usd <> 'NaN'), 0
from public.usage_logs where {span} group by 2
union all
select 'call', (created_at at time zone 'UTC')::date, count(*), sum(duration_seconds::bigint),
  sum(cost) filter (where cost <> 'NaN'), count(*) filter (where status in ('failed', 'busy'))
from public.call_logs where {span} group by 2
union all
select 'active', null, count(distinct organization_id), 0, 0, 0 from (
  select organization_id from public.usage_logs where {span}
  union select organization_id from public.call_logs where {span}) o
"""
SPAN = """coalesce(created_at, '-infinity') >= current_date - make_interval(days => 2 * {days} - 1)
  and coalesce(created_at, '-infinity') < current_date + 1 {narrowed}"""
INSERT = """
insert into public.usage_logs (agent_id, organization_id, tokens_used, created_at)
select id, organization_id, 100, clock_timestamp() from public.agents limit 200"""


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--place", type=Path, default=PLACE, help="folder of the server")
    parser.add_argument("--rounds", type=int, default=15, help="times that each page is asked for (15)")
    parser.add_argument("--pages-only", action="store_true", help="no round")
    parser.add_argument(
        "--rebuild", action="store_true", help="count everything again, and say how long it takes"
    )
    return parser.parse_args()


def main():
    options = arguments()
    from backoffice.embedded import EmbeddedPostgres

    with EmbeddedPostgres(options.place) as server:
        if not server.has_database(database.NAME):
            raise SystemExit("There is no such database: run bench/generate.py first (see --help).")
        database.point_django_at(server)
        prepare(server)
        build(options)
        with server.connect(database.NAME) as owner:
            owner.execute("set search_path = backoffice, public")
            owner.execute("vacuum (analyze) backoffice.backoffice_figure, backoffice.backoffice_dayfigure")
            tell_sizes(owner)
            measure_pages(owner, options.rounds)
            if options.pages_only:
                return
            measure_round(owner)


def prepare(server):
    from django.conf import settings
    from django.core.management import call_command

    from backoffice import schema

    schema.apply_all(server, database.NAME)
    call_command("migrate", verbosity=0)
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"


def build(options):
    from django.core.management import call_command

    from agents.conversations import index
    from backoffice.models import FigureState

    if index.state().built_at is None:
        call_command("index_conversations", processes=1)
    if options.rebuild or FigureState.objects.filter(built_at=None).exists():
        began = time.monotonic()
        call_command("refresh_figures", rebuild=options.rebuild, verbosity=0)
        print(f"Counted in {time.monotonic() - began:.0f} s.")
    else:
        call_command("refresh_figures", verbosity=0)


def tell_sizes(owner):
    rows = owner.execute(
        """select relname, reltuples::bigint, pg_size_pretty(pg_table_size(oid)), pg_size_pretty(pg_indexes_size(oid))
           from pg_class where oid in ('public.usage_logs'::regclass, 'public.call_logs'::regclass,
             'backoffice.agents_conversation'::regclass, 'backoffice.backoffice_figure'::regclass,
             'backoffice.backoffice_dayfigure'::regclass) order by 2 desc"""
    ).fetchall()
    for name, count, size, indexes in rows:
        print(f"{name:<22}{count:>12,} rows, {size}, its indexes {indexes}")
    print()


def signed_in():
    from django.test import Client

    from backoffice.models import User
    from backoffice.testing import make_user

    user = User.objects.filter(email="manager@bench.test").first() or make_user(
        "manager", email="manager@bench.test"
    )
    client = Client()
    client.force_login(user)
    return client


def measure_pages(owner, rounds):
    from django.db import connection

    client = signed_in()
    (tenant,) = owner.execute(
        "select organization_id from public.usage_logs group by 1 order by count(*) desc limit 1"
    ).fetchone()
    print(f"{'page':<34}{'ms':>7}{'queries':>9}{'KB':>6}{'bare SQL':>10}{'ratio':>8}")
    for label, address, days in PAGES:
        url = address.format(tenant=tenant)
        queries = []

        def counted(execute, sql, *rest, queries=queries):
            queries.append(sql)
            return execute(sql, *rest)

        with connection.execute_wrapper(counted):
            response = client.get(url)
        assert response.status_code == 200, (url, response.status_code)
        page = median(lambda url=url: client.get(url), rounds)
        narrowed = f"and organization_id = '{tenant}'" if "{tenant}" in address else ""
        statement = BARE.format(span=SPAN.format(days=days, narrowed=narrowed))
        bare = median(lambda statement=statement: owner.execute(statement).fetchall(), max(3, rounds // 5))
        late = "" if page < WANTED_MS else f"  more than {WANTED_MS} ms"
        print(
            f"{label:<34}{page:>7.1f}{len(queries):>9}{len(response.content) / 1024:>6.0f}{bare:>10.0f}"
            f"{page / bare:>8.2f}{late}"
        )
    print()


def measure_round(owner):
    """A round that finds usage of now, and one that finds nothing new."""
    from backoffice.figures import follow

    owner.execute(INSERT)
    began = time.perf_counter()
    follow.follow()
    some = time.perf_counter() - began
    print(f"A round with 200 new usage records of 200 agents: {1000 * some:.0f} ms; the next: ", end="")
    print(f"{median(follow.follow, 3):.0f} ms.")
    owner.execute("delete from public.usage_logs where id in (select id from public.usage_logs"
                  " order by coalesce(created_at, '-infinity') desc limit 200)")  # fmt: skip
    follow.follow()


def median(ask, rounds):
    """Milliseconds of the middle one, after two that warm up."""
    found = []
    for number in range(rounds + 2):
        began = time.perf_counter()
        ask()
        if number >= 2:
            found.append(1000 * (time.perf_counter() - began))
    return statistics.median(found)


if __name__ == "__main__":
    main()
