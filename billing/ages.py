"""How old reconciliation and settlement are, for the page of data health."""

import datetime

from django.conf import settings
from django.urls import reverse

from backoffice.health.ages import Age
from backoffice.health.findings import BAD, GOOD
from billing.reconciliation.figures import watermark
from billing.reconciliation.runs import latest_run

HOURS = datetime.timedelta(hours=1)


def age_of_reconciliation():
    run = latest_run()
    note = "The worker checks every night."
    if run:
        note = f"{run.drift:,} findings of drift." if run.drift else "All balances explain themselves."
    url = reverse("billing:reconciliation")
    level = BAD if run and run.drift else ""
    return [Age("Reconciliation of balances", run.as_of if run else None, note, url, 30 * HOURS, level=level)]


def age_of_settlement():
    day = watermark()
    url = reverse("billing:settlementday_list")
    if day is None and not settings.SETTLEMENT_AUTOMATIC:
        return [Age("Settlement", None, "No day is settled, and nobody asked for it.", url, level=GOOD)]
    end = datetime.datetime.combine(day, datetime.time.max, datetime.UTC) if day else None
    note = "Days up to this are settled (UTC)."
    if not settings.SETTLEMENT_AUTOMATIC:
        return [Age("Settlement", end, f"{note} Somebody starts it by hand.", url, level=GOOD)]
    return [Age("Settlement", end, note, url, 48 * HOURS)]
