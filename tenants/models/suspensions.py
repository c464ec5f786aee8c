"""A tenant's numbers switched off together, with what they were before (tables `backoffice.tenants_suspen…`)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from backoffice.model_fields import LooseForeignKey
from telephony.dialling import readable


class SuspensionQuerySet(models.QuerySet):
    def open(self):
        """Those that were not restored yet; a tenant has one at the most."""
        return self.filter(restored_at=None)


class Suspension(models.Model):
    """A tenant is suspended from `created_at` to `restored_at`. Names stay when accounts or the tenant are gone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = LooseForeignKey("tenants.Organization", related_name="suspensions", db_index=False)
    organization_name = models.CharField("tenant's name", max_length=255)
    reason = models.CharField(max_length=500)
    actor = LooseForeignKey(settings.AUTH_USER_MODEL, related_name="+", db_index=False)
    actor_name = models.CharField("suspended by", max_length=310)
    created_at = models.DateTimeField("suspended", db_default=Now())
    restored_at = models.DateTimeField("restored", null=True)
    restored_by = LooseForeignKey(settings.AUTH_USER_MODEL, related_name="+", db_index=False)
    restored_by_name = models.CharField("restored by", max_length=310, default="")
    restore_reason = models.CharField(max_length=500, default="")

    objects = SuspensionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        default_permissions = []
        indexes = [models.Index(fields=["organization", "-created_at"], name="suspension_of_tenant")]
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=models.Q(restored_at=None), name="one_open_suspension"
            )
        ]

    def __str__(self):
        return f"Suspension of {self.organization_name}"


class SuspendedNumber(models.Model):
    """A number of the tenant as the suspension found it: `status` exactly as stored, NULL and unknown texts included.

    Only those that were active were switched off (`was_active`). `outcome` says what restoring did with it.
    """

    id = models.BigAutoField(primary_key=True)
    suspension = models.ForeignKey(Suspension, models.CASCADE, related_name="numbers")
    organization = LooseForeignKey("tenants.Organization", related_name="+", db_index=False)
    number = LooseForeignKey("telephony.PhoneNumber", related_name="+", db_index=False)
    e164 = models.CharField("number as text", max_length=255)
    status = models.CharField(null=True)
    was_active = models.BooleanField()
    outcome = models.CharField(max_length=500, default="")

    class Meta:
        ordering = ["e164", "id"]
        default_permissions = []

    def __str__(self):
        return readable(self.e164) or str(self.number_id)
