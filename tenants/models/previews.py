"""Who looked through a tenant's eyes, and until when (table `backoffice.tenants_preview`)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from backoffice.model_fields import LooseForeignKey


class PreviewQuerySet(models.QuerySet):
    def open(self):
        """Those whose end is not on record yet; a person has one at the most."""
        return self.filter(ended_at=None)


class Preview(models.Model):
    """A member of staff sees from `began_at` to `ended_at` what a login of the platform may see, read only.

    It is over at `expires_at`, whether or not that is on record yet. Names stay when accounts or the tenant are gone.
    """

    # What the timeline says instead of "created" and "changed".
    timeline_verbs = {"insert": "began", "update": "ended"}

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = LooseForeignKey("tenants.Organization", related_name="previews", db_index=False)
    organization_name = models.CharField("tenant's name", max_length=255)
    login_id = models.UUIDField("login")
    login_name = models.CharField("login's name", max_length=320)
    reason = models.CharField(max_length=500)
    actor = LooseForeignKey(settings.AUTH_USER_MODEL, related_name="+", db_index=False)
    actor_name = models.CharField("who looks", max_length=310)
    began_at = models.DateTimeField("began", db_default=Now())
    expires_at = models.DateTimeField("until")
    ended_at = models.DateTimeField("ended", null=True)

    objects = PreviewQuerySet.as_manager()

    class Meta:
        ordering = ["-began_at", "-id"]
        default_permissions = ["view"]
        permissions = [("preview_tenant", "Can see what a tenant sees")]
        verbose_name = "the tenant's view"
        indexes = [models.Index(fields=["organization", "-began_at"], name="preview_of_tenant")]
        constraints = [
            models.UniqueConstraint(
                fields=["actor"], condition=models.Q(ended_at=None), name="one_open_preview"
            )
        ]

    def __str__(self):
        return f"View of {self.organization_name}"
