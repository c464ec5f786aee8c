"""Telephone side of the platform (`public.sip_trunks`, `public.phone_numbers`, `public.call_logs`)."""

import datetime
import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from backoffice.keyset import newest
from backoffice.model_fields import NAN, JSONField, LooseForeignKey, OpenChoiceField
from backoffice.page_model import PageModel
from backoffice.search.words import has_number
from backoffice.texts import short
from telephony.dialling import readable, same_digits


class SipTrunk(PageModel):
    """Credentials at a telephone provider. Without an organization the trunk is the platform's own.

    The password column is not mapped: no query here can read it, and setting it has its own service.
    """

    class Provider(models.TextChoices):
        TWILIO = "twilio"
        TELNYX = "telnyx"
        LIVEKIT = "livekit", "LiveKit"

    named_by = ("provider", "sip_domain")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        "tenants.Organization",
        models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="sip_trunks",
        help_text="Empty: the platform's own trunk, which no tenant sees.",
    )
    provider = OpenChoiceField(choices=Provider)
    username = models.CharField(null=True, blank=True)
    sip_domain = models.CharField("SIP domain", null=True, blank=True)
    created_at = models.DateTimeField(null=True, blank=True, editable=False, db_default=Now())

    class Meta:
        managed = False
        db_table = "sip_trunks"
        ordering = [newest().desc(), "-id"]
        verbose_name = "SIP trunk"

    def __str__(self):
        return f"{self.provider or 'unknown provider'} {self.sip_domain or str(self.pk)[:8]}"


class PhoneNumberQuerySet(models.QuerySet):
    def with_tenant_suspended(self):
        """Each with `tenant_suspended`: whether its tenant's numbers are switched off."""
        from tenants.models import Suspension

        open_ones = Suspension.objects.open().filter(organization=models.OuterRef("organization_id"))
        return self.annotate(tenant_suspended=models.Exists(open_ones))

    def active(self):
        """Numbers that the platform answers, once an agent is assigned; any other status gets 404."""
        return self.filter(status=PhoneNumber.Status.ACTIVE)

    def same_digits_as(self, e164):
        """The rows, two at the most, that hold these digits in whatever form; the one with exactly this text first."""
        found = self.filter(has_number("e164", e164)).order_by("pk")[:50]
        alike = [row for row in found if same_digits(row.e164) == same_digits(e164)]
        return sorted(alike, key=lambda row: row.e164 != e164)[:2]

    def mismatched(self):
        """Numbers that one tenant pays for while another tenant's agent answers."""
        return self.exclude(agent=None).exclude(agent__organization_id=models.F("organization_id"))


class PhoneNumber(PageModel):
    """A number on which a tenant's agent answers; `organization` pays for the calls.

    The platform compares the dialled number as exact text, so it has to be E.164.
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        RELEASED = "released"
        SUSPENDED = "suspended"  # ours: switched off with its tenant; the platform answers active ones only

    class Provider(models.TextChoices):
        TWILIO = "twilio"
        TELNYX = "telnyx"
        LIVEKIT = "livekit", "LiveKit"

    search_fields = named_by = ("e164",)
    reviewed_fields = {"organization": "telephony:phonenumber_move?organization"}

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        "tenants.Organization", models.DO_NOTHING, db_constraint=False, related_name="phone_numbers"
    )
    agent = models.ForeignKey(
        "agents.Agent",
        models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="phone_numbers",
        help_text="Who answers. Has to belong to the same organization.",
    )
    e164 = models.CharField(
        "number", db_column="phone_number", unique=True, help_text="With country code, such as +14155550100."
    )
    provider = OpenChoiceField(null=True, blank=True, choices=Provider, db_default=Provider.TWILIO)
    provider_sid = models.CharField("provider's id", null=True, blank=True)
    status = OpenChoiceField(null=True, blank=True, choices=Status, db_default=Status.ACTIVE)
    created_at = models.DateTimeField(null=True, blank=True, editable=False, db_default=Now())

    objects = PhoneNumberQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "phone_numbers"
        ordering = ["e164"]
        verbose_name = "phone number"

    def __str__(self):
        return readable(self.e164) or f"(no number) {self.pk}"

    @property
    def is_active(self):
        return self.status == self.Status.ACTIVE

    @property
    def is_suspended(self):
        """Whether it was switched off with its tenant, and not by itself."""
        return self.status == self.Status.SUSPENDED


class CallLogQuerySet(models.QuerySet):
    def active(self):
        return self.filter(status=CallLog.Status.ACTIVE)

    def stale(self):
        """Calls still “active” after MAX_CALL_MINUTES: the platform never closes its log."""
        return self.active().filter(created_at__lt=stale_before())

    def never_closed(self):
        """Stale ones, and those that somebody marked as such."""
        stale = models.Q(status=CallLog.Status.ACTIVE, created_at__lt=stale_before())
        return self.filter(stale | models.Q(status=CallLog.Status.STALE))

    def failed(self):
        return self.filter(status__in=[CallLog.Status.FAILED, CallLog.Status.BUSY])

    def zero(self):
        return self.filter(models.Q(duration_seconds=0) | models.Q(duration_seconds=None))

    def no_cost(self):
        """Without a cost, or with one that is no number."""
        return self.filter(models.Q(cost=0) | models.Q(cost=None) | models.Q(cost=NAN))


def stale_before():
    return timezone.now() - datetime.timedelta(minutes=settings.MAX_CALL_MINUTES)


class CallLog(PageModel):
    """A telephone call; `created_at` is its start, `organization` who pays.

    `session_ref` is text made for the call and usually matches no session. Duration and cost stay 0 and
    the status “active” until somebody corrects them.
    """

    class Direction(models.TextChoices):
        INBOUND = "inbound"
        OUTBOUND = "outbound"

    class Status(models.TextChoices):
        ACTIVE = "active"
        COMPLETED = "completed"
        FAILED = "failed"
        BUSY = "busy"
        STALE = "stale", "Stale: never closed"

    named_by = ("direction", "caller_number")

    field_permissions = dict.fromkeys(["duration_seconds", "cost", "status"], "telephony.correct_call")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        "tenants.Organization", models.DO_NOTHING, db_constraint=False, related_name="calls"
    )
    agent = models.ForeignKey(
        "agents.Agent", models.DO_NOTHING, db_constraint=False, null=True, blank=True, related_name="calls"
    )
    phone_number = models.ForeignKey(
        PhoneNumber, models.DO_NOTHING, db_constraint=False, null=True, blank=True, related_name="calls"
    )
    session_ref = models.CharField("session id", db_column="session_id")
    direction = OpenChoiceField(choices=Direction)
    caller_number = models.CharField("caller", null=True, blank=True)
    duration_seconds = models.IntegerField("duration (s)", null=True, blank=True, db_default=0)
    cost = models.DecimalField(
        max_digits=10, decimal_places=4, null=True, blank=True, db_default=Decimal("0")
    )
    recording_url = models.CharField("recording URL", null=True, blank=True)
    status = OpenChoiceField(null=True, blank=True, choices=Status, db_default=Status.ACTIVE)
    created_at = models.DateTimeField("started", null=True, blank=True, editable=False, db_default=Now())

    objects = CallLogQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "call_logs"
        ordering = [newest().desc(), "-id"]
        verbose_name = "call"
        permissions = [
            ("correct_call", "Can correct a call's duration, cost and status"),
            ("mark_stale_call", "Can mark a call that the platform never closed"),
        ]

    def __str__(self):
        caller = readable(self.caller_number) or "a withheld number"
        return f"{self.kind} from {short(caller, 60)}"

    @property
    def kind(self):
        """What it is without the caller's number, for pages on which numbers are masked."""
        return f"{short(self.direction or 'unknown', 20)} call"

    @property
    def is_stale(self):
        """Still “active” though it began more than MAX_CALL_MINUTES ago."""
        started = self.created_at
        return (
            self.status == self.Status.ACTIVE
            and isinstance(started, datetime.datetime)
            and started < stale_before()
        )


class Conflict(PageModel):
    """A contradiction in numbers or trunks, as the last look found it (telephony/conflicts); nobody writes it by hand.

    `subject_id` is the number, trunk or tenant that has it, `partner_id` the agent or other number that it is about.
    """

    rule = models.CharField(max_length=20)
    place = models.SmallIntegerField()  # of the rule: grave ones first
    subject_id = models.UUIDField()
    organization = LooseForeignKey("tenants.Organization", related_name="conflicts", db_index=False)
    organization_name = models.CharField("tenant's name", max_length=255)
    number = LooseForeignKey(PhoneNumber, related_name="conflicts", db_index=False)
    partner_id = models.UUIDField(null=True)
    label = models.CharField("what", max_length=300)
    text = models.CharField("what is wrong", max_length=1000)
    found_at = models.DateTimeField("found")

    class Meta:
        ordering = ["place", "id"]
        verbose_name = "conflict"
        default_permissions = ["view"]
        constraints = [models.UniqueConstraint(fields=["rule", "subject_id"], name="conflict_once")]
        indexes = [
            models.Index(fields=["place", "id"], name="conflict_grave"),
            models.Index(fields=["organization", "place", "id"], name="conflict_tenant"),
            models.Index(fields=["organization_name", "id"], name="conflict_tenant_name"),
            models.Index(fields=["found_at", "id"], name="conflict_found"),
            models.Index(fields=["number"], name="conflict_number", condition=models.Q(number__isnull=False)),
            models.Index(
                fields=["partner_id"], name="conflict_partner", condition=models.Q(partner_id__isnull=False)
            ),
        ]

    def __str__(self):
        return f"{readable(self.label)}: {self.text}"


class ConflictLook(models.Model):
    """When conflicts were last looked for over the whole platform, and since when changes were followed. One row.

    `is_behind`: more changed at once than was followed, so the next look over everything is due.
    """

    id = models.IntegerField(primary_key=True, default=1)
    at = models.DateTimeField()
    followed_at = models.DateTimeField()
    seconds = models.FloatField()
    counts = JSONField(default=dict)  # {rule: conflicts}
    seen = JSONField(default=list)  # names of changes that were followed, of those not older than the overlap
    is_behind = models.BooleanField(default=False)

    class Meta:
        default_permissions = []

    def __str__(self):
        return f"{sum(self.counts.values())} conflicts at {self.at}"
