"""What is counted of each source, in SQL over the raw rows; docs/dashboards.md says the same in words.

Each rule is also the filter of a list, for every figure opens the rows that it counted: change both.
"""

from dataclasses import dataclass

from backoffice.figure_models import Source

# How much longer each bucket of latencies is than the one before; a percentile is then right within 5 %.
LATENCY_STEP = 1.1
KEYS = ("tenant_id", "channel", "model", "bucket")
SUMS = ("rows", "quantity", "cost", "failed", "odd")
# A time that belongs to a day; the bounds are those of figures.day() in db/figures.sql.
FIRST, LAST = "1000-01-01 00:00+00", "9999-01-01 00:00+00"


@dataclass(frozen=True)
class Kind:
    """How the rows of a source are counted: SQL of their table, the columns of KEYS, and those of SUMS.

    `has_time` says whether new rows are found by their time; else the source marks them all. `seconds` is the pause
    between two looks. `by_tenant`: a day can be counted for some tenants only, by the index on tenant and time.
    """

    table: str
    tenant: str = "null::uuid"
    channel: str = "''"
    model: str = "''"
    bucket: str = "0::smallint"
    quantity: str = "0"
    cost: str = "0"
    failed: str = "0"
    odd: str = "0"
    time: str = "created_at"
    where: str = "true"
    has_time: bool = True
    by_tenant: bool = True
    seconds: int = 0


def recorded(column):
    """Empty texts, and the word that stands for nothing in addresses, count as nothing (backoffice/filters.py)."""
    return f"left(coalesce(nullif({column}, 'null'), ''), 200)"


def finite(column):
    return f"sum({column}) filter (where {column} > '-Infinity'::numeric and {column} < 'Infinity'::numeric)"


KINDS = {
    Source.USAGE: Kind(
        table="public.usage_logs",
        tenant="organization_id",
        channel=recorded("channel"),
        model=recorded("model_used"),
        quantity="sum(tokens_used::bigint)",
        cost=finite("cost_usd"),
        odd="count(*) filter (where cost_usd = 'NaN' or (tokens_used > 0 and coalesce(cost_usd, 0) = 0))",
    ),
    Source.CALL: Kind(
        table="public.call_logs",
        tenant="organization_id",
        quantity="sum(duration_seconds::bigint)",
        cost=finite("cost"),
        failed="count(*) filter (where status in ('failed', 'busy'))",
        odd="count(*) filter (where coalesce(duration_seconds, 0) = 0)",
    ),
    Source.CONVERSATION: Kind(
        table="backoffice.agents_conversation",
        # What several tenants share is none's own (the phone worker's session `default`).
        tenant="case when flags @> '{shared}' then null else organization_id end",
        channel=recorded("channel"),
        quantity="sum(coalesce(counted, stored)::bigint)",
        failed="count(*) filter (where flags && '{failed_start,errors}')",
        time="started_at",
        has_time=False,
    ),
    Source.TURN: Kind(
        table="public.agent_messages",
        bucket=f"floor(ln(greatest(latency_ms, 1)::float8) / ln({LATENCY_STEP}::float8))::smallint",
        quantity="sum(latency_ms::bigint)",
        where="latency_ms >= 0",
        by_tenant=False,
        seconds=15,
    ),
    Source.SIGNUP: Kind(table="public.organizations", by_tenant=False),
}


def counted(kind, *, of_no_day=False, of_tenants=False):
    """The statement that counts the rows of a day, %(day)s, or of none; of all tenants or of %(tenants)s."""
    where = [without_day(kind.time) if of_no_day else of_day(kind.time), kind.where]
    if of_tenants:  # said twice: once for the index, once for what the row counts as
        where += ["organization_id = any (%(tenants)s)", f"({kind.tenant}) = any (%(tenants)s)"]
    return f"""
select {kind.tenant} as tenant_id, {kind.channel} as channel, {kind.model} as model, {kind.bucket} as bucket,
  count(*) as rows, coalesce({kind.quantity}, 0)::bigint as quantity, coalesce({kind.cost}, 0)::numeric as cost,
  ({kind.failed})::bigint as failed, ({kind.odd})::bigint as odd
from {kind.table}
where {" and ".join(where)}
group by 1, 2, 3, 4"""


def of_day(column):
    """Rows of %(day)s in UTC, by the expression that the indexes on times are made on."""
    return (
        f"coalesce({column}, '-infinity') >= %(day)s::date::timestamp at time zone 'UTC'"
        f" and coalesce({column}, '-infinity') < (%(day)s::date + 1)::timestamp at time zone 'UTC'"
    )


def without_day(column):
    """Rows whose time is of no day: NULL, infinite, or outside the calendar that addresses can name."""
    return (
        f"(coalesce({column}, '-infinity') < '{FIRST}'::timestamptz"
        f" or coalesce({column}, '-infinity') >= '{LAST}'::timestamptz)"
    )
