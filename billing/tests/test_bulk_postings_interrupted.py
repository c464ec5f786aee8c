"""A bulk posting whose worker is killed, run in parallel, approved at once: in the end each row is posted exactly once."""

import datetime
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connections
from django.utils import timezone

from backoffice import jobs, testing
from backoffice.models import Job
from backoffice.settings import BASE_DIR
from billing.bulk_postings import posting as postings
from billing.bulk_postings.reading import Line
from billing.models import BulkPosting, CreditTransaction
from tenants.models import Organization
from tenants.tests.factories import make_organization, make_profile

ROWS = 300
EACH = Decimal("2.50")


@pytest.fixture
def prepared(fresh_database):
    """(database, who approves, a file of ROWS rows that waits)."""
    with fresh_database.platform():
        owner = make_profile()
        tenants = [make_organization(owner=owner, credits_balance="1.00") for _ in range(ROWS)]
    with fresh_database.django():
        first, second = testing.make_user("finance"), testing.make_user("manager")
        lines = [Line(number, str(t.pk), str(EACH), "Calls failed") for number, t in enumerate(tenants, 2)]
        waiting = postings.prepare_bulk_posting("f.csv", lines, actor=first, reason="r", kind="goodwill")
        assert waiting.row_count == ROWS
        yield fresh_database, second, waiting


def posted():
    return CreditTransaction.objects.filter(kind="goodwill").count()


def assert_posted_once():
    rows = list(CreditTransaction.objects.filter(kind="goodwill").values_list("organization_id", "amount"))
    assert len(rows) == ROWS == len({organization for organization, _ in rows})
    assert {amount for _, amount in rows} == {EACH}
    with_posting = Organization.objects.filter(credits_balance=1 + EACH).count()
    assert with_posting == ROWS
    file = BulkPosting.objects.get()
    assert file.rows.filter(outcome="posted").values("transaction_id").distinct().count() == ROWS


def worker(database, folder, *arguments):
    environment = {
        **os.environ,
        "DATABASE_URL": database.url,
        "HTTPS": "off",
        "SECRET_KEY": "only-for-tests",
        "ALLOWED_HOSTS": "localhost",
        "JOB_FILES_DIR": str(folder),
    }
    command = [sys.executable, "manage.py", "worker", *(arguments or ["--once"])]
    return subprocess.Popen(
        command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def wait_for(process, enough):
    """Until the worker has posted more than so many rows."""
    deadline = time.monotonic() + 60
    while posted() <= enough and time.monotonic() < deadline:
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.005)


def kill_when(process, enough):
    """SIGKILL in the middle."""
    wait_for(process, enough)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def test_killed_twice_in_the_middle_it_goes_on_by_itself_and_posts_each_row_once(prepared, tmp_path):
    database, second, waiting = prepared
    job = postings.approve_bulk_posting(waiting, actor=second, reason="Agreed")
    for enough in (20, 120):
        kill_when(worker(database, tmp_path), enough)
        before = posted()
        assert enough < before < ROWS, "it was not killed in the middle"
        job.refresh_from_db()
        assert job.status == "running"
        minute_ago = timezone.now() - datetime.timedelta(minutes=2)
        Job.objects.filter(pk=job.pk).update(touched_at=minute_ago)
    last = worker(database, tmp_path)
    output, _ = last.communicate(timeout=120)
    assert last.returncode == 0, output
    job.refresh_from_db()
    assert (job.status, job.attempts, job.done, job.total) == ("succeeded", 3, ROWS, ROWS)
    assert job.message == f"{ROWS} posted, 0 failed."
    assert_posted_once()


def test_frozen_and_stopped_in_the_middle_each_row_is_posted_once(prepared, tmp_path):
    """One worker is frozen and taken for dead, the next is told to stop, a third finishes; then the first goes on."""
    database, second, waiting = prepared
    job = postings.approve_bulk_posting(waiting, actor=second, reason="Agreed")
    first = worker(database, tmp_path, "--concurrency=1")
    try:
        wait_for(first, 20)
        os.kill(first.pid, signal.SIGSTOP)
        with database.connect("embedded_admin") as admin:  # as its own timeout does after a minute
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and state like 'idle in%%'",
                [database.name],
            )
        minute_ago = timezone.now() - datetime.timedelta(minutes=2)
        Job.objects.filter(pk=job.pk).update(touched_at=minute_ago)
        other = worker(database, tmp_path, "--concurrency=1")
        wait_for(other, posted() + 20)
        other.terminate()
        output, _ = other.communicate(timeout=30)
        assert other.returncode == 0, output
        job.refresh_from_db()
        assert (job.status, job.attempts) == ("queued", 2) and posted() < ROWS
        output, _ = (last := worker(database, tmp_path)).communicate(timeout=120)
        assert last.returncode == 0, output
    finally:
        os.kill(first.pid, signal.SIGCONT)
    first.terminate()
    output, _ = first.communicate(timeout=30)
    assert first.returncode == 0, output
    job.refresh_from_db()
    assert (job.status, job.attempts, job.message) == ("succeeded", 3, f"{ROWS} posted, 0 failed.")
    assert_posted_once()


def test_a_database_that_goes_away_in_the_middle_leaves_no_row_out_and_none_twice(prepared, tmp_path):
    database, second, waiting = prepared
    job = postings.approve_bulk_posting(waiting, actor=second, reason="Agreed")
    process = worker(database, tmp_path)
    wait_for(process, 20)
    with database.connect("embedded_admin") as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()",
            [database.name],
        )
    process.communicate(timeout=120)
    connections.close_all()
    job.refresh_from_db()
    if job.status == "running":  # it could not even say so: the next worker finds it
        minute_ago = timezone.now() - datetime.timedelta(minutes=2)
        Job.objects.filter(pk=job.pk).update(touched_at=minute_ago)
    output, _ = (last := worker(database, tmp_path)).communicate(timeout=120)
    assert last.returncode == 0, output
    job.refresh_from_db()
    assert job.status == "succeeded" and job.attempts > 1
    assert_posted_once()


def test_runs_of_one_job_in_parallel_post_each_row_once(prepared):
    _, second, waiting = prepared
    job = postings.approve_bulk_posting(waiting, actor=second, reason="Agreed")

    Job.objects.filter(pk=job.pk).update(status="running")

    def run(_):
        try:
            own = Job.objects.get(pk=job.pk)
            postings.post_file(own, jobs.Progress(own))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    assert_posted_once()


def test_of_ten_decisions_at_once_one_counts(prepared):
    _, second, waiting = prepared
    other = testing.make_user("finance", email="other@example.test")

    def decide(n):
        verb = postings.decline_bulk_posting if n == 9 else postings.approve_bulk_posting
        try:
            verb(waiting, actor=(second, other)[n % 2], reason="Agreed")
        except ValidationError as error:
            return error.messages[0]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(decide, range(10)))
    assert answers.count(None) == 1
    assert all("This file was already" in answer for answer in answers if answer)
    waiting.refresh_from_db()
    assert Job.objects.count() == (waiting.status == "approved") == (waiting.job_id is not None)


def test_one_file_checked_ten_times_at_once_is_kept_once(prepared):
    lines = [Line(2, str(Organization.objects.first().pk), "3", "Once")]
    actor = testing.make_user("finance", email="other@example.test")

    def check(n):
        try:
            postings.prepare_bulk_posting(f"{n}.csv", lines, actor=actor, reason="r", kind="goodwill")
        except ValidationError as error:
            return error.messages[0]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(check, range(10)))
    assert answers.count(None) == 1 and all("checked before" in answer for answer in answers if answer)


def test_an_interrupted_run_is_queued_again_a_few_times_and_then_fails(prepared):
    _, second, waiting = prepared
    job = postings.approve_bulk_posting(waiting, actor=second, reason="Agreed")
    minute_ago = timezone.now() - datetime.timedelta(minutes=2)
    for attempts, status in ((1, "queued"), (jobs.ATTEMPTS - 1, "queued"), (jobs.ATTEMPTS, "failed")):
        Job.objects.filter(pk=job.pk).update(status="running", touched_at=minute_ago, attempts=attempts)
        jobs.tidy()
        job.refresh_from_db()
        assert job.status == status
    Job.objects.filter(pk=job.pk).update(
        status="running", touched_at=minute_ago, attempts=1, cancel_requested=True
    )
    jobs.tidy()
    job.refresh_from_db()
    assert job.status == "cancelled" and job.can_retry
