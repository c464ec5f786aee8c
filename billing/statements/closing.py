"""Closing a month: of one organization at once, of all of them as a job."""

import csv

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from backoffice import jobs, months, services
from backoffice.models import User
from backoffice.spreadsheets import guarded
from billing.models import Statement

KIND = "close_month"
PERMISSION = "billing.close_month"


def close_month(organization_id, month, *, actor, reason):
    """Freeze a month. Returns the Statement, the stored one where the month was closed before.

    Raises ValidationError: the month is not over, the one before is open, no such organization.
    """
    with services.acting(actor, reason), connection.cursor() as cursor:
        cursor.execute("select (billing.close_month(%s, %s)).id", [organization_id, month])
        (pk,) = cursor.fetchone()
    return Statement.objects.get(pk=pk)


def to_close(month):
    """[(organization id, name)] without a statement of the month that should have one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select organization_id, organization_name from billing.organizations_to_close(%s) order by 2, 1",
            [month],
        )
        return cursor.fetchall()


def behind(month):
    """How many of those to close have closed months, and not yet the one before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from billing.organizations_to_close(%s) o"
            " where exists (select from billing.statement s where s.organization_id = o.organization_id)"
            " and not exists (select from billing.statement s where s.organization_id = o.organization_id"
            " and s.month = %s)",
            [month, months.before(month)],
        )
        return cursor.fetchone()[0]


def refuse_open_month(month):
    if months.after(month) > months.current():
        raise ValidationError(
            f"{months.name_of(month)} is not over yet: months end at midnight UTC.", code="open"
        )


def start_closing(month, *, actor, reason):
    """Queue the closing of a month for everybody. Returns the Job."""
    refuse_open_month(month)
    title = f"Closing {months.name_of(month)}"
    return jobs.start(KIND, title=title, owner=actor, month=months.slug_of(month), reason=reason)


@jobs.kind(KIND, permission="billing.view_statement", resumable=True)
def run_closing(job, progress):
    """params: month, reason. Each organization is a transaction of its own: run again, it goes on where it stopped."""
    owner = User.objects.get(pk=job.owner_id)
    if not owner.is_active or not owner.has_perm(PERMISSION):
        raise PermissionDenied("Whoever asked for this may not close months any more.")
    month = months.from_slug(job.params["month"])
    refuse_open_month(month)
    waiting = to_close(month)
    closed = refused = 0
    progress.start(len(waiting))
    job.result_path.parent.mkdir(parents=True, exist_ok=True)
    with job.result_path.open("w", encoding="utf-8", newline="") as file:
        write = csv.writer(file).writerow
        write(["outcome", "organization_id", "organization", "opening", "closing", "fingerprint", "why"])
        try:
            for pk, name in waiting:
                try:
                    made = close_month(pk, month, actor=owner, reason=job.params["reason"])
                except ValidationError as error:
                    refused += 1
                    write(["refused", pk, guarded(name), "", "", "", guarded(" ".join(error.messages))])
                else:
                    closed += 1
                    write(["closed", pk, guarded(name), made.opening, made.closing, made.sha256, ""])
                progress.step()
        finally:
            job.message = f"{closed:,} closed, {refused:,} refused."
    job.result_name = f"closing-{job.params['month']}.csv"
