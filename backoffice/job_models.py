import datetime
import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils import timezone

from backoffice.addresses import row_address
from backoffice.page_model import PageModel

WAITS_LONG = datetime.timedelta(minutes=2)


class Job(PageModel):
    """Long work with progress, done by the worker. Its result is a file that expires.

    `kind` names a function in backoffice.jobs.KINDS, `params` is what it gets. `touched_at` is the worker's
    last sign of life, by the database's clock: a job that runs without one for a minute was interrupted. `attempts`
    numbers its runs; what an earlier run still writes does not count.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=50)
    title = models.CharField(max_length=200)
    params = models.JSONField(default=dict)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="jobs")
    status = models.CharField(max_length=20, choices=Status, default=Status.QUEUED)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    message = models.CharField(max_length=500, blank=True)
    cancel_requested = models.BooleanField(default=False)
    result_name = models.CharField("result", max_length=200, blank=True)
    result_bytes = models.BigIntegerField(null=True)
    attempts = models.IntegerField(default=0)
    created_at = models.DateTimeField("asked for", auto_now_add=True)
    started_at = models.DateTimeField("started", null=True)
    touched_at = models.DateTimeField("last sign of life", null=True)
    finished_at = models.DateTimeField("finished", null=True)
    expires_at = models.DateTimeField("result kept until", null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        default_permissions = ["view"]
        indexes = [
            models.Index(fields=["owner", "-created_at", "-id"], name="job_owner_newest"),
            models.Index(fields=["-created_at", "-id"], name="job_newest"),
        ]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return row_address("job_detail", self.pk)

    @property
    def is_open(self):
        return self.status in (self.Status.QUEUED, self.Status.RUNNING)

    @property
    def can_retry(self):
        return self.status in (self.Status.FAILED, self.Status.CANCELLED)

    draft = ""  # in the run itself: the result of this attempt, which becomes the job's when it succeeds

    @property
    def result_path(self):
        """Where the result lies (or will): outside every folder that is served."""
        return Path(settings.JOB_FILES_DIR) / (self.draft or f"{self.pk}.result")

    @property
    def waits_long(self):
        """Whether it should have been begun by now: no worker runs, or all of them are busy."""
        waits = self.status == self.Status.QUEUED and not self.attempts
        return waits and self.created_at < timezone.now() - WAITS_LONG

    @property
    def has_result(self):
        return bool(self.result_name) and (self.expires_at is None or self.expires_at > timezone.now())
