"""Months that were closed (schema `billing`)."""

import uuid

from django.db import models
from django.db.models.functions import Now

from backoffice.model_fields import LooseForeignKey
from backoffice.page_model import PageModel


class Statement(PageModel):
    """One organization's month (UTC), frozen: `content` is canonical JSON, `sha256` that of its bytes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = LooseForeignKey("tenants.Organization", related_name="statements")
    organization_name = models.CharField()
    month = models.DateField()
    opening = models.DecimalField(max_digits=14, decimal_places=2)
    closing = models.DecimalField(max_digits=14, decimal_places=2)
    content = models.TextField()
    sha256 = models.CharField("fingerprint")
    last_posting = models.BigIntegerField()
    actor = models.CharField("by")
    actor_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField("closed", db_default=Now())

    class Meta:
        managed = False
        db_table = '"billing"."statement"'
        ordering = ["-month", "-id"]
        permissions = [("close_month", "Can close months")]

    def __str__(self):
        month = "no month" if self.month is None else f"{self.month:%B %Y}"
        return f"{self.organization_name}, {month}"
