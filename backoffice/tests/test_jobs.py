"""Long work: its life from queued to expired, and who sees it."""

import datetime
import os
import subprocess
import sys
import threading
import time

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from backoffice import jobs, services, testing
from backoffice.generic import lists
from backoffice.models import Job, ReadLog
from backoffice.settings import BASE_DIR
from backoffice.testing_crud import check_page, client_of
from tenants.tests.factories import make_organization

SECRET = "host=db.internal password=hunter2"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.JOB_FILES_DIR = tmp_path / "jobs"
    settings.JOB_FILES_DIR.mkdir()
    return settings.JOB_FILES_DIR


@pytest.fixture
def kind(monkeypatch):
    """Registers a function as the kind "test"."""

    def register(function):
        monkeypatch.setitem(jobs.KINDS, "test", function)

    return register


def write_result(job, progress):
    progress.start(3)
    for _ in range(3):
        progress.step()
    job.result_path.write_text("a,b\n1,2\n")
    job.result_name = "result.csv"
    job.message = "3 rows."


def start(owner):
    return jobs.start("test", title="A test", owner=owner)


def run(job):
    jobs.run(str(job.pk))
    job.refresh_from_db()
    return job


def page(name, job):
    return reverse(f"job_{name}", args=[job.pk])


def later():
    """Two minutes pass, for all jobs."""
    two = datetime.timedelta(minutes=2)
    Job.objects.update(touched_at=F("touched_at") - two, created_at=F("created_at") - two)


class TestLife:
    def test_runs_to_success_with_a_result(self, support_client, support, kind):
        kind(write_result)
        job = start(support)
        assert "Queued" in check_page(support_client.get(page("detail", job)))
        job = run(job)
        assert (job.status, job.done, job.total, job.message, job.attempts) == (
            "succeeded",
            3,
            3,
            "3 rows.",
            1,
        )
        assert job.expires_at - job.finished_at == datetime.timedelta(days=7)
        assert page("result", job) in check_page(support_client.get(page("detail", job)))
        response = support_client.get(page("result", job))
        assert b"".join(response.streaming_content) == b"a,b\n1,2\n"
        assert response["Content-Disposition"] == 'attachment; filename="result.csv"'
        assert "result.csv" in check_page(support_client.get(reverse("job_list")))

    def test_is_done_once_however_often_it_is_delivered(self, support, kind):
        kind(write_result)
        job = run(start(support))
        assert run(job).attempts == 1
        jobs.run("00000000-0000-0000-0000-000000000000")

    def test_cancelled_before_it_began_is_never_run(self, support_client, support, kind):
        kind(write_result)
        job = start(support)
        html = check_page(support_client.post(page("cancel", job), follow=True))
        assert "Cancelled before it began." in html
        assert run(job).attempts == 0

    def test_running_stops_when_it_next_reports(self, support, kind):
        def work(job, progress):
            job.result_path.write_text("half")
            job.result_name = "half.csv"
            jobs.cancel(job)
            progress.report()
            raise AssertionError("went on")

        kind(work)
        job = run(start(support))
        assert (job.status, job.message, job.result_name) == ("cancelled", "Cancelled while it ran.", "")
        assert not job.result_path.exists()

    def test_failure_tells_no_internals_and_keeps_no_half_result(self, support_client, support, kind, caplog):
        def work(job, progress):
            job.result_path.write_text("half")
            raise RuntimeError(SECRET)

        kind(work)
        job = run(start(support))
        assert job.status == "failed" and not job.result_path.exists()
        html = check_page(support_client.get(page("detail", job)))
        assert "the log has the details" in html and "hunter2" not in html and "RuntimeError" not in html

    @pytest.mark.parametrize(("sqlstate", "status"), [("57014", "failed"), ("40P01", "queued")])
    def test_what_took_too_long_is_not_tried_again_and_what_gave_way_is(
        self, support, kind, monkeypatch, sqlstate, status
    ):
        monkeypatch.setattr(jobs, "RESUMABLE", {"test"})

        def work(job, progress):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"do $$ begin raise exception 'inside' using errcode = '{sqlstate}'; end $$")

        kind(work)
        job = run(start(support))
        assert job.status == status and ("took too long" in job.message) == (status == "failed")

    def test_failed_can_be_retried_from_its_beginning(self, support_client, support, kind):
        def fail(job, progress):
            progress.start(10)
            raise ValueError

        kind(fail)
        job = run(start(support))
        assert page("retry", job) in check_page(support_client.get(page("detail", job)))
        support_client.post(page("retry", job))
        job.refresh_from_db()
        assert (job.status, job.done, job.total, job.message) == ("queued", 0, None, "")
        kind(write_result)
        assert (run(job).status, job.attempts) == ("succeeded", 2)

    def test_succeeded_is_not_retried_or_cancelled(self, support_client, support, kind):
        kind(write_result)
        job = run(start(support))
        for action in ("retry", "cancel"):
            support_client.post(page(action, job))
            job.refresh_from_db()
            assert job.status == "succeeded"

    def test_interrupted_is_reaped_after_a_minute_without_a_sign(self, support):
        job = start(support)
        Job.objects.filter(pk=job.pk).update(status="running", touched_at=timezone.now())
        jobs.tidy()
        job.refresh_from_db()
        assert job.status == "running"
        later()
        jobs.tidy()
        job.refresh_from_db()
        assert job.status == "failed" and "interrupted" in job.message and job.can_retry

    def test_taken_from_the_queue_and_lost_before_it_began_is_queued_again(self, support, kind, owner):
        kind(write_result)
        job, waiting = start(support), start(support)
        owner("update procrastinate_jobs set status = 'doing' where args ->> 'job_id' = %s", [str(job.pk)])
        entries = "select count(*) from procrastinate_jobs where args ->> 'job_id' = %s and status = 'todo'"
        jobs.tidy()
        assert owner(entries, [str(job.pk)]) == [(0,)], "it may just be beginning"
        later()
        for _ in range(2):
            jobs.tidy()
            assert [owner(entries, [str(one.pk)]) for one in (job, waiting)] == [[(1,)], [(1,)]]
        assert run(job).status == "succeeded"

    def test_a_run_that_was_taken_for_interrupted_changes_nothing_any_more(self, support, kind, monkeypatch):
        """As a worker that was frozen for minutes and goes on: the second run's end counts, and its result."""
        monkeypatch.setattr(jobs, "RESUMABLE", {"test"})
        tenant = make_organization(name="First")
        seen = []

        def work(job, progress):
            job.result_path.write_text(f"attempt {job.attempts}")
            job.result_name = "result.csv"
            if job.attempts == 1:
                later()
                jobs.tidy()
                jobs.run(str(job.pk))  # another worker's
                with pytest.raises(jobs.Superseded):
                    progress.report()
                job.result_path.write_text("late")
                seen.append("late")
                services.save(tenant, actor=support, reason="late")
                seen.append("written")

        kind(work)
        job = run(start(support))
        assert seen == ["late"]
        assert (job.status, job.attempts, job.result_name) == ("succeeded", 2, "result.csv")
        assert job.result_path.read_text() == "attempt 2"
        assert [path.name for path in job.result_path.parent.iterdir()] == [f"{job.pk}.result"]

    def test_of_a_kind_that_this_worker_does_not_know_waits_for_one_that_does(
        self, support_client, support, kind, owner
    ):
        job = start(support)
        entries = "select count(*) from procrastinate_jobs where args ->> 'job_id' = %s and status = 'todo'"
        job = run(job)
        assert (job.status, job.attempts) == ("queued", 0)
        assert owner(f"{entries} and scheduled_at > now()", [str(job.pk)]) == [(1,)]
        assert "worker of a newer version" in check_page(support_client.get(page("detail", job)))
        kind(write_result)
        assert (run(job).status, job.message) == ("succeeded", "3 rows.")

    def test_that_nobody_begins_says_so(self, support_client, support):
        job = start(support)
        assert "No worker has begun it" not in check_page(support_client.get(page("detail", job)))
        Job.objects.update(created_at=F("created_at") - datetime.timedelta(minutes=3))
        assert "No worker has begun it" in check_page(support_client.get(page("detail", job)))

    @pytest.mark.parametrize(("resumable", "status"), [(True, "queued"), (False, "failed")])
    def test_of_a_worker_that_stops_goes_on_later_or_says_so(
        self, support, kind, monkeypatch, resumable, status
    ):
        monkeypatch.setattr(jobs, "RESUMABLE", {"test"} if resumable else set())
        monkeypatch.setattr(jobs, "stopping", threading.Event())

        def work(job, progress):
            jobs.stopping.set()
            progress.step()
            raise AssertionError("went on")

        kind(work)
        job = run(start(support))
        assert job.status == status and ("worker was stopped" in job.message) == (not resumable)

    def test_a_clock_that_is_wrong_interrupts_nobody(self, support, kind, monkeypatch):
        fast = timezone.now() + datetime.timedelta(minutes=10)
        monkeypatch.setattr(timezone, "now", lambda: fast)

        def work(job, progress):
            jobs.tidy()
            progress.report()

        kind(work)
        assert run(start(support)).status == "succeeded"

    def test_signs_of_life_outlast_a_database_that_was_away(self, fresh_database, kind, monkeypatch):
        monkeypatch.setattr(jobs, "HEARTBEAT_SECONDS", 0.01)
        beats = []
        real = jobs.ours

        def ours(job):
            beats.append(1)
            if threading.current_thread() is not threading.main_thread() and len(beats) < 3:
                raise OperationalError("gone")
            return real(job)

        with fresh_database.django():
            job = jobs.start("test", title="A test", owner=testing.make_user("support"))
            Job.objects.filter(pk=job.pk).update(status="running")
            monkeypatch.setattr(jobs, "ours", ours)
            with jobs.heartbeat(job):
                for _ in range(500):
                    time.sleep(0.01)
                    if Job.objects.get(pk=job.pk).touched_at:
                        break
            assert Job.objects.get(pk=job.pk).touched_at

    def test_result_expires_and_is_deleted(self, support_client, support, kind):
        kind(write_result)
        job = run(start(support))
        Job.objects.filter(pk=job.pk).update(expires_at=timezone.now() - datetime.timedelta(seconds=1))
        check_page(support_client.get(page("result", job)), 404)
        assert page("result", job) not in check_page(support_client.get(page("detail", job)))
        jobs.tidy()
        assert not job.result_path.exists()
        assert "expired" in check_page(support_client.get(reverse("job_list")))

    def test_result_whose_file_is_gone_is_404(self, support_client, support, kind):
        kind(write_result)
        job = run(start(support))
        job.result_path.unlink()
        check_page(support_client.get(page("result", job)), 404)


class TestWhoSees:
    def test_own_jobs_and_for_admins_everybodys(
        self, support_client, finance_client, admin_client, support, kind
    ):
        kind(write_result)
        job = run(start(support))
        for name in ("detail", "result"):
            check_page(finance_client.get(page(name, job)), 404)
            assert admin_client.get(page(name, job)).status_code == 200
        for name in ("cancel", "retry"):
            check_page(finance_client.post(page(name, job)), 404)
        lists = [
            check_page(client.get(reverse("job_list")))
            for client in (support_client, finance_client, admin_client)
        ]
        assert [page("detail", job) in html for html in lists] == [True, False, True]

    def test_accounts_without_a_role_see_none(self, db):
        user = testing.make_user("support")
        user.groups.clear()
        assert "backoffice.view_job" in check_page(client_of(user).get(reverse("job_list")), 403)

    def test_a_get_changes_nothing(self, support_client, support):
        job = start(support)
        for name in ("cancel", "retry"):
            assert support_client.get(page(name, job)).status_code == 405

    @pytest.mark.parametrize("place", ["after=x", "before=WyJ4IiwieCJd", "after=%00"])
    def test_a_place_that_does_not_exist_leads_to_the_beginning(self, support_client, place):
        assert support_client.get(f"/jobs/?{place}").url in ("/jobs/", "?")

    def test_pages_of_jobs_miss_none(self, support_client, support, monkeypatch):
        monkeypatch.setattr(lists, "PAGE_SIZE", 3)
        made = [start(support).pk for _ in range(8)]
        seen, url = [], "/jobs/"
        while url:
            response = support_client.get(url)
            seen += [job.pk for job in response.context["rows"]]
            url = "/jobs/" + response.context["next_url"] if response.context["next_url"] else ""
        assert seen == made[::-1]

    def test_state_alone_answers_htmx(self, support_client, support):
        response = support_client.get(page("detail", start(support)), headers={"HX-Request": "true"})
        assert b"<html" not in response.content and b'hx-trigger="every 1s"' in response.content


def test_an_export_goes_through_the_queue_and_the_worker(fresh_database, folder):
    with fresh_database.platform():
        for n in range(3):
            make_organization(name=f"Exported {n}")
    environment = {
        **os.environ,
        "DATABASE_URL": fresh_database.url,
        "HTTPS": "off",
        "SECRET_KEY": "only-for-tests",
        "ALLOWED_HOSTS": "localhost",
        "JOB_FILES_DIR": str(folder),
    }
    with fresh_database.django():
        client = client_of(testing.make_user("support"))
        response = client.post(reverse("list_export", args=["tenants:organization_list"]))
        command = [sys.executable, "manage.py", "worker", "--once"]
        done = subprocess.run(
            command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        job = Job.objects.get()
        assert (job.status, job.message, response.url) == ("succeeded", "3 rows.", job.get_absolute_url())
        assert b"Exported 2" in b"".join(client.get(page("result", job)).streaming_content)
        assert ReadLog.objects.get().kind == "export"
