"""Measures the reconciliation of all tenants on the database of bench/generate.py, against the bare SQL of its sums.

    python bench/generate.py --postings 400000 --usage 2000000
    python bench/reconcile.py               # var/bench; --rounds, --place

The first run settles the generated usage and calls up to the day before yesterday, month by month, which adds about
600,000 postings (1,000,000 ledger rows in all); some rows then come late, and some are settled at another cost. Prints
the seconds of a check as the command does it (settlement on), and their ratio to the bare SQL: balances against sums
of the ledger, and usage against what is settled, summed up per organization.
"""

import argparse
import statistics
import time
from pathlib import Path

import database  # first: it puts the project on the path

TARGET_SECONDS = 5
FIRST_DAY = "2000-01-01"

PREPARE = [
    "set session_replication_role = replica",
    "set search_path = public",
    """
    create temporary table worth as
    select r.*, least((date_trunc('month', day) + interval '1 month - 1 day')::date,
                      (now() at time zone 'UTC')::date - 2) as month
    from (
      select 'usage' as source, id, organization_id, tokens_used as tokens, cost_usd as cost,
        (created_at at time zone 'UTC')::date as day from usage_logs where cost_usd > 0
      union all
      select 'call', id, organization_id, null, cost, (created_at at time zone 'UTC')::date
      from call_logs where cost > 0) r
    where day < (now() at time zone 'UTC')::date - 1 and hashtext(id::text) % 10000 <> 0  -- the rest comes late
    """,
    """
    insert into billing.settlement_day (day, usage_rate, call_rate, with_estimates, finished_at, actor)
    select distinct month, 1, 1, false, now(), 'Generated' from worth
    """,
    """
    create temporary table owed as
    select row_number() over (order by month, organization_id) as id, organization_id, month,
      coalesce(sum(cost) filter (where source = 'usage'), 0) as usage,
      coalesce(sum(cost) filter (where source = 'call'), 0) as calls, round(sum(cost), 2) as amount
    from worth group by organization_id, month
    """,
    """
    insert into billing.settlement (id, organization_id, organization_name, day, usage_cost, call_cost, estimated_cost,
                                    late_cost, amount, transaction_id)
    overriding system value
    select id, organization_id, 'Generated', month, usage, calls, 0, 0, amount,
      case when amount <> 0 then 10000000 + id end from owed
    """,
    "create index on owed (organization_id, month)",
    "analyze owed",
    """
    insert into billing.settled_row (settlement_id, source, row_id, organization_id, day, cost, total,
                                     tokens, is_estimated, is_late)
    select o.id, w.source, w.id, w.organization_id, w.day, w.cost, w.cost, w.tokens, false, false
    from worth w join owed o on o.organization_id = w.organization_id and o.month = w.month
    order by o.id  -- as settlements come
    """,
    """
    insert into credit_transactions (id, organization_id, organization_name, amount, balance_after, kind, reason, actor,
                                     idempotency_key, db_role, created_at)
    overriding system value
    select 10000000 + o.id, o.organization_id, 'Generated', -o.amount,
      coalesce(nullif(g.credits_balance, 'NaN'), 0)
        - sum(o.amount) over (partition by o.organization_id order by o.id),
      'settlement', 'Generated', 'Generated', 'settlement:' || o.id, 'backoffice', now()
    from owed o join organizations g on g.id = o.organization_id where o.amount <> 0
    """,
    """
    update organizations g set credits_balance = coalesce(nullif(g.credits_balance, 'NaN'), 0) - o.amount
    from (select organization_id, sum(amount) as amount from owed group by organization_id) o
    where o.organization_id = g.id
    """,
    "update usage_logs set cost_usd = cost_usd + 0.01 where hashtext(id::text) % 20000 = 1 and cost_usd > 0",
    "vacuum (analyze) usage_logs, organizations, credit_transactions, billing.settlement, billing.settled_row",
]

BARE = """
select count(*) from organizations o
full join (select organization_id, sum(amount) as total from credit_transactions group by 1) l
  on l.organization_id = o.id
where coalesce(o.credits_balance, 0) is distinct from coalesce(l.total, 0);
select count(*) from (
  select organization_id, sum(cost) as cost from (
    select organization_id, cost_usd as cost from usage_logs union all select organization_id, cost from call_logs) r
  group by 1) u
full join (select organization_id, sum(usage_cost + call_cost) as cost from billing.settlement group by 1) s
  using (organization_id)
where u.cost is distinct from s.cost;
"""


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--place", type=Path, default=database.PLACE, help="folder of the server (var/bench)")
    parser.add_argument("--rounds", type=int, default=5, help="checks that are timed (5)")
    return parser.parse_args()


def main():
    options = arguments()
    from backoffice.embedded import EmbeddedPostgres

    with EmbeddedPostgres(options.place) as server:
        if not server.has_database(database.NAME):
            raise SystemExit("There is no such database: run bench/generate.py first.")
        database.point_django_at(server)
        prepare(server)
        measure(server, options.rounds)


def prepare(server):
    from django.core.management import call_command

    from backoffice import schema

    schema.apply_all(server, database.NAME)
    call_command("migrate", verbosity=0)
    with server.connect(database.NAME) as owner:
        if owner.execute("select exists (select from billing.settlement)").fetchone()[0]:
            return
        began = time.monotonic()
        for statement in PREPARE:
            owner.execute(statement)
        print(f"Settled what was generated in {time.monotonic() - began:.0f} s.")


def measure(server, rounds):
    from django.conf import settings
    from django.utils.dateparse import parse_date

    from billing.reconciliation.check import checking

    settings.SETTLEMENT_FROM = parse_date(FIRST_DAY)
    with server.connect(database.NAME) as owner:
        print_sizes(owner)
        totals, bares = [], []
        for _ in range(rounds):
            began = time.perf_counter()
            with checking() as check:
                result = check.run()
            totals.append(time.perf_counter() - began)
            began = time.perf_counter()
            owner.execute(BARE)
            bares.append(time.perf_counter() - began)
            print(f"{totals[-1]:6.2f} s, bare SQL {bares[-1]:.2f} s", flush=True)
    seconds, bare = statistics.median(totals), statistics.median(bares)
    print(f"\nFound: {dict(sorted(result.found.items()))}, drift: {result.drift}")
    print(
        f"Median {seconds:.2f} s (wanted: under {TARGET_SECONDS}); bare SQL {bare:.2f} s, ratio {seconds / bare:.1f}."
    )


def print_sizes(owner):
    for table in (
        "organizations",
        "credit_transactions",
        "usage_logs",
        "call_logs",
        "billing.settlement",
        "billing.settled_row",
    ):
        (count,) = owner.execute(f"select count(*) from {table}").fetchone()
        print(f"{table:<22}{count:>12,} rows")


if __name__ == "__main__":
    main()
