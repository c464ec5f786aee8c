"""Who looks after a tenant, who follows it, and what was found that needs somebody's attention."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from backoffice.model_fields import JSONField, LooseForeignKey
from backoffice.page_model import PageModel


class Care(models.Model):
    """Who looks after a tenant, and until when it may wait: one row per tenant that somebody ever took or snoozed.

    A snooze covers what was known when it began (`snoozed_at`): what appears later shows at once.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = LooseForeignKey("tenants.Organization", related_name="cares", db_index=False)
    organization_name = models.CharField(max_length=255)
    assignee = LooseForeignKey(settings.AUTH_USER_MODEL, related_name="+", db_index=False)
    assignee_name = models.CharField(max_length=310, blank=True, default="")
    assigned_at = models.DateTimeField(null=True)
    snoozed_at = models.DateTimeField(null=True)
    snoozed_until = models.DateTimeField(null=True)
    snoozed_by_name = models.CharField(max_length=310, blank=True, default="")
    snooze_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        verbose_name = "assignment or snooze"
        verbose_name_plural = "assignments and snoozes"
        default_permissions = []
        constraints = [models.UniqueConstraint(fields=["organization"], name="care_of_tenant")]
        indexes = [
            models.Index(fields=["assignee"], name="care_assignee", condition=Q(assignee__isnull=False)),
            models.Index(
                fields=["snoozed_until"], name="care_snoozed", condition=Q(snoozed_until__isnull=False)
            ),
        ]

    def __str__(self):
        return self.organization_name

    @property
    def is_snoozed(self):
        return self.snoozed_until is not None and self.snoozed_until > timezone.now()


class Follow(models.Model):
    """A person's bookmark on a tenant. Nobody else's business, so without an audit trigger."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    organization = LooseForeignKey("tenants.Organization", related_name="follows")
    organization_name = models.CharField(max_length=255)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "follower"
        default_permissions = []
        constraints = [models.UniqueConstraint(fields=["user", "organization"], name="follow_once")]

    def __str__(self):
        return self.organization_name


class AttentionQuerySet(models.QuerySet):
    def lasting(self):
        """Signs that the last look found."""
        return self.filter(gone_at=None)

    def snoozed_now(self):
        return Exists(
            Care.objects.filter(
                organization=OuterRef("organization"),
                snoozed_until__gt=timezone.now(),
                snoozed_at__gte=OuterRef("first_seen_at"),
            )
        )

    def waiting(self):
        """What the queue opens with: lasting, not done, not snoozed."""
        return self.filter(~self.snoozed_now(), gone_at=None, done_at=None)

    def snoozed(self):
        return self.filter(self.snoozed_now(), gone_at=None, done_at=None)

    def done(self):
        return self.filter(gone_at=None, done_at__isnull=False)

    def gone(self):
        return self.filter(gone_at__isnull=False)

    def assigned_to(self, user_id):
        cares = Care.objects.filter(assignee=user_id)
        return self.filter(organization__in=cares.values("organization"))

    def assigned(self, is_assigned):
        found = Exists(Care.objects.filter(organization=OuterRef("organization"), assignee__isnull=False))
        return self.filter(found if is_assigned else ~found)

    def followed_by(self, user_id):
        return self.filter(organization__in=Follow.objects.filter(user=user_id).values("organization"))


class AttentionItem(PageModel):
    """One cause for attention at one tenant, from when it was first seen until it is gone (docs/attention.md).

    Written by the look-up (tenants/attention.py), which is nobody's doing; `done` is a person's, and audited.
    `position` sorts the worst kind first and the oldest of a kind first.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = LooseForeignKey("tenants.Organization", related_name="attention_items", db_index=False)
    organization_name = models.CharField("tenant's name", max_length=255)
    kind = models.CharField(max_length=50)
    cause = models.CharField(max_length=200)
    text = models.CharField("sign", max_length=1000)
    numbers = JSONField(default=dict)
    url = models.CharField("leads to", max_length=500, blank=True)
    position = models.BigIntegerField()
    first_seen_at = models.DateTimeField("first seen")
    last_seen_at = models.DateTimeField("changed or last seen")
    gone_at = models.DateTimeField("gone", null=True)
    done_at = models.DateTimeField("done", null=True)
    done_by = LooseForeignKey(settings.AUTH_USER_MODEL, related_name="+", db_index=False)
    done_by_name = models.CharField("done by", max_length=310, blank=True, default="")

    objects = AttentionQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        verbose_name = "health sign"
        default_permissions = ["view"]
        permissions = [
            ("act_on_tenant", "Can take, snooze and finish what needs attention"),
            ("follow_tenant", "Can follow tenants"),
        ]
        constraints = [
            # One cause is listed once.
            models.UniqueConstraint(
                fields=["organization", "cause"], name="attention_cause_once", condition=Q(gone_at=None)
            )
        ]
        indexes = [
            models.Index(
                fields=["position", "id"], name="attention_worst", condition=Q(gone_at=None, done_at=None)
            ),
            models.Index(
                fields=["first_seen_at", "id"],
                name="attention_oldest",
                condition=Q(gone_at=None, done_at=None),
            ),
            # The same two orders for what is done or gone, too.
            models.Index(fields=["position", "id"], name="attention_position"),
            models.Index(fields=["first_seen_at", "id"], name="attention_first_seen"),
            models.Index(
                fields=["kind", "position", "id"],
                name="attention_kind",
                condition=Q(gone_at=None, done_at=None),
            ),
            models.Index(F("organization"), F("first_seen_at").desc(), name="attention_of_tenant"),
            models.Index(fields=["gone_at"], name="attention_gone", condition=Q(gone_at__isnull=False)),
        ]

    def __str__(self):
        return f"{self.organization_name}: {self.text}"

    @property
    def is_lasting(self):
        return self.gone_at is None


class SignLookup(models.Model):
    """When signs were last looked up over the whole platform, by which the queue says how fresh it is. One row."""

    id = models.IntegerField(primary_key=True, default=1)
    at = models.DateTimeField()
    seconds = models.FloatField()
    signs = models.IntegerField()

    class Meta:
        default_permissions = []

    def __str__(self):
        return f"{self.signs} signs at {self.at}"
