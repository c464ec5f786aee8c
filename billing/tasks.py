"""Work of the queue that is about money (procrastinate finds this module by its name)."""

from procrastinate.contrib.django import app

from billing.bulk_postings import posting  # noqa: F401  (it registers its kind)
from billing.reconciliation import runs
from billing.statements import closing  # noqa: F401  (it registers its kind)


@app.periodic(cron="20 3 * * *")
@app.task(name="check_balances", queueing_lock="check_balances", pass_context=False)
def check_balances(timestamp):
    runs.check_all(runs.NIGHTLY)
