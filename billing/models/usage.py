"""What tenants use (`public.usage_logs`)."""

import datetime
import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from backoffice.keyset import newest
from backoffice.model_fields import NAN, OpenChoiceField
from backoffice.page_model import PageModel
from billing.models.settlement import SettledRow

WITHOUT_COST = models.Q(models.Q(cost_usd=0) | models.Q(cost_usd=None), tokens_used__gt=0)


class UsageLogQuerySet(models.QuerySet):
    def unpriced(self):
        """Usage with tokens but no cost (the platform computes none), or with a cost that is no number."""
        return self.filter(models.Q(cost_usd=NAN) | WITHOUT_COST)

    def uncosted(self):
        """Usage with tokens but no cost: what a price can be estimated for."""
        return self.filter(WITHOUT_COST)

    def priced(self):
        return self.filter(cost_usd__gt=0).exclude(cost_usd=NAN)

    def odd_costs(self):
        """Usage whose cost is below zero, or NaN, which is more than every number that fits into the column."""
        return self.filter(models.Q(cost_usd__lt=0) | models.Q(cost_usd__gt=Decimal("999999.9999")))

    def settled(self):
        return self.filter(models.Exists(self._settlements()))

    def unsettled(self):
        """Usage that no settlement contains, of the days (UTC) from SETTLEMENT_FROM up to yesterday."""
        today = timezone.now().astimezone(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        first = settings.SETTLEMENT_FROM or today.date()
        since = datetime.datetime.combine(first, datetime.time.min, datetime.UTC)
        rows = self.alias(billed=newest()).filter(billed__gte=since, billed__lt=today)
        return rows.exclude(models.Exists(self._settlements()))

    @staticmethod
    def _settlements():
        return SettledRow.objects.filter(source=SettledRow.Source.USAGE, row_id=models.OuterRef("pk"))


class UsageLog(PageModel):
    """Tokens used by one interaction. `created_at` is the billing date.

    `organization` and `agent` are not checked against each other by the database.
    """

    class Channel(models.TextChoices):
        TEXT = "text"
        VOICE = "voice"
        PHONE = "phone"

    named_by = ("id",)

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
