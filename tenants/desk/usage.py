"""What a tenant used, by day in the reader's zone."""

import datetime
from dataclasses import dataclass
from decimal import Decimal

from django.utils import timezone

from backoffice.figure_models import Source
from backoffice.figures import tenant as figures
from backoffice.figures.tenant import of_figures, of_rows
from tenants.desk.together import read_together

DAYS = 30
SUMS = ("rows", "quantity", "cost", "odd")
LOCAL_DAY = "(created_at at time zone %(zone)s)::date as day,"
USED = f"""
select day, sum(rows)::bigint, sum(quantity)::bigint, sum(cost), sum(odd)::bigint from (
  {of_figures(Source.USAGE, "day,", SUMS)}
  union all ({of_rows(Source.USAGE, "%(since)s", "%(first_at)s", LOCAL_DAY, SUMS)} group by 1)
  union all ({of_rows(Source.USAGE, "%(past_at)s", "%(until)s", LOCAL_DAY, SUMS)} group by 1)
  {{moved}}) parts
group by 1 having sum(rows) <> 0
"""
# Days of the figures are those of UTC. The hours between midnight here and midnight in UTC belong to another day here:
# their rows go from the one to the other.
FROM_MIDNIGHT = "greatest(%(first_at)s, least(m.here, m.utc))"
TO_MIDNIGHT = "least(%(past_at)s, greatest(m.here, m.utc))"
MOVED = f"""
  union all (
  select d.day, {", ".join(f"d.sign * s.{name}" for name in SUMS)}
  from generate_series(%(first)s::date, %(past)s::date, interval '1 day') t
  cross join lateral (
    select t::date as day, t::date::timestamp at time zone %(zone)s as here,
      t::date::timestamp at time zone 'UTC' as utc) m
  cross join lateral ({of_rows(Source.USAGE, FROM_MIDNIGHT, TO_MIDNIGHT, sums=SUMS)}) s
  cross join lateral (
    values (1, m.day - (m.utc < m.here)::int), (-1, m.day - (m.here < m.utc)::int)) d (sign, day)
  where m.here <> m.utc and s.rows > 0)
"""


@dataclass(frozen=True)
class Day:
    date: datetime.date
    records: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)
    unpriced: int = 0

    @property
    def name(self):
        return f"{self.date.day} {self.date:%b}"


@dataclass(frozen=True)
class Usage:
    """The last DAYS days, today included, oldest first; days without usage too."""

    days: list

    @property
    def since(self):
        return self.days[0].date

    @property
    def records(self):
        return sum(day.records for day in self.days)

    @property
    def tokens(self):
        return sum(day.tokens for day in self.days)

    @property
    def cost(self):
        return sum(day.cost for day in self.days)

    @property
    def unpriced(self):
        return sum(day.unpriced for day in self.days)

    @property
    def token_points(self):
        return [(day.name, day.tokens) for day in self.days]

    @property
    def cost_points(self):
        return [(day.name, day.cost) for day in self.days]


def usage_read(organization, kept):
    """The statement that reads the usage of the days shown, and its parameters; `kept` is figures.tenant.kept()."""
    today, zone = timezone.localdate(), timezone.get_current_timezone_name()
    window = kept.window(midnight(first_day(today)), midnight(today + datetime.timedelta(days=1)))
    statement = USED.format(moved="" if zone == "UTC" else MOVED)
    return statement, {"id": organization.pk, "zone": zone, **window}


def usage_from(rows):
    first = first_day(timezone.localdate())
    found = {
        date: Day(date, records, tokens or 0, cost or Decimal(0), unpriced)
        for date, records, tokens, cost, unpriced in rows
    }
    days = [first + datetime.timedelta(days=number) for number in range(DAYS)]
    return Usage([found.get(day, Day(day)) for day in days])


def usage_of(organization, kept=None):
    (rows,) = read_together([usage_read(organization, kept or figures.kept())])
    return usage_from(rows)


def first_day(today):
    return today - datetime.timedelta(days=DAYS - 1)


def midnight(day):
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))
