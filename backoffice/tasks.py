"""Tasks of the queue (procrastinate finds this module by its name)."""

from procrastinate.contrib.django import app

from backoffice import bulk, export, jobs, retention, reverts  # noqa: F401  (these register their kinds)
from backoffice.health import checking  # noqa: F401
from backoffice.logs import about_job
from backoffice.sessions import ending


@app.task(name=jobs.RUN_JOB)
def run_job(job_id, request_id=""):
    with about_job(job_id, started_by=request_id):
        jobs.run(job_id)


@app.periodic(cron="* * * * *")
@app.task(name="tidy_jobs", queueing_lock="tidy_jobs", pass_context=False)
def tidy_jobs(timestamp):
    jobs.tidy()
    bulk.tidy()
    ending.tidy()


@app.periodic(cron="40 2 * * *")
@app.task(name="remove_old_entries", queueing_lock="remove_old_entries", pass_context=False)
def remove_old_entries(timestamp):
    retention.prune()
