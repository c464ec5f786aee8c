"""Usage and calls turned into ledger debits, by day and organization (schema `billing`). Days are of UTC."""

from django.db import models
from django.db.models.functions import Now

from backoffice.model_fields import LooseForeignKey, OpenChoiceField
from backoffice.page_model import PageModel
from billing.models.ledger import CreditTransaction


class SettlementDay(PageModel):
    """A day that was settled, with the rates (credits per USD) that held; the last one finished is the watermark.

    The sums of its settlements are there once it is finished.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField(unique=True)
    usage_rate = models.DecimalField("credits per USD of usage", max_digits=12, decimal_places=6)
    call_rate = models.DecimalField("credits per USD of calls", max_digits=12, decimal_places=6)
    with_estimates = models.BooleanField("with estimates")
    started_at = models.DateTimeField("started", db_default=Now())
    finished_at = models.DateTimeField("finished", null=True)
    organizations = models.IntegerField(null=True)
    usage_cost = models.DecimalField("usage (USD)", max_digits=24, decimal_places=9, null=True)
    call_cost = models.DecimalField("calls (USD)", max_digits=24, decimal_places=9, null=True)
    estimated_cost = models.DecimalField("estimated (USD)", max_digits=24, decimal_places=9, null=True)
    late_cost = models.DecimalField("of days before (USD)", max_digits=24, decimal_places=9, null=True)
    amount = models.DecimalField("credits", max_digits=14, decimal_places=2, null=True)
    actor = models.CharField("by")
    actor_id = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = '"billing"."settlement_day"'
        ordering = ["-day"]
        permissions = [("settle", "Can settle days")]

    def __str__(self):
        return f"Settlement of {self.day}"


class Settlement(PageModel):
    """One organization on one day. Costs in USD with all their places; `amount` in credits, rounded once, half to even.

    `estimated_cost` is contained in `usage_cost`; `late_cost` (of days before) in both costs.
    """

    id = models.BigAutoField(primary_key=True)
    organization = LooseForeignKey("tenants.Organization", related_name="settlements")
    organization_name = models.CharField()
    day = models.DateField()
    usage_cost = models.DecimalField("usage (USD)", max_digits=24, decimal_places=9)
    call_cost = models.DecimalField("calls (USD)", max_digits=24, decimal_places=9)
    estimated_cost = models.DecimalField("estimated (USD)", max_digits=24, decimal_places=9)
    late_cost = models.DecimalField("of days before (USD)", max_digits=24, decimal_places=9)
    amount = models.DecimalField("credits", max_digits=12, decimal_places=2)
    transaction = models.OneToOneField(
        CreditTransaction,
        models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="settlement",
        verbose_name="posting",
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = '"billing"."settlement"'
        ordering = ["-id"]

    def __str__(self):
        return f"{self.organization_name or 'organization without a name'}, {self.day}"


class SettledRow(models.Model):
    """What one settlement took for one usage record or call: `cost` of it, after which it is settled at `total`."""

    class Source(models.TextChoices):
        USAGE = "usage"
        CALL = "call"

    pk = models.CompositePrimaryKey("settlement", "source", "row_id")
    settlement = models.ForeignKey(Settlement, models.DO_NOTHING, db_constraint=False, related_name="rows")
    source = OpenChoiceField(choices=Source)
    row_id = models.UUIDField()
    organization = LooseForeignKey("tenants.Organization", related_name="+")
    day = models.DateField()
    cost = models.DecimalField(max_digits=24, decimal_places=9)
    total = models.DecimalField(max_digits=24, decimal_places=9)
    tokens = models.BigIntegerField(null=True)
    is_estimated = models.BooleanField("estimated")
    is_late = models.BooleanField("of a day before")
    is_current = models.BooleanField()

    class Meta:
        managed = False
        db_table = '"billing"."settled_row"'
        ordering = ["source", "row_id"]

    def __str__(self):
        return f"{self.source} {self.row_id}"


class Price(PageModel):
    """What 1,000 tokens of a model cost from a day on, in USD, input and output blended."""

    id = models.BigAutoField(primary_key=True)
    model = models.CharField(max_length=100)
    valid_from = models.DateField()
    usd_per_1000 = models.DecimalField("USD per 1,000 tokens", max_digits=12, decimal_places=6)

    class Meta:
        managed = False
        db_table = '"billing"."price"'
        ordering = ["model", "-valid_from"]

    def __str__(self):
        return f"{self.model} from {self.valid_from}"
