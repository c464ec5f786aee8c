"""From a checked file to postings: kept, decided about by a second person, posted line by line by a job."""

import hashlib
import json

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q

from backoffice import jobs, services
from backoffice.bulk import request_named
from backoffice.context import Counted
from backoffice.models import User
from billing.bulk_postings.checking import amount_of, check_lines
from billing.limits import limit_of
from billing.models import BulkPosting, BulkPostingRow

KIND = "bulk_posting"


def fingerprint(lines):
    """SHA-256 of what the lines say, whatever their order, separators and line ends are, and whatever was found."""
    rows = sorted(
        [line.organization.lower(), written(line), line.reason, line.reference, line.fault] for line in lines
    )
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def written(line):
    """The amount in one way to write it; as it was given where it is none."""
    amount, _ = amount_of(line)
    return line.amount if amount is None else f"{amount:.2f}"


def earlier(sha256):
    """The file with the same rows that waits or was approved, or None."""
    pending, approved = BulkPosting.Status.PENDING, BulkPosting.Status.APPROVED
    found = BulkPosting.objects.filter(sha256=sha256, status__in=(pending, approved)).first()
    return found if found and (found.is_open or found.status == approved) else None


def prepare_bulk_posting(name, lines, *, actor, reason, kind):
    """Check the lines and keep them until somebody else decides. Returns the BulkPosting.

    Raises ValidationError where a file with the same rows waits or was approved.
    """
    limit = limit_of(actor)
    rows = check_lines(lines, most=limit.per_posting if limit else 0)
    pk = call(
        "add_bulk_posting", [name[:200], fingerprint(lines), kind, json.dumps(rows), settings.CREDIT_REQUEST_DAYS],
        actor=actor, reason=reason, role=limit.name if limit else "",
    )  # fmt: skip
    return BulkPosting.objects.get(pk=pk)


def approve_bulk_posting(posting, *, actor, reason):
    """Queue the job that posts a file; approval and job come together or not at all.

    Raises ValidationError for one's own file, and for one that is decided, expired or has nothing to post.
    """
    with services.acting(actor, reason):
        job = jobs.start(KIND, title=f"Bulk posting: {posting}"[:200], owner=actor, posting=str(posting.pk))
        call("decide_bulk_posting", [posting.pk, True, reason, job.pk], actor=actor, reason=reason)
    return job


def decline_bulk_posting(posting, *, actor, reason):
    call("decide_bulk_posting", [posting.pk, False, reason, None], actor=actor, reason=reason)


def withdraw_bulk_posting(posting, *, actor, reason):
    """Raises ValidationError for what somebody else checked, and for what was decided."""
    call("withdraw_bulk_posting", [posting.pk, reason], actor=actor, reason=reason)


def call(name, arguments, *, actor, reason, role=""):
    """What a function of schema billing returns."""
    with services.acting(actor, reason), connection.cursor() as cursor:
        cursor.execute("select set_config('credits.role', %s, true)", [role])
        cursor.execute(f"select billing.{name}({', '.join(['%s'] * len(arguments))})", arguments)
        return cursor.fetchone()[0]


@jobs.kind(KIND, resumable=True)
def post_file(job, progress):
    """params: posting (the id of an approved BulkPosting). Whoever approved it is the actor of its postings."""
    posting = BulkPosting.objects.get(pk=job.params["posting"])
    actor = User.objects.get(pk=posting.decided_by)
    if not actor.is_active:
        job.message = summary(posting)
        raise jobs.CannotGoOn(f"The account of {actor}, who approved it, was suspended.")
    waiting = posting.rows.filter(problem=None, outcome=None).values_list("number", "reason")
    waiting = list(waiting.order_by("number"))
    job.done = posting.row_count - len(waiting)
    try:
        progress.start(posting.row_count)
        with request_named(str(job.pk)):
            for number, reason in waiting:
                call("post_bulk_row", [posting.pk, number], actor=actor, reason=reason)
                progress.step()
    finally:
        job.message = summary(posting)


def counts(posting):
    """{posted, failed, left}: lines of a file by what became of them."""
    can_be_posted = posting.rows.filter(problem=None)
    return can_be_posted.aggregate(
        posted=Count("pk", filter=Q(outcome="posted")),
        failed=Count("pk", filter=Q(outcome="failed")),
        left=Count("pk", filter=Q(outcome=None)),
    )


def summary(posting):
    number = counts(posting)
    text = f"{number['posted']:,} posted, {number['failed']:,} failed"
    return f"{text}, {number['left']:,} still to post." if number["left"] else f"{text}."


def said_before(posting):
    """The lines that say the same as a line of another approved file: same organization, amount and reason."""
    same = BulkPostingRow.objects.filter(
        run__status=BulkPosting.Status.APPROVED,
        organization_id=OuterRef("organization_id"),
        amount=OuterRef("amount"),
        reason=OuterRef("reason"),
    ).exclude(run=OuterRef("run"))
    return posting.rows.filter(Exists(same), problem=None)


def stop(posting):
    """Stop the job of a file; the rest stays unposted until it is resumed."""
    require_job(posting)
    return jobs.cancel(posting.job)


def resume(posting):
    require_job(posting)
    return jobs.retry(posting.job)


def require_job(posting):
    if posting.job is None:
        raise ValidationError("Nothing of this file is being posted.")


# BulkPosting.objects.waiting_for(user)
WAITING = Counted(
    "billing.bulk_posting where status = 'pending' and expires_at > now() and requested_by <> %(user)s",
    permission="billing.decide_bulk_posting",
)
