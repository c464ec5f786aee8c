"""What the worker reads for the metrics, every few seconds: the queue, and how far behind the background work is."""

import math

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import Gauge

from backoffice.health.ages import read_ages
from backoffice.models import Job

EVERY_SECONDS = 15

OPEN_JOBS = Gauge("backoffice_open_jobs", "Jobs that are queued or running.", ["kind", "status"])
OLDEST_QUEUED = Gauge(
    "backoffice_oldest_queued_job_seconds", "Age of the job that waits the longest; 0 if none waits."
)
AGE = Gauge(
    "backoffice_age_seconds", "Age of what is kept beside the platform's tables; +Inf: it never was.", ["of"]
)
LOOKED_AT = Gauge("backoffice_looked_at_timestamp_seconds", "When queue and ages were last read.")


def look():
    """A round of the worker."""
    now = timezone.now()
    open_jobs = Job.objects.filter(status__in=[Job.Status.QUEUED, Job.Status.RUNNING])
    found = list(
        open_jobs.order_by().values("kind", "status").annotate(rows=Count("pk"), oldest=Min("created_at"))
    )
    ages = read_ages()
    for gauge in (OPEN_JOBS, AGE):  # what is no more is not told any more
        gauge.clear()
    for group in found:
        OPEN_JOBS.labels(group["kind"], group["status"]).set(group["rows"])
    waiting = [group["oldest"] for group in found if group["status"] == Job.Status.QUEUED]
    OLDEST_QUEUED.set((now - min(waiting)).total_seconds() if waiting else 0)
    for age in ages:
        AGE.labels(age.label).set(max(0, (now - age.at).total_seconds()) if age.at else math.inf)
    LOOKED_AT.set(now.timestamp())
    return False
