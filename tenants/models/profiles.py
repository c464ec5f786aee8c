"""The people who own tenants (`public.user_profiles`)."""

from django.db import models
from django.db.models.functions import Now

from backoffice.model_fields import OpenChoiceField
from backoffice.page_model import PageModel


class UserProfile(PageModel):
    """One per login, with the same id. The e-mail is a copy from sign-up; the log-in keeps its own."""

    class Tier(models.TextChoices):
        FREE = "free"
        PRO = "pro"
        ENTERPRISE = "enterprise"

    search_fields = ("email", "full_name")
    named_by = ("email",)
    field_permissions = dict.fromkeys(
        ["subscription_tier", "stripe_customer_id", "stripe_subscription_id"], "tenants.change_tier"
    )

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
