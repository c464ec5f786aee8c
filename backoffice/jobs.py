"""Long work: asked for on a page, done by the worker, watched on the jobs page.

`start()` makes the Job and queues it in the same transaction; the worker calls `run()`; the function for
its kind reports through Progress, which also is where a cancelled job stops.
"""

import datetime
import logging
import threading
import time
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from backoffice import fence
from backoffice.faults import fault_of
from backoffice.logs import request_id, running_job
from backoffice.metrics import count
from backoffice.models import Job

logger = logging.getLogger(__name__)

RUN_JOB = "run_job"  # the task in backoffice.tasks that calls run()
INTERRUPTED_AFTER = datetime.timedelta(minutes=1)
ATTEMPTS = 5
REPORT_EVERY_SECONDS = 0.5
HEARTBEAT_SECONDS = 15
ASK_AGAIN_SECONDS = 30
UNKNOWN = "It waits for a worker of a newer version: the one that looked does not know this kind of work."
# Set by a worker that was told to stop: its jobs stop at the next safe place.
stopping = threading.Event()

# {kind: function(job, progress)}; a function writes its result, if any, to job.result_path and sets job.result_name.
# What it leaves in job.message is told, also when it is cancelled or fails.
KINDS = {}
# {kind: permission} of kinds whose results are for few: asked for at every download, and each download is logged.
GUARDED = {}
# Kinds that go on where they stopped, whatever stopped them: an interrupted job is queued again by itself.
RESUMABLE = set()


class Cancelled(Exception):
    """Somebody asked the running job to stop."""


class Superseded(Exception):
    """The job is another run's by now: this one was taken for interrupted, and writes nothing any more."""


class Stopped(Exception):
    """The worker was told to stop; the job goes on in the next one, where its kind bears that."""


class CannotGoOn(Exception):
    """A job stops for a reason that its sentence tells; what it did so far stands."""


def kind(name, permission="", resumable=False):
    """Registers the function of a kind. With `permission`, only its holders get the result, and that is logged.

    A `resumable` one does nothing twice when it is run again. That an earlier run may still be at work is seen to:
    services.acting() and Progress raise Superseded in it, and each run has a file of its own for the result.
    """

    def register(function):
        KINDS[name] = function
        if resumable:
            RESUMABLE.add(name)
        if permission:
            GUARDED[name] = permission
        return function

    return register


class Progress:
    """How far a job is. `step()` may be called for every row: it writes twice a second at the most."""

    def __init__(self, job):
        self.job = job
        self.reported = time.monotonic()  # the job has just begun, which counts as a sign of life

    def start(self, total):
        self.job.total = total
        self.report()

    def step(self, rows=1):
        """Raises Cancelled if the job shall stop, Stopped if the worker shall, Superseded if the job is another's."""
        self.job.done += rows
        if stopping.is_set():
            raise Stopped
        if time.monotonic() - self.reported > REPORT_EVERY_SECONDS:
            self.report()

    def report(self):
        self.reported = time.monotonic()
        if not ours(self.job).update(done=self.job.done, total=self.job.total, touched_at=Now()):
            raise Superseded
        if Job.objects.filter(pk=self.job.pk, cancel_requested=True).exists():
            raise Cancelled


def ours(job):
    """The row of a job while it is this run's."""
    return Job.objects.filter(pk=job.pk, attempts=job.attempts, status=Job.Status.RUNNING)


def hold(job):
    """Keeps a running job this run's until the transaction ends; raises Superseded if it is not.

    The lock is the weakest there is: signs of life pass, looking after it as interrupted does not.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"select from {connection.ops.quote_name(Job._meta.db_table)}"
            " where id = %s and attempts = %s and status = 'running' for key share",
            [job.pk, job.attempts],
        )
        if not cursor.rowcount:
            raise Superseded


@transaction.atomic
def start(kind, *, title, owner, **params):
    """Make a job and queue it. Returns the Job."""
    job = Job.objects.create(kind=kind, title=title, owner=owner, params=params)
    enqueue(job)
    return job


def enqueue(job):
    asked_in = request_id.get() or running_job.get().get("started_by", "")
    app.configure_task(RUN_JOB).defer(job_id=str(job.pk), request_id=asked_in)


@transaction.atomic
def retry(job):
    """Queue a failed or cancelled job once more, from its beginning."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.can_retry:
        queue_again(job)
    return job


def queue_again(job):
    job.status = Job.Status.QUEUED
    job.done, job.total, job.message = 0, None, ""
    job.cancel_requested = False
    job.started_at = job.finished_at = job.touched_at = None
    job.save()
    enqueue(job)


@transaction.atomic
def cancel(job):
    """A queued job is cancelled at once, a running one when it next reports."""
    job = Job.objects.select_for_update(no_key=True).get(pk=job.pk)
    if job.status == Job.Status.QUEUED:
        finish(job, Job.Status.CANCELLED, "Cancelled before it began.")
    elif job.status == Job.Status.RUNNING and interrupted().select_for_update(skip_locked=True).filter(
        pk=job.pk
    ):
        finish(job, Job.Status.CANCELLED, "Cancelled; the worker had stopped.")
    elif job.status == Job.Status.RUNNING:
        job.cancel_requested = True
        job.save(update_fields=["cancel_requested"])
    return job


def run(job_id):
    """Do the work of one queued job, in the worker. A job that is not queued (any more) is left alone."""
    job = begin(job_id)
    if job is None:
        return
    logger.info("A job began.", extra={"job": str(job.pk), "kind": job.kind})
    try:
        with heartbeat(job), fence.asking(lambda: hold(job)):
            KINDS[job.kind](job, Progress(job))
        end(job, Job.Status.SUCCEEDED, job.message)
    except Cancelled:
        discard_result(job)
        end(job, Job.Status.CANCELLED, f"Cancelled while it ran. {job.message}".strip())
    except Superseded:
        discard_result(job)
        logger.warning("A job went on elsewhere; this run of it ends.", extra={"job": str(job.pk)})
    except Stopped:
        discard_result(job)
        stop(job)
    except (ValidationError, PermissionDenied) as error:
        discard_result(job)
        words = " ".join(getattr(error, "messages", None) or [str(error)])
        end(job, Job.Status.FAILED, f"Nothing was changed: {words}"[:500])
    except CannotGoOn as error:
        discard_result(job)
        end(job, Job.Status.FAILED, f"{error} {job.message}".strip()[:500])
    except Exception as error:
        # Whatever it was, the person who waits is told, and the log has the rest.
        logger.exception("A job failed.", extra={"job": str(job.pk)})
        discard_result(job)
        fault = fault_of(error)
        if fault and not fault.too_long and can_go_on(job):
            return give_back(job)
        told = f"{fault.title}. {fault.text}" if fault else "It failed; the log has the details."
        kept = job.message or "Nothing of the result was kept."
        end(job, Job.Status.FAILED, f"{told} {kept}"[:500])


@transaction.atomic
def begin(job_id):
    """The queued job, running from now on; None if it is not queued, or of a kind that this worker does not know."""
    job = Job.objects.select_for_update().filter(pk=job_id, status=Job.Status.QUEUED).first()
    if job is None:
        return None
    if job.kind not in KINDS:  # a worker of an older version: another one may know it
        job.message = UNKNOWN
        job.save(update_fields=["message"])
        app.configure_task(RUN_JOB, schedule_in={"seconds": ASK_AGAIN_SECONDS}).defer(job_id=str(job.pk))
        return None
    job.status = Job.Status.RUNNING
    job.attempts += 1
    job.message = ""
    job.started_at = timezone.now()
    job.save()
    ours(job).update(touched_at=Now())
    job.draft = f"{job.pk}.{job.attempts}.draft"
    return job


@transaction.atomic
def end(job, status, message):
    """The end of this run, unless the job is another's by now: that one's end counts."""
    if ours(job).select_for_update().first() is None:
        return discard_result(job)
    if job.result_name:
        draft, job.draft = job.result_path, ""
        draft.replace(job.result_path)
    finish(job, status, message)


@transaction.atomic
def give_back(job):
    """This run's job is queued again, from its beginning."""
    if ours(job).select_for_update().first():
        queue_again(job)


def stop(job):
    if job.kind in RESUMABLE:
        give_back(job)
    else:
        end(job, Job.Status.FAILED, "It was interrupted: the worker was stopped. You can retry it.")


@contextmanager
def heartbeat(job):
    """Signs of life while the work itself gives none, such as during a long sort in the database."""
    stopped = threading.Event()

    def beat():
        while not stopped.wait(HEARTBEAT_SECONDS):
            try:
                ours(job).update(touched_at=Now())
            except (DatabaseError, InterfaceError):
                logger.warning("A job's sign of life could not be written.", extra={"job": str(job.pk)})
                connection.close()
        connection.close()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def finish(job, status, message):
    job.status = status
    job.message = message
    job.finished_at = timezone.now()
    if job.result_name:
        job.result_bytes = job.result_path.stat().st_size
        job.expires_at = job.finished_at + datetime.timedelta(days=settings.JOB_FILES_DAYS)
    job.save()
    seconds = round((job.finished_at - job.started_at).total_seconds(), 1) if job.started_at else None
    ended = {"job": str(job.pk), "kind": job.kind, "status": job.status, "seconds": seconds}
    logger.info("A job ended.", extra=ended)
    count.job_ended(job.kind, job.status, seconds)


def discard_result(job):
    """Forgets the result, and what runs that were interrupted left of theirs."""
    job.result_name = ""
    job.result_path.unlink(missing_ok=True)
    if not job.draft:
        for draft in job.result_path.parent.glob(f"{job.pk}.*.draft"):
            draft.unlink(missing_ok=True)


def can_go_on(job):
    return job.kind in RESUMABLE and job.attempts < ATTEMPTS


def look_after(job):
    """An interrupted job is queued again where its kind bears that, a few times; else it has failed."""
    discard_result(job)
    if job.cancel_requested:
        finish(job, Job.Status.CANCELLED, "Cancelled; the worker had stopped.")
    elif can_go_on(job):
        queue_again(job)
    else:
        finish(job, Job.Status.FAILED, "It was interrupted: the worker stopped. You can retry it.")


def interrupted():
    """Running jobs without a sign of life. One in the middle of a write is locked (`hold`): that is a sign, too."""
    return Job.objects.filter(status=Job.Status.RUNNING, touched_at__lt=Now() - INTERRUPTED_AFTER)


def lost():
    """Queued jobs for which no entry of the queue waits: whoever took it was killed before it began."""
    entries = ProcrastinateJob.objects.filter(task_name=RUN_JOB, status="todo")
    waiting = [args["job_id"] for args in entries.values_list("args", flat=True)]
    queued = Job.objects.filter(status=Job.Status.QUEUED, created_at__lt=Now() - INTERRUPTED_AFTER)
    return queued.exclude(pk__in=waiting)


def tidy():
    """Look after interrupted jobs and delete expired results. Runs every minute in the worker."""
    for pk in list(interrupted().values_list("pk", flat=True)):
        with transaction.atomic():
            if job := interrupted().select_for_update(skip_locked=True).filter(pk=pk).first():
                look_after(job)
    for job in lost():
        enqueue(job)
    for job in Job.objects.exclude(result_name="").filter(expires_at__lt=Now()):
        discard_result(job)
        job.save(update_fields=["result_name"])
