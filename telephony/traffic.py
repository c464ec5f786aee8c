"""Calls of numbers: the last one, and how many there were, by days in the reader's time zone.

A call without a time, or of a time to come, counts in no span: a list of calls, opened for it, has the same rows.
"""

import datetime
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.urls import reverse
from django.utils import timezone

from backoffice.charts import Bar
from backoffice.keyset import Total
from backoffice.replicas.choice import reading
from telephony.models import CallLog

DAYS = 30
MOST = 1000  # calls of a number in a list of many; counting stops after them
FAILED = (CallLog.Status.FAILED, CallLog.Status.BUSY)
MOMENT = "coalesce(created_at, '-infinity')"
BY_DAY = f"""
select (created_at at time zone %(zone)s)::date as day, count(*), sum(greatest(duration_seconds, 0)),
       count(*) filter (where status = any (%(failed)s))
from call_logs where phone_number_id = %(number)s and {MOMENT} >= %(since)s and {MOMENT} < %(until)s group by 1
"""
OF_NUMBERS = f"""
select n.id, l.created_at, l.id, (
  select count(*) from (
    select from call_logs where phone_number_id = n.id and {MOMENT} >= %(since)s and {MOMENT} < %(until)s
    limit {MOST + 1}) calls)
from unnest(%(numbers)s::uuid[]) n (id)
left join lateral (
  select id, created_at from call_logs where phone_number_id = n.id order by {MOMENT} desc, id desc limit 1) l on true
"""


@dataclass(frozen=True)
class Span:
    """Days and what was called in them. `minutes` are those recorded; `url` opens the calls, `failed_url` those that
    failed or were busy.
    """

    label: str
    first: datetime.date
    last: datetime.date
    calls: int
    minutes: Decimal
    failed: int
    url: str
    failed_url: str


def start_of(day):
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))


def bounds(first, last):
    return {"since": start_of(first), "until": start_of(last + datetime.timedelta(days=1))}


def traffic_of(number):
    """{spans: [Span] of the last 7 and 30 days and the 30 before, bars: [Bar] of calls of the last 30}; one query."""
    today = timezone.localdate()
    first = today - datetime.timedelta(days=2 * DAYS - 1)
    with connection.cursor() as cursor:
        values = {"zone": timezone.get_current_timezone_name(), "failed": list(FAILED), "number": number.pk}
        cursor.execute(BY_DAY, values | bounds(first, today))
        days = {day: counts for day, *counts in cursor.fetchall()}
    spans = [
        span_of(
            number,
            days,
            label,
            today - datetime.timedelta(days=since),
            today - datetime.timedelta(days=until),
        )
        for label, since, until in (
            ("Last 7 days", 6, 0),
            (f"Last {DAYS} days", DAYS - 1, 0),
            (f"The {DAYS} days before", 2 * DAYS - 1, DAYS),
        )
    ]
    shown = [today - datetime.timedelta(days=n) for n in reversed(range(DAYS))]
    bars = [
        Bar(
            f"{day.day} {day:%b}",
            days.get(day, (0,))[0],
            calls_url(number, day, day),
            is_partial=day == today,
        )
        for day in shown
    ]
    return {"spans": spans, "bars": bars}


def calls_url(number, first, last):
    return f"{reverse('telephony:calllog_list')}?phone_number={number.pk}&since={first}&until={last}"


def span_of(number, days, label, first, last):
    found = [counts for day, counts in days.items() if first <= day <= last]
    url = calls_url(number, first, last)
    return Span(
        label=label,
        first=first,
        last=last,
        calls=sum(calls for calls, _, _ in found),
        minutes=Decimal(sum(seconds or 0 for _, seconds, _ in found)) / 60,
        failed=sum(failed for _, _, failed in found),
        url=url,
        failed_url=f"{url}&problem=failed",
    )


def traffic_of_many(numbers):
    """{id of a number: (time of its last call, id of that call, Total of calls in the last DAYS days)}; one query."""
    today = timezone.localdate()
    values = bounds(today - datetime.timedelta(days=DAYS - 1), today) | {
        "numbers": [row.pk for row in numbers]
    }
    with reading().cursor() as cursor:
        cursor.execute(OF_NUMBERS, values)
        return {number: (at, call, total_of(calls)) for number, at, call, calls in cursor.fetchall()}


def total_of(calls):
    return Total(MOST, "at_least") if calls > MOST else Total(calls, "exact")


def since_day():
    """The first of the last DAYS days, for the address of a list of calls."""
    return timezone.localdate() - datetime.timedelta(days=DAYS - 1)
