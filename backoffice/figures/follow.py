"""Keeps the figures in step with the platform's rows.

`count_day` counts a day again and adds what differs; all else decides which. New rows are found by their time, with an
overlap for transactions that commit late; changes, deletions and rows with other times by the marks of triggers
(db/figures.sql); what neither saw, by a comparison of everything in the night. One process at a time writes.
"""

from collections import defaultdict

from django.db import connection, transaction

from backoffice.background import alone
from backoffice.figure_models import FigureState, Source
from backoffice.figures import periods
from backoffice.figures.sources import FIRST, KEYS, KINDS, LAST, SUMS, counted

OVERLAP, FAR_OVERLAP = "1 minute", "1 hour"
FAR_EVERY, COMPARE_EVERY = "10 minutes", "20 hours"
DAYS_AT_ONCE = 20
MARKS_AT_ONCE = 1000
FOLLOWER = 7_310_226_003  # of the process that follows
NO_DAY = "-infinity"

# What the raw rows of a day say now, less what the figures say, is added to the figures.
ADD = f"""
with fresh as materialized ({{counted}}),
known as materialized (
  select {", ".join((*KEYS, *SUMS))} from backoffice_figure
  where source = %(source)s and day = %(day)s::date {{narrowed}}),
difference as materialized (
  select {", ".join(KEYS)}, {", ".join(f"sum({name}) as {name}" for name in SUMS)}
  from (select * from fresh
        union all select {", ".join(KEYS)}, {", ".join(f"-{name}" for name in SUMS)} from known) d
  group by {", ".join(KEYS)}
  having {" or ".join(f"sum({name}) <> 0" for name in SUMS)}),
by_tenant as (
  insert into backoffice_figure (source, day, {", ".join((*KEYS, *SUMS))})
  select %(source)s, %(day)s::date, {", ".join((*KEYS, *SUMS))} from difference
  on conflict (source, day, tenant_id, channel, model, bucket) do update set
    {", ".join(f"{name} = backoffice_figure.{name} + excluded.{name}" for name in SUMS)}),
by_day as (
  insert into backoffice_dayfigure (source, day, channel, model, bucket, {", ".join(SUMS)})
  select %(source)s, %(day)s::date, channel, model, bucket, {", ".join(f"sum({name})" for name in SUMS)}
  from difference group by channel, model, bucket
  on conflict (day, source, channel, model, bucket) do update set
    {", ".join(f"{name} = backoffice_dayfigure.{name} + excluded.{name}" for name in SUMS)})
select (select coalesce(sum(rows), 0)::bigint from fresh), (select count(*) from difference),
  (select count(*) from difference where rows < 0)
"""
DROP_EMPTY = "delete from {table} where source = %(source)s and day = %(day)s::date and rows = 0"
# The sums over all tenants, should they differ from those of the tenants.
CORRECT_DAY = f"""
with known as materialized (
  select {", ".join((*KEYS[1:], *SUMS))} from backoffice_dayfigure
  where source = %(source)s and day = %(day)s::date),
difference as materialized (
  select {", ".join(KEYS[1:])}, {", ".join(f"sum({name}) as {name}" for name in SUMS)}
  from (select {", ".join((*KEYS[1:], *SUMS))} from backoffice_figure
        where source = %(source)s and day = %(day)s::date
        union all select {", ".join(KEYS[1:])}, {", ".join(f"-{name}" for name in SUMS)} from known) d
  group by {", ".join(KEYS[1:])}
  having {" or ".join(f"sum({name}) <> 0" for name in SUMS)})
insert into backoffice_dayfigure (source, day, {", ".join((*KEYS[1:], *SUMS))})
select %(source)s, %(day)s::date, {", ".join((*KEYS[1:], *SUMS))} from difference
on conflict (day, source, channel, model, bucket) do update set
  {", ".join(f"{name} = backoffice_dayfigure.{name} + excluded.{name}" for name in SUMS)}
"""
# Tenants with usage, calls or conversations on a day.
COUNT_ACTIVE = """
insert into backoffice_dayfigure (source, day, channel, model, bucket, rows, quantity, cost, failed, odd)
select 'active', %(day)s::date, '', '', 0, count(distinct f.tenant_id), 0, 0, 0, 0
from backoffice_figure f join public.organizations o on o.id = f.tenant_id
where f.source in ('usage', 'call', 'conversation') and f.day = %(day)s::date
on conflict (day, source, channel, model, bucket) do update set rows = excluded.rows
where backoffice_dayfigure.rows <> excluded.rows
"""
# The days, and tenants, of rows that say they are of a time that was not looked at yet.
NEW = """
select distinct figures.day({time})::text, {tenant} from {table}
where coalesce({time}, '-infinity') >= %(since)s and coalesce({time}, '-infinity') < %(until)s and {where}
"""
LOOK = f"""
select clock_timestamp(),
  case when f.far then coalesce(s.looked_far_at, s.caught_up_at) - interval '{FAR_OVERLAP}'
       else s.caught_up_at - interval '{OVERLAP}' end,
  clock_timestamp() + interval '31 seconds', f.far
from backoffice_figurestate s
cross join lateral (
  select coalesce(s.looked_far_at < clock_timestamp() - interval '{FAR_EVERY}', true) as far) f
where s.source = %(source)s
  and (%(seconds)s = 0 or coalesce(s.caught_up_at <= clock_timestamp() - make_interval(secs => %(seconds)s), true))
"""


def query(sql, params=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else []


def follow():
    """One round: go on building, else catch up. Returns whether there is more to do now."""
    with alone(FOLLOWER) as mine:
        if not mine:
            return False
        # Those that come meanwhile are left to the next round: with a busy platform there would be no end.
        ((last,),) = query("select coalesce(max(id), 0) from figures.mark")
        while take_up_marks(last):
            pass
        more = [follow_source(state) for state in FigureState.objects.order_by("source")]
        if not any(more):
            periods.refresh()
        return any(more)


def follow_source(state):
    if state.built_at is None:
        return build_some(state)
    catch_up(state.source)
    if query(
        """select true from backoffice_figurestate
           where source = %s and position is null and compared_at < now() - %s::interval""",
        [state.source, COMPARE_EVERY],
    ):
        begin_comparison(state.source)
    state.refresh_from_db()
    return state.position is not None and build_some(state)


@transaction.atomic
def count_day(source, day, tenants=None, *, correct=False):
    """Counts a day (text, as SQL has it) again, of all tenants or of these (ids). Returns the number of raw rows.

    `correct`: also compares the sums over all tenants with those of the tenants.
    """
    kind, of_no_day = KINDS[source], day == NO_DAY
    narrowed = tenants is not None and kind.by_tenant and not of_no_day
    params = {"source": source, "day": day, "tenants": list(tenants or ())}
    statement = ADD.format(
        counted=counted(kind, of_no_day=of_no_day, of_tenants=narrowed),
        narrowed="and tenant_id = any (%(tenants)s)" if narrowed else "",
    )
    query("set local statement_timeout = '5min'")  # nobody waits for it
    ((rows, differ, less),) = query(statement, params)
    if correct:
        query(CORRECT_DAY, params)
    if less or correct:
        query(DROP_EMPTY.format(table="backoffice_figure"), params)
        query(DROP_EMPTY.format(table="backoffice_dayfigure"), params)
    if (differ or correct) and not of_no_day:
        query(COUNT_ACTIVE, params)
    if differ:
        FigureState.objects.filter(source=source).update(changed_at=periods.database_time())
    return rows


def catch_up(source):
    """Take up what happened since the last look; a minute is looked at again each time, an hour every ten minutes."""
    kind = KINDS[source]
    looks = query(LOOK, {"source": source, "seconds": kind.seconds})
    for moment, since, until, is_far in looks:
        if kind.has_time:
            statement = NEW.format(
                time=kind.time,
                tenant=kind.tenant if kind.by_tenant else "null::uuid",
                table=kind.table,
                where=kind.where,
            )
            found = query(statement, {"since": since, "until": until})
            count_days((source, day, tenant) for day, tenant in found)
        moments = {"caught_up_at": moment, **({"looked_far_at": moment} if is_far else {})}
        FigureState.objects.filter(source=source).update(**moments)


def count_days(found):
    """Counts each day of [(source, day, tenant or None for all of them)]."""
    wanted = defaultdict(set)
    for source, day, tenant in found:
        wanted[source, day].add(tenant)
    for (source, day), tenants in wanted.items():
        count_day(source, day, None if None in tenants else tenants)


@transaction.atomic
def take_up_marks(last):
    """The oldest marks up to this id: the days that they name are counted again. Returns whether there were any."""
    marks = query(
        """delete from figures.mark where id in (
             select id from figures.mark where id <= %s order by id limit %s) returning source, day::text, tenant_id""",
        [last, MARKS_AT_ONCE],
    )
    for source in {source for source, day, _ in marks if day is None}:  # a table was emptied
        begin_comparison(source)
    count_days(mark for mark in marks if mark[1] is not None)
    return bool(marks)


def begin_comparison(source, *, anew=False):
    """Everything of a source will be counted again, some days at a time; `anew`: it counts as not built until then."""
    table = KINDS[source].table
    ((total,),) = query(
        "select greatest(reltuples, 0)::bigint from pg_class where oid = %s::regclass", [table]
    )
    query(
        """update backoffice_figurestate set position = '9999-01-01', done = 0, total = %s,
             built_at = case when %s then null else built_at end,
             caught_up_at = coalesce(caught_up_at, clock_timestamp())
           where source = %s""",
        [total, anew, source],
    )


def build_some(state):
    """Count the next days of those that are to be counted, newest first. Returns whether there are more."""
    if state.position is None:
        begin_comparison(state.source, anew=True)
        state.refresh_from_db()
    for _ in range(DAYS_AT_ONCE):
        day = next_day(state.source, state.position)
        rows = count_day(state.source, NO_DAY if day is None else str(day), correct=True)
        state.done += rows
        if day is None:
            query(
                """update backoffice_figurestate set position = null, done = %s, total = %s,
                     compared_at = clock_timestamp(), built_at = coalesce(built_at, clock_timestamp())
                   where source = %s""",
                [state.done, state.done, state.source],
            )
            catch_up(state.source)
            return False
        state.position, state.total = day, max(state.total, state.done)
        state.save(update_fields=["position", "done", "total"])
    return True


def next_day(source, before):
    """The newest day before this one of which there are rows or figures; None if there is none."""
    kind = KINDS[source]
    ((day,),) = query(
        f"""
        select greatest(
          (select (coalesce({kind.time}, '-infinity') at time zone 'UTC')::date from {kind.table}
           where coalesce({kind.time}, '-infinity') < %(before)s::date::timestamp at time zone 'UTC'
             and coalesce({kind.time}, '-infinity') >= '{FIRST}'::timestamptz
             and coalesce({kind.time}, '-infinity') < '{LAST}'::timestamptz
           order by coalesce({kind.time}, '-infinity') desc limit 1),
          (select max(day) from backoffice_figure
           where source = %(source)s and day < %(before)s::date and day > '-infinity'),
          (select max(day) from backoffice_dayfigure
           where source = %(source)s and day < %(before)s::date and day > '-infinity'))
        """,
        {"source": source, "before": before},
    )
    return day


SOURCES = tuple(source for source in Source if source in KINDS)
