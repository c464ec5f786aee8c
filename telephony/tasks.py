"""Work of the queue that is about telephony (procrastinate finds this module by its name)."""

from procrastinate.contrib.django import app

from telephony import conflicts


# At the start of a worker too: the last full five minutes are made up for.
@app.periodic(cron="*/5 * * * *")
@app.task(name="look_for_conflicts", queueing_lock="look_for_conflicts", pass_context=False)
def look_for_conflicts(timestamp):
    conflicts.look()
