"""The credit ledger (`public.credit_transactions`), and who stands for changes from outside."""

from django.db import models
from django.db.models import Exists, F, OuterRef, Sum
from django.db.models.functions import Now

from backoffice.model_fields import LooseForeignKey, OpenChoiceField
from backoffice.page_model import PageModel


class LedgerQuerySet(models.QuerySet):
    def outside(self):
        """Changes that did not come through the posting function."""
        return self.filter(kind=CreditTransaction.Kind.OUTSIDE)

    def adopted(self):
        return self.outside().filter(adoption__isnull=False)

    def unexplained(self):
        """Changes from outside that nobody stands for, and of which something is left."""
        adopted = Adoption.objects.filter(transaction=OuterRef("pk"))
        return self.outside().filter(~Exists(adopted), ~self.reversal(wholly=True))

    @staticmethod
    def reversal(*, wholly=False):
        """The condition that something of a posting was reversed, or all of it."""
        found = CreditTransaction.objects.order_by().filter(reverses=OuterRef("pk"))
        if wholly:
            taken = found.values("reverses").annotate(taken=Sum("amount"))
            found = taken.filter(taken=-F("reverses__amount"))
        return Exists(found)


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

    named_by = ("amount", "kind")

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

    objects = LedgerQuerySet.as_manager()

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
        amount = "?" if self.amount is None else f"{self.amount:+,}"
        return f"{amount} {self.get_kind_display() or 'of unknown kind'}"

    @property
    def is_outside(self):
        return self.kind == self.Kind.OUTSIDE

    @property
    def adopted(self):
        """The Adoption, or None."""
        return getattr(self, "adoption", None)

    @property
    def can_be_reversed(self):
        """Whether a reversal makes sense for such a row at all; what is left of it is another question."""
        return self.kind not in NOT_REVERSED and self.organization is not None

    def left_to_reverse(self):
        """How much of it was not taken back yet, as a positive Decimal (asks the database)."""
        taken_back = self.reversals.aggregate(total=Sum("amount"))["total"] or 0
        return abs(self.amount + taken_back)


NOT_REVERSED = (
    CreditTransaction.Kind.REVERSAL,
    CreditTransaction.Kind.OPENING,
    CreditTransaction.Kind.CLOSING,
)


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
