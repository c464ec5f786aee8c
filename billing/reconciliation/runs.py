"""Checks of all balances: as a job, every night, from the command; each leaves a run with its findings."""

import logging
import time

from django.db import transaction

from backoffice import jobs
from backoffice.context import Counted
from backoffice.models import Job
from billing.models import ReconciliationFinding, ReconciliationRun
from billing.reconciliation.check import STEPS, checking

logger = logging.getLogger(__name__)

KIND = "reconciliation"
KEPT_RUNS = 100
NIGHTLY = "Nightly check"


def check_all(actor_name, actor=None, step=lambda: None):
    """Check everything over one moment, keep the run. Returns (ReconciliationRun, Result)."""
    began = time.monotonic()
    with checking() as check:
        result = check.run(step)
    run = keep(result, seconds=time.monotonic() - began, actor_name=actor_name, actor=actor)
    if run.drift:  # the command says it by itself: the log goes to standard output, amid its JSON
        logger.error("Balances are not what their ledger says.", extra={"findings": run.drift})
    return run, result


@transaction.atomic
def keep(result, *, seconds, actor_name, actor=None):
    run = ReconciliationRun.objects.create(
        **{
            name: getattr(result, name)
            for name in (
                "as_of", "organizations", "ledger_rows", "balance", "ledger", "settled_from", "watermark", "settled",
                "late", "pending", "drift",
            )
        },
        seconds=round(seconds, 2),
        actor_name=actor_name,
        actor=actor,
        found={rule: [count, str(amount)] for rule, (count, amount) in result.found.items()},
    )  # fmt: skip
    ReconciliationFinding.objects.bulk_create(
        (
            ReconciliationFinding(
                run=run,
                rule=finding.rule,
                organization_id=finding.organization_id,
                organization_name=finding.organization_name[:255],
                amount=finding.amount,
                diverged_at=finding.diverged_at,
                is_after=finding.is_after,
                detail=finding.detail[:500],
                url=finding.url,
            )
            for finding in result.findings
        ),
        batch_size=1000,
    )
    oldest = ReconciliationRun.objects.order_by("-pk").values_list("pk", flat=True)[KEPT_RUNS:]
    ReconciliationRun.objects.filter(pk__in=list(oldest)).delete()
    return run


def latest_run():
    return ReconciliationRun.objects.order_by("-pk").first()


def open_job():
    """The check that waits or runs, if any."""
    return Job.objects.filter(kind=KIND, status__in=["queued", "running"]).order_by("-created_at").first()


@transaction.atomic
def start_check(actor):
    """Queue a check of everything. Returns its Job, or the one that is queued or running already."""
    return open_job() or jobs.start(KIND, title="Check of all balances", owner=actor)


@jobs.kind(KIND, resumable=True)
def check_in_job(job, progress):
    progress.start(STEPS)
    run, _ = check_all(str(job.owner), job.owner, progress.step)
    job.message = (
        f"{run.drift:,} finding{'s' if run.drift != 1 else ''} of drift."
        if run.drift
        else f"All balances of {run.organizations:,} organizations explain themselves."
    )


# Findings of drift in the last check.
DRIFT = Counted("billing_reconciliationrun order by id desc", value="drift")
