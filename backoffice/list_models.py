"""What is kept about lists: the columns a person chose, saved views, and what a bulk action did row by row."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse


class SavedView(models.Model):
    """A named state of one list: filters and order as a query string, and columns. Shared ones are everybody's to open
    who may see the list. `list_name` is its url name.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="saved_views"
    )
    list_name = models.CharField(max_length=100)
    name = models.CharField(max_length=80)
    shared = models.BooleanField(default=False)
    query = models.TextField(blank=True)
    columns = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        default_permissions = []
        constraints = [
            models.UniqueConstraint("owner", "list_name", Lower("name"), name="saved_view_name_once"),
        ]
        indexes = [models.Index(fields=["list_name"], name="saved_view_list")]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("view_open", args=[self.pk])


class ListChoice(models.Model):
    """How one person last had one list: columns, and the view it opens with. Bookkeeping, so without audit."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    list_name = models.CharField(max_length=100)
    columns = models.JSONField(null=True)
    default_view = models.ForeignKey(SavedView, models.SET_NULL, null=True, related_name="+")

    class Meta:
        default_permissions = []
        constraints = [models.UniqueConstraint(fields=["user", "list_name"], name="list_choice_once")]

    def __str__(self):
        return self.list_name


class BulkRun(models.Model):
    """A bulk action on rows fixed when its confirmation was shown; `job` once it was confirmed.

    Bookkeeping, so without audit: each change leaves its own entry, all of them under the id of the job as request.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    list_name = models.CharField(max_length=100)
    action = models.CharField(max_length=100)
    query = models.TextField(blank=True)
    row_ids = models.JSONField()
    form = models.JSONField(default=dict)
    job = models.OneToOneField("backoffice.Job", models.CASCADE, null=True, related_name="bulk_run")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = []

    def __str__(self):
        return f"{self.action} of {len(self.row_ids)}"

    def get_absolute_url(self):
        return reverse("bulk_confirm", args=[self.pk])


class BulkResult(models.Model):
    """What became of one row of a bulk action, written in the same transaction as the change itself."""

    class Outcome(models.TextChoices):
        CHANGED = "changed"
        SKIPPED = "skipped"
        FAILED = "failed"

    run = models.ForeignKey(BulkRun, models.CASCADE, related_name="results")
    row_id = models.CharField(max_length=64)
    label = models.CharField(max_length=200)
    outcome = models.CharField(max_length=10, choices=Outcome)
    message = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        default_permissions = []
        constraints = [models.UniqueConstraint(fields=["run", "row_id"], name="bulk_row_once")]

    def __str__(self):
        return f"{self.label}: {self.outcome}"
