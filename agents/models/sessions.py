"""Conversations in the platform's current store."""

import datetime
import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from agents.models.agents import Agent, json_default
from backoffice.keyset import newest
from backoffice.model_fields import JSONField, LooseForeignKey, OpenChoiceField
from backoffice.page_model import PageModel


class Channel(models.TextChoices):
    TEXT = "text"
    VOICE = "voice"
    PHONE = "phone"


def quiet_since():
    return timezone.now() - datetime.timedelta(hours=settings.STALE_SESSION_HOURS)


class AgentSessionQuerySet(models.QuerySet):
    def active(self):
        return self.filter(status=AgentSession.Status.ACTIVE)

    def stale(self):
        """Sessions still “active” without a message for STALE_SESSION_HOURS: the platform closes none."""
        return self.active().filter(last_activity_at__lt=quiet_since())

    def of_one_visitor(self):
        """Without the session that all callers of all tenants share (the phone worker's `default`)."""
        return self.exclude(external_id=AgentSession.SHARED_ID)


class AgentSession(PageModel):
    """One conversation. `external_id` is the client's own text id, and the key with which a visitor reads it.

    `message_count` and `last_activity_at` are reliable; `channel`, `status` and `ended_at` mostly stay at
    their defaults, and `conversation_history` usually keeps the first entry only.
    """

    holds_conversation = True

    class Status(models.TextChoices):
        ACTIVE = "active"
        ENDED = "ended"
        TIMEOUT = "timeout", "Timed out"

    SHARED_ID = "default"

    search_fields = named_by = ("external_id",)
    field_permissions = dict.fromkeys(["status", "ended_at"], "agents.close_session")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agent = models.ForeignKey(Agent, models.DO_NOTHING, db_constraint=False, related_name="sessions")
    external_id = models.CharField("session id", db_column="session_id", max_length=255, unique=True)
    profile = LooseForeignKey(
        "tenants.UserProfile",
        db_column="user_id",
        blank=True,
        related_name="agent_sessions",
        verbose_name="signed-in user",
    )
    website_domain = models.CharField(max_length=255, null=True, blank=True)
    ip_address = models.CharField("IP address", max_length=45, null=True, blank=True)
    channel = OpenChoiceField(max_length=50, null=True, blank=True, choices=Channel, db_default=Channel.TEXT)
    conversation_history = JSONField(null=True, blank=True, db_default=json_default([]))
    context_data = JSONField(null=True, blank=True, db_default=json_default({}))
    message_count = models.IntegerField("messages", null=True, blank=True, db_default=0)
    status = OpenChoiceField(max_length=50, null=True, blank=True, choices=Status, db_default=Status.ACTIVE)
    started_at = models.DateTimeField("started", null=True, blank=True, db_default=Now())
    last_activity_at = models.DateTimeField("last activity", null=True, blank=True, db_default=Now())
    ended_at = models.DateTimeField("ended", null=True, blank=True)
    created_at = models.DateTimeField(null=True, blank=True, editable=False, db_default=Now())

    objects = AgentSessionQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "agent_sessions"
        ordering = [newest().desc(), "-id"]
        verbose_name = "session"
        permissions = [
            ("read_transcript", "Can read transcript content (masked)"),
            ("reveal_transcript", "Can reveal masked content"),
            ("close_session", "Can close a stale session"),
        ]

    def __str__(self):
        return self.external_id or f"(no session id) {self.pk}"

    @property
    def is_stale(self):
        """Still “active”, but without a message for STALE_SESSION_HOURS."""
        seen = self.last_activity_at
        return (
            self.status == self.Status.ACTIVE and isinstance(seen, datetime.datetime) and seen < quiet_since()
        )

    @property
    def is_shared(self):
        """Whether callers of different tenants share this session (H8 in the platform's hazards)."""
        return self.external_id == self.SHARED_ID


class AgentMessage(PageModel):
    """One line of a transcript. The platform's runtime rarely writes it; see `conversation_history`."""

    holds_conversation = True

    class Role(models.TextChoices):
        USER = "user"
        ASSISTANT = "assistant"
        SYSTEM = "system"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(AgentSession, models.DO_NOTHING, db_constraint=False, related_name="messages")
    role = OpenChoiceField(max_length=20, choices=Role)
    content = models.TextField()
    audio_url = models.CharField("recording URL", null=True, blank=True)
    audio_duration_ms = models.IntegerField("recording (ms)", null=True, blank=True)
    tokens_used = models.IntegerField("tokens", null=True, blank=True)
    latency_ms = models.IntegerField("latency (ms)", null=True, blank=True)
    model_used = models.CharField("model", max_length=100, null=True, blank=True)
    created_at = models.DateTimeField(null=True, blank=True, editable=False, db_default=Now())

    class Meta:
        managed = False
        db_table = "agent_messages"
        ordering = [newest().desc(), "-id"]
        verbose_name = "message"

    def __str__(self):
        # Never the content: this text stands in lists, titles and logs, where nobody has asked to read it.
        return f"{self.role or 'unknown'} message {str(self.pk)[:8]}"
