"""Tenants of the platform and the people who own them (`public.organizations`, `public.user_profiles`)."""

import uuid
from decimal import Decimal

from django.db import models
from django.db.models.functions import Now

from backoffice.model_fields import LooseForeignKey, OpenChoiceField
from backoffice.page_model import PageModel


class OrganizationQuerySet(models.QuerySet):
    def without_credit(self):
        """Tenants whose inbound calls are refused: balance zero, negative or not set."""
        return self.filter(models.Q(credits_balance__lte=0) | models.Q(credits_balance=None))


class Organization(PageModel):
    """A tenant. `owner` is a login; its profile has the same id and may be absent.

    `credits_balance` changes only through the posting function (`public.post_credit`), never by saving.
    """

    search_fields = ("name",)

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

    def __str__(self):
        return self.name or f"(no name) {self.pk}"

    @property
    def has_credit(self):
        """Whether the platform takes inbound calls for this tenant, as far as money goes."""
        balance = self.credits_balance
        return balance is not None and balance.is_finite() and balance > 0


class UserProfile(PageModel):
    """One per login, with the same id. The e-mail is a copy from sign-up; the log-in keeps its own."""

    class Tier(models.TextChoices):
        FREE = "free"
        PRO = "pro"
        ENTERPRISE = "enterprise"

    search_fields = ("email", "full_name")

    id = models.UUIDField(primary_key=True, editable=False)
    email = models.EmailField("e-mail", max_length=255, unique=True)
    full_name = models.CharField(max_length=255, null=True, blank=True)
    company_name = models.CharField("company", max_length=255, null=True, blank=True)
    phone_number = models.CharField("phone", max_length=50, null=True, blank=True)
    avatar_url = models.CharField("avatar URL", null=True, blank=True)
    subscription_tier = OpenChoiceField(
        "tier",
        max_length=50,
        null=True,
        blank=True,
        choices=Tier,
        db_default=Tier.FREE,
        help_text="The platform knows only “pro” as unlimited: enterprise gets the free limit too.",
    )
    stripe_customer_id = models.CharField("Stripe customer id", max_length=255, null=True, blank=True)
    stripe_subscription_id = models.CharField("Stripe subscription id", max_length=255, null=True, blank=True)
    created_at = models.DateTimeField(null=True, blank=True, editable=False, db_default=Now())
    updated_at = models.DateTimeField(null=True, blank=True, editable=False, db_default=Now())

    class Meta:
        managed = False
        db_table = "user_profiles"
        ordering = ["email"]
        verbose_name = "user profile"
        permissions = [("change_tier", "Can change tier and Stripe ids")]

    def __str__(self):
        return self.email or f"(no e-mail) {self.pk}"
