"""What a tenant used, by day in the reader's zone."""

import datetime
from dataclasses import dataclass
from decimal import Decimal

from django.utils import timezone

from tenants.desk.together import read_together

DAYS = 30
USED = """
select (created_at at time zone %(zone)s)::date, count(*), sum(tokens_used::bigint),
  sum(cost_usd) filter (where cost_usd <> 'NaN'), count(*) filter (where tokens_used > 0 and coalesce(cost_usd, 0) = 0)
from usage_logs
where organization_id = %(id)s and coalesce(created_at, '-infinity') >= %(since)s
  and coalesce(created_at, '-infinity') < %(until)s
group by 1
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


def usage_read(organization):
    """The statement that reads the usage of the days shown, and its parameters."""
    today = timezone.localdate()
    return USED, {
        "id": organization.pk,
        "zone": timezone.get_current_timezone_name(),
        "since": midnight(first_day(today)),
        "until": midnight(today + datetime.timedelta(days=1)),
    }


def usage_from(rows):
    first = first_day(timezone.localdate())
    found = {
        date: Day(date, records, tokens or 0, cost or Decimal(0), unpriced)
        for date, records, tokens, cost, unpriced in rows
    }
    days = [first + datetime.timedelta(days=number) for number in range(DAYS)]
    return Usage([found.get(day, Day(day)) for day in days])


def usage_of(organization):
    (rows,) = read_together([usage_read(organization)])
    return usage_from(rows)


def first_day(today):
    return today - datetime.timedelta(days=DAYS - 1)


def midnight(day):
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))
