"""Ages of what `backoffice` itself keeps: the worker, its queue, the checks of data health, the figures, the audit."""

import datetime

from django.db.models import Count, Max, Min, Q
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateWorker

from backoffice import retention
from backoffice.health.ages import Age, ages
from backoffice.health.findings import BAD, GOOD, WARN
from backoffice.models import FigureState, HealthCheck, Job

FAILED_DAYS = 7


@ages
def age_of_worker():
    # The queue itself forgets a worker that is silent for long, so none may be left to speak of.
    seen = ProcrastinateWorker.objects.aggregate(at=Max("last_heartbeat"))["at"]
    note = "" if seen else "No worker runs: jobs wait, and what follows the platform's tables stands still."
    minute = datetime.timedelta(minutes=1)
    return [Age("Worker's last sign of life", seen, note, "", minute, 5 * minute, "" if seen else BAD)]


@ages
def age_of_jobs():
    since = timezone.now() - datetime.timedelta(days=FAILED_DAYS)
    facts = Job.objects.filter(created_at__gt=since).aggregate(
        waiting=Min("created_at", filter=Q(status=Job.Status.QUEUED)),
        failed=Count("pk", filter=Q(status=Job.Status.FAILED)),
        failed_at=Max("finished_at", filter=Q(status=Job.Status.FAILED)),
    )
    found = []
    if facts["waiting"]:
        minute = datetime.timedelta(minutes=1)
        found.append(
            Age("Oldest job that waits", facts["waiting"], "", reverse("job_list"), 5 * minute, 60 * minute)
        )
    if facts["failed"]:
        note = f"{facts['failed']:,} job{'s' if facts['failed'] != 1 else ''} failed in the last {FAILED_DAYS} days."
        url = f"{reverse('job_list')}?status=failed"
        found.append(Age("Last job that failed", facts["failed_at"], note, url, level=WARN))
    return found or [
        Age("Jobs", timezone.now(), f"None waits, none failed in the last {FAILED_DAYS} days.", level=GOOD)
    ]


@ages
def age_of_health_checks():
    checks = {check.part: check for check in HealthCheck.objects.all()}
    rows = checks.get("rows")
    note = f"It took {rows.seconds:,.1f} s." if rows else "The worker does it by itself within a minute."
    hours = datetime.timedelta(hours=1)
    return [
        Age("Data health: rules about rows", rows.at if rows else None, note, reverse("health"), 30 * hours)
    ]


@ages
def age_of_figures():
    """The source that is the furthest behind; turns are looked at once a minute only."""
    states = list(FigureState.objects.all())
    times = [state.caught_up_at for state in states]
    unbuilt = [state for state in states if state.built_at is None]
    note, level = "Sums by day, on the dashboard and the page of figures.", ""
    if unbuilt or not states:
        note, level = "They are being counted for the first time.", WARN if any(times) else BAD
    minutes = datetime.timedelta(minutes=1)
    compared = [state.compared_at for state in states]
    return [
        Age(
            "Figures of the dashboard, caught up",
            min(times) if states and all(times) else None,
            note,
            reverse("figures"),
            10 * minutes,
            60 * minutes,
            level,
        ),
        Age(
            "Figures of the dashboard, compared with all rows",
            min(compared) if states and all(compared) else None,
            "Finds what neither times nor triggers told.",
            reverse("figures"),
            warn_after=datetime.timedelta(hours=48),
        ),
    ]


@ages
def age_of_audit():
    """When old entries were removed last; where a setting removes some, no entry is much older than it says."""
    found = []
    for log, label, url, permission in (
        ("event", "Changes (audit)", "backoffice:auditevent_list", "backoffice.view_auditevent"),
        ("read_log", "Readings (audit)", "backoffice:readlog_list", "backoffice.view_readlog"),
    ):
        standing = retention.standing(log)
        since = f"; the oldest entry is of {standing.oldest:%Y-%m-%d}" if standing.oldest else ""
        removed = f"; removed last on {standing.pruned:%Y-%m-%d}" if standing.pruned else ""
        late = standing.is_late and "The nightly removal did not happen: does a worker run? "
        found.append(
            Age(
                f"{label}, oldest entry",
                standing.oldest,
                f"{late or ''}{standing.rule}{since}{removed}.",
                reverse(url),
                level=WARN if late else GOOD,
                permission=permission,
            )
        )
    return found
