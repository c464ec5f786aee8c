"""One tenant's sums over any time, right to the second, and as quick for the largest tenant as for a small one.

Whole past days come out of the kept figures, what is left at both ends out of the platform's rows. Where the figures
cannot be relied on (they were not counted yet, or nobody takes up changes), all of it comes out of the rows.
"""

import datetime
from dataclasses import dataclass

from django.db import connection

from backoffice.figure_models import Source
from backoffice.figures.sources import KINDS, SUMS

DAY = datetime.timedelta(days=1)
# Marks that wait for longer than this say that no worker follows.
WAITING = "2 minutes"
# Rows may commit a little late: the day on which the figures were last brought up to date is not relied on.
STATE = f"""
select clock_timestamp(), case when bool_and(built_at is not null) and not exists (
    select from (select at from figures.mark order by id limit 1) oldest
    where at < clock_timestamp() - interval '{WAITING}')
  then ((min(caught_up_at) - interval '1 minute') at time zone 'UTC')::date end
from backoffice_figurestate where source in ('{Source.USAGE}', '{Source.CALL}')
"""


@dataclass(frozen=True)
class Kept:
    """The database's time, and the day (UTC) before which the figures of usage and calls are right; None: of no day."""

    now: datetime.datetime
    until: datetime.date | None

    def window(self, since, until, prefix=""):
        """Parameters of sums_between() for since <= time < until.

        The days first <= day < past are in the figures; what lies before first_at and from past_at on is in the rows.
        """
        first = past = until.astimezone(datetime.UTC).date()
        if self.until:
            first = (since - datetime.timedelta(microseconds=1)).astimezone(datetime.UTC).date() + DAY
            past = max(first, min(self.until, self.now.date(), past))
        values = {"since": since, "until": until, "first": first, "past": past}
        values |= {"first_at": min(midnight(first), until), "past_at": max(midnight(past), since)}
        return {f"{prefix}{name}": value for name, value in values.items()}


def kept(using=connection):
    with using.prepared_cursor() as cursor:
        cursor.execute(STATE)
        return Kept(*cursor.fetchone())


def midnight(day):
    return datetime.datetime.combine(day, datetime.time.min, datetime.UTC)


def of_figures(source, columns="", sums=SUMS, prefix=""):
    """A query of the figures of the days of a window of the tenant %(id)s."""
    return f"""
select {columns} {", ".join(sums)} from backoffice_figure
where source = '{source}' and tenant_id = %(id)s and day >= %({prefix}first)s and day < %({prefix}past)s"""


def of_rows(source, since, until, columns="", sums=SUMS):
    """A query of the same sums over the rows of the tenant %(id)s since <= time < until (SQL)."""
    kind = KINDS[source]
    expressions = {"rows": "count(*)"} | {name: getattr(kind, name) for name in SUMS[1:]}
    return f"""
select {columns} {", ".join(f"{expressions[name]} as {name}" for name in sums)} from {kind.table}
where organization_id = %(id)s
  and coalesce({kind.time}, '-infinity') >= {since} and coalesce({kind.time}, '-infinity') < {until}"""


def sums_between(source, *sums, prefix=""):
    """A query of one row: these SUMS (NULL where there is nothing) of the tenant %(id)s in a window (Kept.window)."""
    before = of_rows(source, f"%({prefix}since)s", f"%({prefix}first_at)s", sums=sums)
    after = of_rows(source, f"%({prefix}past_at)s", f"%({prefix}until)s", sums=sums)
    return f"""
select {", ".join(f"sum({name}) as {name}" for name in sums)} from (
  {of_figures(source, sums=sums, prefix=prefix)}
  union all ({before})
  union all ({after})) parts"""
