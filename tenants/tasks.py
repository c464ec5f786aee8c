"""Work of the queue that is about tenants (procrastinate finds this module by its name)."""

from procrastinate.contrib.django import app

from tenants import attention, forecast
from tenants.closing import archive, procedure  # noqa: F401  (they register their kinds)
from tenants.erasure import procedure as erasure  # noqa: F401
from tenants.preview.procedure import put_ends_on_record


# At the start of a worker too: the last full five minutes are made up for.
@app.periodic(cron="*/5 * * * *")
@app.task(name="look_up_signs", queueing_lock="look_up_signs", pass_context=False)
def look_up_signs(timestamp):
    attention.refresh()


@app.periodic(cron="*/5 * * * *")
@app.task(name="look_up_spending", queueing_lock="look_up_spending", pass_context=False)
def look_up_spending(timestamp):
    forecast.refresh(timeout="10min")


@app.periodic(cron="*/5 * * * *")
@app.task(name="end_previews", queueing_lock="end_previews", pass_context=False)
def end_previews(timestamp):
    put_ends_on_record()
