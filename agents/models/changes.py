"""A change of settings in many agents: what it does, what its dry run found in each, and what became of each."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Count
from django.db.models.functions import Now

from backoffice.model_fields import LooseForeignKey
from backoffice.page_model import PageModel


class SettingChange(PageModel):
    """`row_ids` are the agents, fixed when the change was asked for; `deeds` is what it does (agents.questions.deeds).

    `check_job` works out the dry run of many agents. `job` does the change once it is confirmed; its id is the request
    of all that it writes, and of the one audit entry that the confirmation leaves.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField("change", max_length=200)
    deeds = models.JSONField()
    row_ids = models.JSONField()
    row_count = models.IntegerField("agents")
    list_query = models.TextField(
        "question", blank=True, help_text="The list it was asked from, as a query string."
    )
    owner = LooseForeignKey(settings.AUTH_USER_MODEL, related_name="+", db_index=False)
    owner_name = models.CharField("by", max_length=310)
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField("asked for", db_default=Now())
    checked_at = models.DateTimeField("dry run", null=True)
    confirmed_at = models.DateTimeField("confirmed", null=True)
    check_job = LooseForeignKey("backoffice.Job", related_name="+", db_index=False)
    job = LooseForeignKey("backoffice.Job", related_name="+", db_index=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        default_permissions = ["view"]
        verbose_name = "settings change"
        indexes = [models.Index(fields=["-created_at", "-id"], name="setting_change_newest")]

    def __str__(self):
        return self.name

    def states(self):
        """{state of the dry run: how many rows}."""
        return self.count_by("state", SettingChangeRow.State)

    def outcomes(self):
        """{outcome: how many rows that were to be changed}; None: not done yet."""
        return self.count_by("outcome", SettingChangeRow.Outcome, state=SettingChangeRow.State.READY)

    def count_by(self, column, choices, **where):
        rows = self.rows.filter(**where).order_by().values_list(column).annotate(count=Count("pk"))
        return {**dict.fromkeys(choices.values, 0), None: 0, **dict(rows)}


class SettingChangeRow(models.Model):
    """One agent. `fields` is [{setting, before, after, places}] without secrets; `seen` {setting: digest of what the
    dry run saw}, by which the change finds out whether somebody else was there since.
    """

    class State(models.TextChoices):
        READY = "ready", "Will change"
        ALREADY = "already", "Nothing to change"
        BLOCKED = "blocked", "Blocked"
        GONE = "gone", "Gone"

    class Outcome(models.TextChoices):
        CHANGED = "changed"
        SKIPPED = "skipped", "Skipped: changed since"
        BLOCKED = "blocked"
        FAILED = "failed"

    id = models.BigAutoField(primary_key=True)
    change = models.ForeignKey(SettingChange, models.CASCADE, related_name="rows", db_index=False)
    number = models.IntegerField()
    agent = LooseForeignKey("agents.Agent", related_name="+", db_index=False)
    agent_name = models.CharField(max_length=300)
    organization = LooseForeignKey("tenants.Organization", related_name="+", db_index=False)
    organization_name = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=10, choices=State)
    fields = models.JSONField(default=list)
    seen = models.JSONField(default=dict)
    problem = models.TextField(blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, null=True)
    message = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["change", "number"]
        default_permissions = []
        constraints = [models.UniqueConstraint(fields=["change", "number"], name="setting_change_row_once")]

    def __str__(self):
        return self.agent_name
