"""What reviewers say about conversations: outcome, labels, notes, and the samples they work through.

Rows name their conversation by store and id, not by its row in the list, and keep its organization: the list can be
made anew. `turn` is the key of a turn, "" for the conversation as a whole.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now
from django.urls import reverse

from agents.models.conversations import Outcome, Store
from backoffice.model_fields import LooseForeignKey
from backoffice.page_model import PageModel


class OfConversation(models.Model):
    """A row about one conversation."""

    holds_conversation = True

    store = models.CharField(max_length=10, choices=Store)
    source_id = models.UUIDField()
    organization = LooseForeignKey("tenants.Organization", related_name="+")

    class Meta:
        abstract = True


class Label(PageModel):
    """A word by which reviewers sort conversations and turns."""

    class Tone(models.TextChoices):
        NEUTRAL = "neutral"
        GOOD = "good"
        WARN = "warn"
        BAD = "bad"
        INFO = "info"

    search_fields = ("name",)

    name = models.CharField(max_length=40)
    tone = models.CharField(max_length=10, choices=Tone, default=Tone.NEUTRAL)
    meaning = models.CharField(max_length=300, blank=True, default="", help_text="When to use it.")
    is_retired = models.BooleanField(
        "retired", default=False, help_text="Not offered any more; stays where it is."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(Lower("name"), name="label_name_once")]
        indexes = [models.Index(fields=["name", "id"], name="label_name")]

    def __str__(self):
        return self.name


class Review(OfConversation):
    """The outcome that a reviewer gave a conversation; the last one counts, the audit has the others."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    outcome = models.CharField(max_length=10, choices=Outcome)
    reviewer = LooseForeignKey(settings.AUTH_USER_MODEL, related_name="+", db_index=False)
    reviewer_name = models.CharField(max_length=310)
    reviewed_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = []
        constraints = [models.UniqueConstraint(fields=["store", "source_id"], name="review_of_conversation")]

    def __str__(self):
        return f"review of {self.store} {self.source_id}"


class LabelUse(OfConversation):
    """A label on a conversation or on one of its turns."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    turn = models.CharField(max_length=40, blank=True, default="")
    label = models.ForeignKey(Label, models.PROTECT, related_name="uses")
    by_name = models.CharField(max_length=310)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = []
        constraints = [
            models.UniqueConstraint(fields=["store", "source_id", "turn", "label"], name="label_use_once")
        ]

    def __str__(self):
        return f"{self.label} on {self.store} {self.source_id}"


class ReviewNote(OfConversation):
    """What a reviewer wrote about a conversation or a turn of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    turn = models.CharField(max_length=40, blank=True, default="")
    text = models.CharField(max_length=2000)
    author = LooseForeignKey(settings.AUTH_USER_MODEL, related_name="+", db_index=False)
    author_name = models.CharField(max_length=310)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = []
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["store", "source_id"], name="review_note_conversation")]

    def __str__(self):
        return f"note on {self.store} {self.source_id}"

    def may_be_changed_by(self, user):
        """One's own, or anybody's for admins."""
        return user.is_superuser or self.author_id == user.pk


class Sample(PageModel):
    """Conversations drawn at random from a filtered list: the same filter, seed and size draw the same ones again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    query = models.TextField("filter", blank=True, help_text="The list's filters, as a query string.")
    seed = models.CharField(max_length=40)
    size = models.IntegerField()
    of = models.BigIntegerField("drawn from")
    owner = LooseForeignKey(settings.AUTH_USER_MODEL, related_name="+", db_index=False)
    owner_name = models.CharField("drawn by", max_length=310)
    created_at = models.DateTimeField("drawn", db_default=Now())

    class Meta:
        ordering = ["-created_at", "-id"]
        default_permissions = ["view"]
        indexes = [models.Index(fields=["-created_at", "-id"], name="sample_newest")]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("agents:sample_detail", args=[self.pk])


class SampleItem(OfConversation):
    """One conversation of a sample; `reviewed_at` once it was reviewed in it, `skipped_at` if that was put off."""

    sample = models.ForeignKey(Sample, models.CASCADE, related_name="items", db_index=False)
    position = models.IntegerField()
    reviewed_at = models.DateTimeField(null=True)
    skipped_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = []
        ordering = ["sample", "position"]
        constraints = [models.UniqueConstraint(fields=["sample", "position"], name="sample_position")]
        indexes = [
            models.Index(
                fields=["sample", "position"], name="sample_waiting", condition=Q(reviewed_at__isnull=True)
            ),
            models.Index(fields=["store", "source_id"], name="sample_item_conversation"),
        ]

    def __str__(self):
        return f"{self.position} of {self.sample_id}"
