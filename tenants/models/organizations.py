"""The platform's tenants (`public.organizations`)."""

import uuid
from decimal import Decimal

from django.db import models
from django.db.models.functions import Now

from backoffice.model_fields import LooseForeignKey
from backoffice.page_model import PageModel


class OrganizationQuerySet(models.QuerySet):
    def with_suspended(self):
        """Each with `is_suspended`: whether its numbers are switched off (see tenants/suspensions.py)."""
        from tenants.models import Suspension

        open_ones = Suspension.objects.open().filter(organization=models.OuterRef("pk"))
        return self.annotate(is_suspended=models.Exists(open_ones))

    def without_credit(self):
        """Tenants whose inbound calls are refused: balance zero, negative or not set."""
        return self.filter(models.Q(credits_balance__lte=0) | models.Q(credits_balance=None))


class Organization(PageModel):
    """A tenant. `owner` is a login; its profile has the same id and may be absent.

    `credits_balance` changes only through the posting function (`public.post_credit`), never by saving.
    """

    search_fields = named_by = ("name",)
    reviewed_fields = {"owner": "tenants:organization_owner?login"}

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    owner = LooseForeignKey("tenants.UserProfile", db_column="owner_id", related_name="organizations")
    credits_balance = models.DecimalField(
        max_digits=10, decimal_places=2, null=True, blank=True, editable=False, db_default=Decimal("0.00")
    )
    created_at = models.DateTimeField(null=True, blank=True, editable=False, db_default=Now())
    updated_at = models.DateTimeField(null=True, blank=True, editable=False, db_default=Now())

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "organizations"
        ordering = ["name", "id"]
        verbose_name = "organization"
        permissions = [("close_organization", "Can export everything of tenants and close them")]

    def __str__(self):
        return self.name or f"(no name) {self.pk}"

    @property
    def has_credit(self):
        """Whether the platform takes inbound calls for this tenant, as far as money goes."""
        balance = self.credits_balance
        return balance is not None and balance.is_finite() and balance > 0

    @property
    def lasts_7(self):
        return self.lasts(7)

    @property
    def lasts_28(self):
        return self.lasts(28)

    def lasts(self, days):
        """The balance and what was spent in 7 or 28 days, as last looked up: a tenants.health.Credit."""
        from tenants.health.credit import Credit

        found = getattr(self, "forecast", None)
        numbers = (
            [getattr(found, f"{name}_{days}") for name in ("deducted", "cost", "days")] if found else None
        )
        return Credit(
            self.pk, self.name, self.credits_balance, *(numbers or [Decimal(0), Decimal(0), Decimal(days)])
        )
