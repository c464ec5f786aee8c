"""Conversations in the legacy store, of the older widget."""

import uuid

from django.db import models
from django.db.models.functions import Now

from agents.models.agents import Agent
from backoffice.keyset import newest
from backoffice.model_fields import OpenChoiceField
from backoffice.page_model import PageModel


class ChatSession(PageModel):
    """A conversation in the legacy store. `profile` is the customer trying the agent, not the visitor.

    One row here blocks the deletion of its agent, organization and login.
    """

    holds_conversation = True
    named_by = ("id",)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agent = models.ForeignKey(
        Agent,
        models.DO_NOTHING,
        db_constraint=False,
        db_column="project_id",
        related_name="chat_sessions",
    )
    profile = models.ForeignKey(
        "tenants.UserProfile",
        models.DO_NOTHING,
        db_constraint=False,
        db_column="user_id",
        null=True,
        blank=True,
        related_name="chat_sessions",
        verbose_name="signed-in user",
    )
    created_at = models.DateTimeField(null=True, blank=True, editable=False, db_default=Now())

    class Meta:
        managed = False
        db_table = "chat_sessions"
        ordering = [newest().desc(), "-id"]
        verbose_name = "legacy chat"

    def __str__(self):
        return f"chat {str(self.pk)[:8]}"


class ChatMessage(PageModel):
    """One line of a legacy chat; `timestamp` is the visitor's browser clock."""

    holds_conversation = True

    class Role(models.TextChoices):
        USER = "user"
        MODEL = "model", "Assistant"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(ChatSession, models.DO_NOTHING, db_constraint=False, related_name="messages")
    role = OpenChoiceField(choices=Role)
    text = models.TextField()
    timestamp = models.DateTimeField("time", null=True, blank=True, db_default=Now())

    class Meta:
        managed = False
        db_table = "chat_messages"
        ordering = [newest("timestamp").desc(), "-id"]
        verbose_name = "legacy chat message"

    def __str__(self):
        # Never the content: this text stands in lists, titles and logs, where nobody has asked to read it.
        return f"{self.role or 'unknown'} message {str(self.pk)[:8]}"
