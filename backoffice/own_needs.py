"""What waits in the back office itself: jobs that failed, and content that was revealed."""

import datetime

from django.utils import timezone

from backoffice.addresses import fixed_address
from backoffice.keyset import total
from backoffice.models import Job, ReadLog
from backoffice.needs import Need

REVEALS_DAYS = 7


def failed_jobs(user):
    """One's own, everybody's for an admin; as the list of jobs has them."""
    if not user.has_perm("backoffice.view_job"):
        return []
    jobs = Job.objects.filter(status=Job.Status.FAILED)
    if not user.is_superuser:
        jobs = jobs.filter(owner=user)
    url = f"{fixed_address('job_list')}?status={Job.Status.FAILED.value}"
    return [Need("Failed jobs", "loader", total(jobs, filtered=True).number, url, "retry them, or see why")]


def reveals(user):
    """What staff revealed lately, for those who look after it."""
    if not user.has_perm("backoffice.view_readlog"):
        return []
    first = timezone.localdate() - datetime.timedelta(days=REVEALS_DAYS)
    since = timezone.make_aware(datetime.datetime.combine(first, datetime.time.min))
    found = ReadLog.objects.filter(kind=ReadLog.Kind.REVEAL, at__gte=since)
    return [
        Need(
            "Reveals by staff",
            "eye",
            total(found, filtered=True).number,
            f"{fixed_address('backoffice:readlog_list')}?kind={ReadLog.Kind.REVEAL.value}&since={first}",
            "masked content, last 7 days",
            "info",
        )
    ]
