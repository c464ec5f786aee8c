"""Files of postings, approved once and posted row by row (schema `billing`)."""

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from backoffice.model_fields import LooseForeignKey, OpenChoiceField
from backoffice.page_model import PageModel
from billing.models.ledger import CreditTransaction


class BulkPostingQuerySet(models.QuerySet):
    def in_state(self, state):
        """Files of a status; one that waited too long counts as expired, whatever is stored."""
        pending, now = BulkPosting.Status.PENDING, timezone.now()
        if state == pending:
            return self.filter(status=pending, expires_at__gt=now)
        if state == BulkPosting.Status.EXPIRED:
            return self.filter(models.Q(status=state) | models.Q(status=pending, expires_at__lte=now))
        return self.filter(status=state)

    def waiting_for(self, user):
        """Files about which `user` can decide: those that somebody else checked."""
        return self.in_state(BulkPosting.Status.PENDING).exclude(requested_by=user.pk)


class BulkPosting(PageModel):
    """A checked file. `row_count` are the lines that can be posted, `amount` is their sum; `left_out` the others.

    `job` posts it; it is there as soon as the file is approved.
    """

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
    reason = models.CharField()
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
    job = LooseForeignKey("backoffice.Job", blank=True, related_name="+")

    objects = BulkPostingQuerySet.as_manager()

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

    @property
    def state(self):
        """The status; "expired" where nobody decided in time."""
        if self.status == self.Status.PENDING and self.expires_at <= timezone.now():
            return self.Status.EXPIRED
        return self.status

    @property
    def is_open(self):
        return self.state == self.Status.PENDING


class BulkPostingRow(models.Model):
    """One line of a file, `number` as an editor counts them. `problem` says why it is never posted, `outcome` what
    became of the others; `message` explains either.
    """

    class Problem(models.TextChoices):
        MALFORMED = "malformed"
        UNKNOWN = "unknown", "Unknown organization"
        AMBIGUOUS = "ambiguous", "Ambiguous organization"
        DUPLICATE = "duplicate"
        OVER_LIMIT = "over_limit", "Over the limit"
        OUT_OF_RANGE = "out_of_range", "Balance out of range"

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
    problem = OpenChoiceField(null=True, choices=Problem)
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
