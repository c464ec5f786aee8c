"""Files of postings, approved once and posted row by row (schema `billing`)."""

import uuid

from django.db import models
from django.db.models.functions import Now

from backoffice.model_fields import LooseForeignKey, OpenChoiceField
from backoffice.page_model import PageModel
from billing.models.ledger import CreditTransaction


class BulkPosting(PageModel):
    """A checked file. `row_count` are the lines that can be posted, `amount` is their sum; `left_out` the others."""

    class Status(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"
        EXPIRED = "expired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField("file")
    sha256 = models.CharField("fingerprint")
    kind = OpenChoiceField(choices=CreditTransaction.Kind)
    row_count = models.IntegerField("rows to post")
    left_out = models.IntegerField("rows left out")
    amount = models.DecimalField("sum", max_digits=14, decimal_places=2)
    requested_by = models.BigIntegerField(editable=False)
    requested_by_name = models.CharField("checked by")
    requested_at = models.DateTimeField("checked", editable=False, db_default=Now())
    expires_at = models.DateTimeField("expires")
    status = OpenChoiceField(choices=Status)
    decided_by = models.BigIntegerField(null=True, blank=True)
    decided_by_name = models.CharField("decided by", null=True, blank=True)
    decided_at = models.DateTimeField("decided", null=True, blank=True)
    comment = models.CharField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = '"billing"."bulk_posting"'
        ordering = ["-requested_at", "-id"]
        permissions = [
            ("prepare_bulk_posting", "Can check a file of postings and ask for its approval"),
            ("decide_bulk_posting", "Can approve or decline a file that somebody else checked"),
        ]

    def __str__(self):
        return self.name or "file without a name"


class BulkPostingRow(models.Model):
    """One line of a file. `problem` says why it is never posted; `outcome` what became of the others."""

    class Outcome(models.TextChoices):
        POSTED = "posted"
        FAILED = "failed"

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(BulkPosting, models.DO_NOTHING, db_constraint=False, related_name="rows")
    number = models.IntegerField("line")
    given = models.CharField()
    organization = LooseForeignKey("tenants.Organization", related_name="+")
    organization_name = models.CharField(null=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    given_amount = models.CharField()
    reason = models.CharField()
    reference = models.CharField(null=True)
    problem = models.CharField(null=True)
    outcome = OpenChoiceField(null=True, choices=Outcome)
    message = models.CharField(null=True)
    transaction = models.OneToOneField(
        CreditTransaction, models.DO_NOTHING, db_constraint=False, null=True, related_name="bulk_row"
    )
    done_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = '"billing"."bulk_posting_row"'
        ordering = ["run", "number"]

    def __str__(self):
        return f"line {self.number}"
