"""Settling days: what is due is looked for once, then taken, a hundred organizations in a transaction."""

import datetime
import itertools
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from backoffice import jobs, services
from backoffice.models import Job, User
from billing.settlement.days import ONE, settled_days

KIND = "settle"
PERMISSION = "billing.settle"
ORGANIZATIONS_AT_ONCE = 100
DAYS_AT_ONCE = 31

FIND = """
select greatest(d.day, %(next)s::date) as settles, d.organization_id, array_agg(d.row_id)
from billing.due_rows(%(first)s, %(through)s, %(estimates)s) d
group by 1, 2 order by 1, 2
"""


@dataclass
class Outcome:
    """What was done. `refused` are organizations whose balance would leave the range of balances."""

    days: int = 0
    settlements: int = 0
    amount: Decimal = Decimal(0)
    refused: list = field(default_factory=list)

    def __str__(self):
        days = f"{self.days:,} day{'' if self.days == 1 else 's'}"
        text = f"{days} settled: {self.settlements:,} settlements, {self.amount:,} {settings.CREDIT_UNIT}."
        if self.refused:
            text += f" {len(self.refused):,} refused: their balance would leave the range of balances."
        return text


def settle_through(through, *, actor, reason, progress=None, outcome=None):
    """Settle every day that waits, up to `through`, in order. Returns the Outcome.

    Broken off at any place, run again or beside another one it takes every row once. Raises ValidationError if these
    days cannot be settled; `progress` (backoffice.jobs.Progress) may raise Cancelled.
    """
    outcome = Outcome() if outcome is None else outcome
    days = settled_days()
    days.refuse(through)
    if progress:
        progress.start(None)
    begin = days.next
    while begin <= through:
        end = min(through, begin + ONE * (DAYS_AT_ONCE - 1))
        due = find_due(days, begin, end)
        if progress:
            progress.start((progress.job.total or 0) + len(due))
        by_day = {day: list(found) for day, found in itertools.groupby(due, key=lambda row: row[0])}
        for number in range((end - begin).days + 1):
            settle_day(begin + ONE * number, by_day, days, outcome, actor, reason, progress)
        begin = end + ONE
    return outcome


def find_due(days, begin, end):
    """[(day of its settlement, organization, ids of rows)], in this order. Nothing is locked."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local statement_timeout = 0")
        cursor.execute(
            FIND,
            {"first": days.first, "next": begin, "through": end, "estimates": days.with_estimates},
        )
        found = cursor.fetchall()
        cursor.execute("set local statement_timeout = '15s'")
    return found


def settle_day(day, by_day, days, outcome, actor, reason, progress):
    with acting(actor, reason) as cursor:
        cursor.execute(
            "select finished_at from billing.begin_settlement(%s, %s, %s, %s)",
            [
                day, settings.SETTLEMENT_RATE, settings.SETTLEMENT_CALL_RATE, settings.SETTLEMENT_ESTIMATED,
            ],
        )  # fmt: skip
        (finished_at,) = cursor.fetchone()
    if finished_at is not None:  # another run was quicker
        return
    due = by_day.get(day, [])
    for place in range(0, len(due), ORGANIZATIONS_AT_ONCE):
        bundle = due[place : place + ORGANIZATIONS_AT_ONCE]
        rows = list(itertools.chain.from_iterable(ids for _, _, ids in bundle))
        organizations = [organization for _, organization, _ in bundle]
        with acting(actor, reason) as cursor:
            cursor.execute(
                "select * from billing.settle_rows(%s, %s, %s, %s)", [day, days.first, organizations, rows]
            )
            settled, amount, refused = cursor.fetchone()
        outcome.settlements += settled
        outcome.amount += amount
        outcome.refused += refused
        if progress:
            progress.step(len(bundle))
    with acting(actor, reason) as cursor:
        cursor.execute("select billing.finish_settlement(%s)", [day])
    outcome.days += 1


@contextmanager
def acting(actor, reason):
    """A cursor in a transaction of the actor's, with the patience that the work of a night has."""
    with services.acting(actor, reason), connection.cursor() as cursor:
        cursor.execute("set local statement_timeout = '5min'")
        cursor.execute("set local lock_timeout = '60s'")
        yield cursor


@transaction.atomic
def start(through, *, actor, reason):
    """Settle in a job; while one is at work it is that one. Raises ValidationError as settle_through does."""
    settled_days().refuse(through)
    running = Job.objects.filter(kind=KIND, status__in=("queued", "running")).order_by("created_at").first()
    return running or jobs.start(
        KIND, title=f"Settlement through {through}", owner=actor, through=str(through), reason=reason
    )


@jobs.kind(KIND, resumable=True)
def run_settlement(job, progress):
    """params: through, reason."""
    owner = User.objects.get(pk=job.owner_id)
    if not owner.is_active or not owner.has_perm(PERMISSION):
        raise PermissionDenied("The account may not settle days (any more).")
    outcome = Outcome()
    try:
        settle_through(
            datetime.date.fromisoformat(job.params["through"]),
            actor=owner,
            reason=job.params["reason"],
            progress=progress,
            outcome=outcome,
        )
    finally:
        job.message = str(outcome)
