"""Tasks of the queue (procrastinate finds this module by its name)."""

from procrastinate.contrib.django import app

from backoffice import export, jobs  # noqa: F401  (export registers its kind)


@app.task(name=jobs.RUN_JOB)
def run_job(job_id):
    jobs.run(job_id)


@app.periodic(cron="* * * * *")
@app.task(name="tidy_jobs", queueing_lock="tidy_jobs", pass_context=False)
def tidy_jobs(timestamp):
    jobs.tidy()
