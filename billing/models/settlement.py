"""Usage and calls turned into ledger debits, by day and organization (schema `billing`). Days are of UTC."""

from django.db import models
from django.db.models.functions import Now

from backoffice.model_fields import LooseForeignKey
from backoffice.page_model import PageModel
from billing.models.ledger import CreditTransaction


class SettlementDay(PageModel):
    """A day that was settled, with the rates (credits per USD) that held; the last one finished is the watermark."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField(unique=True)
    usage_rate = models.DecimalField(max_digits=12, decimal_places=6)
    call_rate = models.DecimalField(max_digits=12, decimal_places=6)
    with_estimates = models.BooleanField()
    started_at = models.DateTimeField("started", db_default=Now())
    finished_at = models.DateTimeField("finished", null=True)
    actor = models.CharField("by")
    actor_id = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = '"billing"."settlement_day"'
        ordering = ["-day"]
        permissions = [("settle", "Can settle days")]

    def __str__(self):
        return f"settlement of {self.day}"


class Settlement(PageModel):
    """One organization on one day. Costs in USD, four places; `amount` in credits, rounded once, half to even.

    `estimated_cost` is contained in `usage_cost`; `late_cost` (of days before) in both costs.
    """

    id = models.BigAutoField(primary_key=True)
    organization = LooseForeignKey("tenants.Organization", related_name="settlements")
    organization_name = models.CharField()
    day = models.DateField()
    usage_cost = models.DecimalField(max_digits=16, decimal_places=4)
    call_cost = models.DecimalField(max_digits=16, decimal_places=4)
    estimated_cost = models.DecimalField(max_digits=16, decimal_places=4)
    late_cost = models.DecimalField(max_digits=16, decimal_places=4)
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
        return f"{self.organization_name}, {self.day}"


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
