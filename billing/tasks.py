"""Work of the queue that is about money (procrastinate finds this module by its name)."""

from django.conf import settings
from procrastinate.contrib.django import app

from backoffice.models import User
from billing.bulk_postings import posting  # noqa: F401  (it registers its kind)
from billing.reconciliation import runs
from billing.settlement import run as settlement
from billing.settlement.days import settled_days
from billing.statements import closing  # noqa: F401  (it registers its kind)


@app.periodic(cron="20 1 * * *")
@app.task(name="settle_nightly", queueing_lock="settle_nightly", pass_context=False)
def settle_nightly(timestamp):
    days = settled_days()
    if settings.SETTLEMENT_AUTOMATIC and days.waiting:
        account = User.objects.get(email=User.objects.normalize_email(settings.SETTLEMENT_ACCOUNT))
        settlement.start(days.last, actor=account, reason="Nightly settlement of usage and calls")


@app.periodic(cron="20 3 * * *")
@app.task(name="check_balances", queueing_lock="check_balances", pass_context=False)
def check_balances(timestamp):
    runs.check_all(runs.NIGHTLY)
