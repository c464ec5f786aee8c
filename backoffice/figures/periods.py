"""The tenants with the most of each measure: kept for the usual periods, added up for others."""

import datetime
import json

from django.db import connection, transaction
from django.utils import timezone

from backoffice.figure_models import FigurePeriod, FigureState
from backoffice.replicas.choice import reading

PERIODS = (7, 30, 90)  # days
USE_DAYS = 30
# Seconds between two counts of a period, about as much longer as more rows are read.
REFRESH_SECONDS = {7: 30, 30: 60, 90: 300}
MOST = 10

# `t` has a row per tenant with the measures of the period, and those before under the same name with before_.
OF_TENANTS = """
with f as materialized (
  select source, tenant_id, day >= %(since)s::date as is_now, sum(rows) as rows, sum(quantity) as quantity,
    sum(cost) as cost, sum(failed) as failed
  from backoffice_figure
  where source in ('usage', 'call', 'conversation')
    and day between %(before)s::date and %(until)s::date {narrowed}
  group by 1, 2, 3),
t as materialized (
  select tenant_id, bool_or(is_now) as is_active, bool_or(not is_now) as was_active, {sums}
  from f group by tenant_id)
select json_build_object(
  'active', (select count(*) from t where is_active and exists (select from public.organizations where id = tenant_id)),
  'active_before',
    (select count(*) from t where was_active and exists (select from public.organizations where id = tenant_id)),
  'most', json_build_object({most}))::text
"""
SUMS = {
    "conversations": ("conversation", "rows"),
    "messages": ("conversation", "quantity"),
    "calls": ("call", "rows"),
    "seconds": ("call", "quantity"),
    "failed_calls": ("call", "failed"),
    "call_cost": ("call", "cost"),
    "tokens": ("usage", "quantity"),
    "cost": ("usage", "cost"),
    "usage": ("usage", "rows"),
}


def sums():
    return ", ".join(
        f"coalesce(sum({column}) filter (where source = '{source}' and {condition}), 0) as {prefix}{name}"
        for name, (source, column) in SUMS.items()
        for prefix, condition in (("", "is_now"), ("before_", "not is_now"))
    )


def most():
    return ", ".join(
        f"""'{name}', (select coalesce(json_agg(json_build_array(m.tenant_id, m.{name}::text, m.before_{name}::text)),
              '[]') from (select * from t where {name} <> 0 order by {name} desc, tenant_id limit {MOST}) m)"""
        for name in SUMS
    )


def count(since, until, channel=None):
    """What FigurePeriod.content holds, of any days and perhaps of one channel ("": none recorded)."""
    narrowed = ""
    if channel is not None:
        narrowed = (
            "and (source <> 'call' and channel = %(channel)s or source = 'call' and %(channel)s = 'phone')"
        )
    statement = OF_TENANTS.format(sums=sums(), most=most(), narrowed=narrowed)
    before = since - (until - since) - datetime.timedelta(days=1)
    params = {"since": since, "until": until, "before": before, "channel": channel}
    with reading().cursor() as cursor:
        cursor.execute(statement, params)
        return json.loads(cursor.fetchone()[0])


# Agents that answer and nobody talks to, and drafts that somebody does; the filter `use` of the list of agents.
IN_USE = """
with used as materialized (
  select agent_id from backoffice.agents_conversation
  where coalesce(started_at, '-infinity') >= %(since)s group by agent_id)
select count(*) filter (where is_published and coalesce(created_at, '-infinity') < %(since)s and u.agent_id is null),
  count(*) filter (where is_published is not true and u.agent_id is not null)
from public.agents a left join used u on u.agent_id = a.id
"""


def use_since():
    """Since when an agent counts as used: the beginning of the last 30 days (UTC)."""
    return datetime.datetime.combine(days_until(today(), USE_DAYS), datetime.time.min, datetime.UTC)


def count_use():
    with connection.cursor() as cursor:
        cursor.execute(IN_USE, {"since": use_since()})
        return dict(zip(("dead", "drafts"), cursor.fetchone(), strict=True))


def agents_in_use():
    """{"dead": …, "drafts": …} as last counted; {} before that."""
    period = FigurePeriod.objects.filter(days=USE_DAYS).only("content").first()
    return period.content.get("agents", {}) if period else {}


def database_time():
    with connection.cursor() as cursor:
        cursor.execute("select clock_timestamp()")
        return cursor.fetchone()[0]


def today():
    """The day by which figures go: that of UTC."""
    return timezone.now().astimezone(datetime.UTC).date()


def days_until(until, days):
    """The first of so many days."""
    return until - datetime.timedelta(days=days - 1)


@transaction.atomic
def refresh():
    """Counts the usual periods again where something changed (not at once each time), or a day began."""
    until, now = today(), database_time()
    known = {period.days: period for period in FigurePeriod.objects.all()}
    changes = FigureState.objects.filter(changed_at__isnull=False).values_list("changed_at", flat=True)
    changed_at = max(changes, default=None)
    for days in PERIODS:
        period = known.get(days)
        if period and period.until == until:
            age = (now - period.counted_at).total_seconds()
            if changed_at is None or changed_at <= period.counted_at or age < REFRESH_SECONDS[days]:
                continue
        with connection.cursor() as cursor:
            cursor.execute("set local statement_timeout = '5min'")  # nobody waits for it
        content = count(days_until(until, days), until)
        if days == USE_DAYS:
            content["agents"] = count_use()
        FigurePeriod.objects.update_or_create(
            days=days, defaults={"until": until, "counted_at": now, "content": content}
        )
