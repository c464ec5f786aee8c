"""What the checks of data health found last (docs/data-health.md). Written by the checks, which are nobody's doing."""

from django.apps import apps
from django.db import models
from django.urls import NoReverseMatch, reverse

from backoffice.health.findings import LEVELS, RANK, SECTIONS
from backoffice.model_fields import LooseForeignKey
from backoffice.page_model import PageModel


class HealthFinding(PageModel):
    """One finding, as of `checked_at`. A rule that looked at rows and found none is kept too, with `count` 0.

    `position` sorts the worst first. `first_seen_at` stays as long as the finding lasts.
    """

    id = models.BigAutoField(primary_key=True)
    section = models.CharField(max_length=20, choices=[(name, s.label) for name, s in SECTIONS.items()])
    rule = models.CharField(max_length=60)
    subject = models.CharField(max_length=300, blank=True)
    level = models.CharField(max_length=10, choices=list(LEVELS.items()))
    text = models.TextField("finding")
    remedy = models.TextField("what to do", blank=True)
    count = models.BigIntegerField("rows", default=1)
    is_more = models.BooleanField("counting stopped", default=False)
    url = models.CharField("leads to", max_length=500, blank=True)
    position = models.BigIntegerField()
    first_seen_at = models.DateTimeField("first seen")
    checked_at = models.DateTimeField("as of")

    class Meta:
        ordering = ["position", "id"]
        verbose_name = "finding of data health"
        verbose_name_plural = "findings of data health"
        default_permissions = ["view"]
        permissions = [("run_health_check", "Can check the data's health now")]
        constraints = [
            models.UniqueConstraint(fields=["section", "rule", "subject"], name="health_finding_once")
        ]
        indexes = [models.Index(fields=["position", "id"], name="health_finding_worst")]

    def __str__(self):
        return self.text

    def get_absolute_url(self):
        return self.url or reverse("health_section", args=[self.section])


def position_of(level, section):
    return RANK[level] * 100 + list(SECTIONS).index(section)


class HealthRow(PageModel):
    """A row that a rule found. `record` names its model (`telephony.calllog`). No personal data, no secret."""

    id = models.BigAutoField(primary_key=True)
    rule = models.CharField(max_length=60)
    record = models.CharField("kind of row", max_length=60)
    row_id = models.UUIDField("row's id", null=True)
    organization = LooseForeignKey("tenants.Organization", related_name="+", db_index=False)
    detail = models.CharField("what", max_length=300, blank=True)

    # It only repeats what the platform's tables hold.
    is_derived = True

    class Meta:
        ordering = ["id"]
        verbose_name = "row found by a rule"
        verbose_name_plural = "rows found by rules"
        default_permissions = []
        indexes = [
            models.Index(fields=["rule", "id"], name="health_row_rule"),
            models.Index(fields=["organization", "id"], name="health_row_tenant"),
        ]

    def __str__(self):
        return f"{self.kind} {self.row_id}"

    @property
    def row_model(self):
        """The model of the row; None for one that does not exist."""
        try:
            return apps.get_model(self.record)
        except (LookupError, ValueError):
            return None

    @property
    def kind(self):
        return self.row_model._meta.verbose_name if self.row_model else self.record

    def get_absolute_url(self):
        """The page of the row itself, "" where its kind has none."""
        try:
            return self.row_model(pk=self.row_id).get_absolute_url()
        except (NoReverseMatch, AttributeError, TypeError):
            return ""


class HealthCheck(models.Model):
    """When a part of the checks ("catalog", "rows", "sizes") was last done, and how long it took."""

    part = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()
    seconds = models.FloatField()

    class Meta:
        default_permissions = []

    def __str__(self):
        return f"{self.part} at {self.at}"


class TableSize(models.Model):
    """A table's size on a day (UTC), in bytes; of each day the last measure."""

    day = models.DateField()
    table = models.CharField(max_length=130)
    rows = models.BigIntegerField()
    table_bytes = models.BigIntegerField()
    index_bytes = models.BigIntegerField()
    toast_bytes = models.BigIntegerField()
    dead_rows = models.BigIntegerField()

    class Meta:
        default_permissions = []
        constraints = [models.UniqueConstraint(fields=["table", "day"], name="table_size_once_a_day")]
        indexes = [models.Index(fields=["day"], name="table_size_day")]

    def __str__(self):
        return f"{self.table} on {self.day}"
