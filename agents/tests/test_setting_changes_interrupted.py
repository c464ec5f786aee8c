"""A change whose worker is killed, and one run in parallel: in the end each agent is changed exactly once."""

import datetime
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.utils import timezone

from agents.models import Agent, SettingChangeRow
from agents.questions import changing
from agents.tests.factories import make_agent, make_setting_change
from backoffice import jobs, testing
from backoffice.models import AuditEvent, Job
from backoffice.settings import BASE_DIR
from tenants.tests.factories import make_organization

ROWS = 60


@pytest.fixture
def confirmed(fresh_database):
    """(database, job of a confirmed change of ROWS agents)."""
    with fresh_database.platform():
        tenant = make_organization()
        agents = [make_agent(tenant, config={"llm_model": "gpt-4"}) for _ in range(ROWS)]
    with fresh_database.django():
        actor = testing.make_user("support")
        change = make_setting_change(actor, agents)
        if change.check_job:
            jobs.run(str(change.check_job.pk))
            change.refresh_from_db()
        yield fresh_database, changing.confirm_change(change, actor=actor, reason="Model retired")


def worker(database, folder):
    environment = {
        **os.environ,
        "DATABASE_URL": database.url,
        "HTTPS": "off",
        "SECRET_KEY": "only-for-tests",
        "ALLOWED_HOSTS": "localhost",
        "JOB_FILES_DIR": str(folder),
    }
    command = [sys.executable, "manage.py", "worker", "--once"]
    return subprocess.Popen(
        command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def changed():
    return SettingChangeRow.objects.filter(outcome="changed").count()


def assert_changed_once(job):
    assert changed() == ROWS == Agent.objects.filter(llm_model="gpt-4.1", config__llm_model="gpt-4.1").count()
    events = AuditEvent.objects.filter(table_name="agents", request_id=str(job.pk), new__llm_model="gpt-4.1")
    assert events.count() == ROWS == events.values("row_id").distinct().count()


def test_killed_in_the_middle_it_goes_on_by_itself_and_changes_each_agent_once(confirmed, tmp_path):
    database, job = confirmed
    process = worker(database, tmp_path)
    deadline = time.monotonic() + 60
    while changed() < 5 and time.monotonic() < deadline:
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert 5 <= changed() < ROWS, "it was not killed in the middle"
    Job.objects.filter(pk=job.pk).update(touched_at=timezone.now() - datetime.timedelta(minutes=2))
    output, _ = (last := worker(database, tmp_path)).communicate(timeout=120)
    assert last.returncode == 0, output
    job.refresh_from_db()
    assert (job.status, job.attempts, job.message) == (
        "succeeded", 2, f"{ROWS} changed, 0 skipped, 0 blocked, 0 failed.",
    )  # fmt: skip
    assert_changed_once(job)


def test_runs_of_one_job_in_parallel_change_each_agent_once(confirmed):
    _, job = confirmed

    Job.objects.filter(pk=job.pk).update(status="running")

    def run(_):
        try:
            own = Job.objects.get(pk=job.pk)
            changing.change_in_job(own, jobs.Progress(own))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, range(3)))
    assert_changed_once(job)
