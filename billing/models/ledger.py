"""The credit ledger (`public.credit_transactions`), and who stands for changes from outside."""

from django.db import models
from django.db.models.functions import Now

from backoffice.model_fields import LooseForeignKey, OpenChoiceField
from backoffice.page_model import PageModel


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
        permissions = [
            ("post_credit", "Can post to the ledger: adjustments, reversals"),
            ("adopt_change", "Can stand for a change from outside"),
        ]

    def __str__(self):
        amount = "?" if self.amount is None else f"{self.amount:+}"
        return f"{amount} {self.get_kind_display() or 'of unknown kind'}"


class Adoption(PageModel):
    """A change from outside that somebody stands for: the ledger row stays as it is, with a reason."""

    id = models.BigAutoField(primary_key=True)
    transaction = models.OneToOneField(
        CreditTransaction, models.DO_NOTHING, db_constraint=False, related_name="adoption"
    )
    organization = LooseForeignKey("tenants.Organization", related_name="+")
    organization_name = models.CharField()
    reason = models.CharField()
    reference = models.CharField(null=True, blank=True)
    actor = models.CharField("by")
    actor_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(editable=False, db_default=Now())

    class Meta:
        managed = False
        db_table = '"billing"."adoption"'
        ordering = ["-id"]

    def __str__(self):
        return f"adoption of posting {self.transaction_id}"
