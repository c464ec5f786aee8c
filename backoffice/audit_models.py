"""What the database recorded about changes and readings (schema `audit`, not ours to alter)."""

from functools import cache

from django.apps import apps
from django.db import models

from backoffice.model_fields import JSONField, LooseForeignKey, OpenChoiceField
from backoffice.page_model import PageModel


@cache
def models_by_table():
    """{name of a table in the audit: its model}."""
    return {audit_name(model): model for model in apps.get_models(include_auto_created=True)}


def audit_name(model):
    """The name of a model's table in the audit; the platform's tables go by their plain names."""
    table = model._meta.db_table
    return f"backoffice.{table}" if model._meta.managed else table.replace('"', "")


# What tables are called that have no model, or none with a name for people.
NAMES = {
    "audit.event": "changes",
    "audit.read_log": "readings",
    "backoffice.backoffice_user": "staff account",
    "backoffice.backoffice_user_groups": "role of a staff account",
    "backoffice.backoffice_user_user_permissions": "right of a staff account",
}


def kind_of(table):
    """What the rows of a table are called, by its name in the audit: "phone number". Readings name our own tables
    without their schema.
    """
    if f"backoffice.{table}" in models_by_table():
        table = f"backoffice.{table}"
    model = models_by_table().get(table)
    return NAMES.get(table) or (str(model._meta.verbose_name) if model else table)


class AuditQuerySet(models.QuerySet):
    def of(self, obj):
        """Entries about one record, newest first."""
        return self.filter(table_name=audit_name(obj), row_id=str(obj.pk))


class AuditEvent(PageModel):
    """One row written, changed or deleted, recorded by a trigger in the same transaction.

    `old` and `new` hold the changed columns only, secrets as "[secret]" or "[secret, changed]". `source`
    tells changes made here from those made in SQL or by the platform; `actor` is a name, which stays when
    the account goes.
    """

    class Action(models.TextChoices):
        INSERT = "insert", "Created"
        UPDATE = "update", "Changed"
        DELETE = "delete", "Deleted"

    class Source(models.TextChoices):
        APP = "app", "Back office"
        OUTSIDE = "outside", "Outside"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField("time")
    table_name = models.CharField("table")
    row_id = models.CharField("record id")
    row_label = models.CharField("record")
    organization = LooseForeignKey("tenants.Organization", related_name="+")
    action = OpenChoiceField(choices=Action)
    old = JSONField(null=True)
    new = JSONField(null=True)
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField("by")
    reason = models.CharField(null=True)
    request_id = models.CharField("request", null=True)
    db_role = models.CharField("database role")
    jwt_sub = models.CharField("login id", null=True)
    source = OpenChoiceField(choices=Source)

    objects = AuditQuerySet.as_manager()

    class Meta:
        app_label = "backoffice"
        managed = False
        db_table = '"audit"."event"'
        ordering = ["-id"]
        verbose_name = "audit event"

    def __str__(self):
        return f"{self.record}: {self.get_action_display().lower()}"

    @property
    def record(self):
        """What it is about, in words: "phone number +14155550100"."""
        return f"{kind_of(self.table_name)} {self.row_label or self.row_id or ''}".strip()

    @property
    def changes(self):
        """`{column: [old, new]}`; a missing side is None."""
        old = self.old if isinstance(self.old, dict) else {}
        new = self.new if isinstance(self.new, dict) else {}
        return {column: [old.get(column), new.get(column)] for column in {**old, **new}}


class ReadLog(PageModel):
    """Somebody looked at personal content: what, of whom, why."""

    class Kind(models.TextChoices):
        TRANSCRIPT = "transcript", "Opened a transcript"
        REVEAL = "reveal", "Revealed masked content"
        RECORDING = "recording", "Played or downloaded a recording"
        EXPORT = "export", "Exported"
        SEARCH = "search", "Searched conversations for personal data"
        PREVIEW = "preview", "Looked as the tenant sees it"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField("time")
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField("by")
    kind = OpenChoiceField(choices=Kind)
    table_name = models.CharField("table")
    row_id = models.CharField("record id", null=True)
    row_label = models.CharField("record", null=True)
    organization = LooseForeignKey("tenants.Organization", related_name="+")
    detail = models.CharField(null=True)
    reason = models.CharField(null=True)
    request_id = models.CharField("request", null=True)
    db_role = models.CharField("database role")

    objects = AuditQuerySet.as_manager()

    class Meta:
        app_label = "backoffice"
        managed = False
        db_table = '"audit"."read_log"'
        ordering = ["-id"]
        verbose_name = "read log entry"
        verbose_name_plural = "read log entries"

    def __str__(self):
        return f"{self.kind}: {self.table_name or ''} {self.row_label or self.row_id or ''}"

    @property
    def record(self):
        """What was read, in words; of a search what was searched for."""
        name = self.row_label or self.row_id
        if self.kind == self.Kind.SEARCH or not name:
            name = self.detail
        return f"{kind_of(self.table_name)} {name or ''}".strip()
