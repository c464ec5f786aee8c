"""What tenants use and pay (`public.usage_logs`, `public.credit_transactions`)."""

import uuid
from decimal import Decimal

from django.db import models
from django.db.models.functions import Now

from backoffice.keyset import newest
from backoffice.model_fields import LooseForeignKey, OpenChoiceField
from backoffice.page_model import PageModel


class UsageLogQuerySet(models.QuerySet):
    def unpriced(self):
        """Usage with tokens but no cost: the platform computes none."""
        return self.filter(tokens_used__gt=0).filter(models.Q(cost_usd=0) | models.Q(cost_usd=None))


class UsageLog(PageModel):
    """Tokens used by one interaction. `created_at` is the billing date.

    `organization` and `agent` are not checked against each other by the database.
    """

    class Channel(models.TextChoices):
        TEXT = "text"
        VOICE = "voice"
        PHONE = "phone"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agent = models.ForeignKey(
        "agents.Agent", models.DO_NOTHING, db_constraint=False, related_name="usage_logs"
    )
    organization = models.ForeignKey(
        "tenants.Organization", models.DO_NOTHING, db_constraint=False, related_name="usage_logs"
    )
    session = models.ForeignKey(
        "agents.AgentSession",
        models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="usage_logs",
    )
    tokens_used = models.IntegerField("tokens", null=True, blank=True, db_default=0)
    cost_usd = models.DecimalField(
        "cost (USD)", max_digits=10, decimal_places=4, null=True, blank=True, db_default=Decimal("0")
    )
    model_used = models.CharField("model", max_length=100, null=True, blank=True)
    channel = OpenChoiceField(max_length=50, null=True, blank=True, choices=Channel)
    created_at = models.DateTimeField(null=True, blank=True, editable=False, db_default=Now())

    objects = UsageLogQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "usage_logs"
        ordering = [newest().desc(), "-id"]
        verbose_name = "usage record"

    def __str__(self):
        return f"usage {str(self.pk)[:8]}"


class CreditTransaction(PageModel):
    """One change of one balance: append-only, written by the database whoever changes the balance.

    It survives its organization, so name and id are kept here and `organization` may read None.
    The sum of `amount` per organization is its balance.
    """

    class Kind(models.TextChoices):
        TOP_UP = "top_up", "Top-up"
        REFUND = "refund"
        GOODWILL = "goodwill"
        PROMOTION = "promotion"
        CORRECTION = "correction"
        SETTLEMENT = "settlement"
        REVERSAL = "reversal"
        OPENING = "opening"
        CLOSING = "closing"
        OUTSIDE = "outside", "Changed from outside"

    id = models.BigAutoField(primary_key=True)
    organization = LooseForeignKey("tenants.Organization", related_name="credit_transactions")
    organization_name = models.CharField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    balance_after = models.DecimalField(max_digits=12, decimal_places=2)
    kind = OpenChoiceField(choices=Kind)
    reason = models.CharField()
    reference = models.CharField(null=True, blank=True)
    note = models.TextField(null=True, blank=True)
    actor = models.CharField("by")
    actor_id = models.BigIntegerField(null=True, blank=True)
    idempotency_key = models.CharField(null=True, blank=True, unique=True)
    reverses = models.ForeignKey(
        "self", models.DO_NOTHING, db_constraint=False, null=True, blank=True, related_name="reversals"
    )
    db_role = models.CharField("database role")
    created_at = models.DateTimeField(editable=False, db_default=Now())

    class Meta:
        managed = False
        db_table = "credit_transactions"
        ordering = ["-id"]
        verbose_name = "credit transaction"
        permissions = [("post_credit", "Can post a credit adjustment")]

    def __str__(self):
        amount = "?" if self.amount is None else f"{self.amount:+}"
        return f"{amount} {self.get_kind_display() or 'of unknown kind'}"
