"""Who may post how much alone, and what waits for a second person (schema `billing`)."""

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from backoffice.model_fields import LooseForeignKey, OpenChoiceField
from backoffice.page_model import PageModel
from billing.models.ledger import CreditTransaction


class CreditLimit(PageModel):
    """What a role may post without a second person, in credits: one posting, and one person within 24 hours."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField("role", unique=True, editable=False)
    per_posting = models.DecimalField(max_digits=12, decimal_places=2)
    per_day = models.DecimalField("per 24 hours", max_digits=12, decimal_places=2)

    class Meta:
        managed = False
        db_table = '"billing"."credit_limit"'
        ordering = ["name"]

    def __str__(self):
        return f"limit of {self.name}"


class CreditRequestQuerySet(models.QuerySet):
    def waiting(self):
        return self.filter(status=CreditRequest.Status.PENDING, expires_at__gt=timezone.now())

    def expired(self):
        return self.filter(status=CreditRequest.Status.PENDING, expires_at__lte=timezone.now())

    def decidable_by(self, user):
        """Those that wait for somebody else than who asked; whether the user may decide is a permission."""
        return self.waiting().exclude(requested_by=user.pk)


class CreditRequest(PageModel):
    """A posting that waits for a second person; nothing of it but the decision ever changes."""

    class Status(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = LooseForeignKey("tenants.Organization", related_name="credit_requests")
    organization_name = models.CharField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    kind = OpenChoiceField(choices=CreditTransaction.Kind)
    reason = models.CharField()
    reference = models.CharField(null=True, blank=True)
    note = models.TextField(null=True, blank=True)
    reverses = models.ForeignKey(
        CreditTransaction, models.DO_NOTHING, db_constraint=False, null=True, blank=True, related_name="+"
    )
    balance_before = models.DecimalField("balance when asked", max_digits=12, decimal_places=2)
    idempotency_key = models.CharField(null=True, blank=True, unique=True)
    requested_by = models.BigIntegerField(editable=False)
    requested_by_name = models.CharField("requested by")
    requested_at = models.DateTimeField(editable=False, db_default=Now())
    expires_at = models.DateTimeField("expires")
    status = OpenChoiceField(choices=Status)
    decided_by = models.BigIntegerField(null=True, blank=True)
    decided_by_name = models.CharField("decided by", null=True, blank=True)
    decided_at = models.DateTimeField("decided", null=True, blank=True)
    comment = models.CharField(null=True, blank=True)
    transaction = models.OneToOneField(
        CreditTransaction,
        models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="request",
        verbose_name="posting",
    )

    objects = CreditRequestQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = '"billing"."credit_request"'
        ordering = ["-requested_at", "-id"]
        permissions = [
            ("request_credit", "Can ask for a credit adjustment"),
            ("decide_credit", "Can approve or decline what somebody else asked for"),
        ]

    def __str__(self):
        amount = "?" if self.amount is None else f"{self.amount:+,}"
        return f"{amount} for {self.organization_name}"

    @property
    def has_expired(self):
        return self.status == self.Status.PENDING and self.expires_at <= timezone.now()

    @property
    def is_waiting(self):
        return self.status == self.Status.PENDING and not self.has_expired

    @property
    def state(self):
        """The status as people see it: one that nobody decided about in time is "expired"."""
        return "expired" if self.has_expired else self.status
