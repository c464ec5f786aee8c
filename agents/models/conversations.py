"""Every conversation in one list, and the words of its turns, as agents/conversations/index.py keeps them."""

import datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q

from agents.models.agents import Agent
from agents.models.legacy import ChatSession
from agents.models.sessions import AgentSession, quiet_since
from backoffice.addresses import address_of
from backoffice.keyset import newest, zero_if_null
from backoffice.model_fields import LooseForeignKey, OpenChoiceField
from backoffice.page_model import PageModel


class Store(models.TextChoices):
    SESSION = "session", "Session"
    CHAT = "chat", "Legacy chat"


class Outcome(models.TextChoices):
    SUCCESS = "success"
    FAILED = "failed"
    UNKNOWN = "unknown", "Unknown"


class Flag(models.TextChoices):
    """What is odd about a conversation; all but the first are found by db/transcripts.sql."""

    STALE = "stale", "Stale"
    SHARED = "shared", "Shared session"
    FAILED_START = "failed_start", "Never began"
    NOTHING_STORED = "nothing_stored", "Nothing stored"
    INCOMPLETE = "incomplete", "Turns missing"
    MORE_THAN_COUNTED = "more_than_counted", "More than counted"
    STORES_DIFFER = "stores_differ", "Stores differ"
    ODD_HISTORY = "odd_history", "Odd JSON"
    ERRORS = "errors", "Error as reply"
    OTHER_TENANT = "other_tenant", "Other tenant's call or usage"
    CHANNEL_MISMATCH = "channel_mismatch", "Call, but not phone"
    ODD_TIMES = "odd_times", "Odd times"


FLAG_MEANING = {
    Flag.STALE: "Still “active” without activity for a long time: the platform closes no conversation by itself.",
    Flag.SHARED: "Several callers share this session (the phone worker's `default`): it mixes tenants.",
    Flag.FAILED_START: "The row was made, but no message followed: the agent could not be loaded, or nobody spoke.",
    Flag.NOTHING_STORED: "The platform counted messages and kept none of them.",
    Flag.INCOMPLETE: "Fewer messages are stored than the platform counted.",
    Flag.MORE_THAN_COUNTED: "More messages are stored than the platform counted.",
    Flag.STORES_DIFFER: "The session's JSON has turns that the message table lacks.",
    Flag.ODD_HISTORY: "The session's JSON is no list of messages.",
    Flag.ERRORS: "At least one reply is an error of the runtime.",
    Flag.OTHER_TENANT: "Its call or its usage is booked on another tenant than its agent's.",
    Flag.CHANNEL_MISMATCH: "A call belongs to it, but its channel is not phone.",
    Flag.ODD_TIMES: "A time is missing, in the future, out of range or before its beginning.",
}
FLAGS = {flag.value: (flag, meaning) for flag, meaning in FLAG_MEANING.items()}


class ConversationQuerySet(models.QuerySet):
    def stale(self):
        """Still “active” without activity for STALE_SESSION_HOURS."""
        return self.filter(status=AgentSession.Status.ACTIVE, last_at__lt=quiet_since())

    def not_stale(self):
        return self.exclude(status=AgentSession.Status.ACTIVE, last_at__lt=quiet_since())

    def flagged(self, flag):
        return self.stale() if flag == Flag.STALE else self.filter(flags__contains=[flag])

    def of(self, record):
        """The row of an AgentSession or ChatSession."""
        store = Store.SESSION if isinstance(record, AgentSession) else Store.CHAT
        return self.filter(store=store, source_id=record.pk)


class Conversation(PageModel):
    """One conversation, whichever store holds it, as it was when the index last read it (seconds ago). No content.

    `stored` counts the turns that can be read but the system's, `counted` is the platform's own counter (None: it has
    none).
    `last_at` is the last activity, `length_seconds` from the start to it. `tokens` and `cost_usd` are of its usage,
    None where nothing was recorded. `outcome`, `labels` and `reviewed_*` follow its review.
    """

    named_by = ("store", "source_id", "external_id")

    store = models.CharField(max_length=10, choices=Store)
    source_id = models.UUIDField("id in its store")
    external_id = models.CharField("session id", max_length=255, null=True)
    organization = LooseForeignKey("tenants.Organization", related_name="conversations", db_index=False)
    agent = LooseForeignKey(Agent, related_name="conversations", db_index=False)
    profile = LooseForeignKey(
        "tenants.UserProfile", related_name="+", verbose_name="signed-in user", db_index=False
    )
    channel = OpenChoiceField(
        max_length=50,
        null=True,
        choices=[("text", "Text"), ("voice", "Voice"), ("phone", "Phone"), ("legacy", "Legacy")],
    )
    status = OpenChoiceField(max_length=50, null=True, choices=AgentSession.Status)
    started_at = models.DateTimeField("started", null=True)
    last_at = models.DateTimeField("last activity", null=True)
    length_seconds = models.BigIntegerField("length", default=0)
    stored = models.IntegerField("messages stored", default=0)
    counted = models.IntegerField("messages counted", null=True)
    in_messages = models.IntegerField("in the message table", default=0)
    in_history = models.IntegerField("in the session's JSON", default=0)
    only_in_history = models.IntegerField("only in the session's JSON", default=0)
    tokens = models.BigIntegerField(null=True)
    cost_usd = models.DecimalField("cost (USD)", max_digits=20, decimal_places=4, null=True)
    call = LooseForeignKey("telephony.CallLog", related_name="+", db_index=False)
    caller = models.TextField(null=True)
    flags = ArrayField(models.CharField(max_length=20), default=list)
    outcome = models.CharField(max_length=10, choices=Outcome, null=True)
    labels = ArrayField(models.BigIntegerField(), default=list)
    reviewed_by = models.CharField(max_length=310, null=True)
    reviewed_at = models.DateTimeField("reviewed", null=True)
    indexed_at = models.DateTimeField("read by the index")

    objects = ConversationQuerySet.as_manager()

    # It only repeats what the platform's tables and the reviews hold (tenants/closing).
    is_derived = True

    class Meta:
        ordering = [newest("started_at").desc(), "-id"]
        default_permissions = ["view"]
        permissions = [
            ("export_transcript", "Can export what was said (masked)"),
            ("review_conversation", "Can review conversations: outcome, labels, notes, samples"),
        ]
        constraints = [models.UniqueConstraint(fields=["store", "source_id"], name="conversation_of_source")]
        indexes = [
            models.Index(newest("started_at").desc(), F("id").desc(), name="conversation_started"),
            models.Index(newest("last_at").desc(), F("id").desc(), name="conversation_last"),
            models.Index(F("length_seconds").desc(), F("id").desc(), name="conversation_length"),
            models.Index(F("stored").desc(), F("id").desc(), name="conversation_stored"),
            models.Index(zero_if_null("tokens").desc(), F("id").desc(), name="conversation_tokens"),
            models.Index(zero_if_null("cost_usd").desc(), F("id").desc(), name="conversation_cost"),
            models.Index("organization", newest("started_at").desc(), F("id").desc(), name="conversation_tenant"),
            models.Index("agent", newest("started_at").desc(), F("id").desc(), name="conversation_agent"),
            models.Index("channel", newest("started_at").desc(), F("id").desc(), name="conversation_channel"),
            models.Index("status", "last_at", name="conversation_status"),
            models.Index("call", name="conversation_call", condition=Q(call__isnull=False)),
            models.Index("external_id", name="conversation_external"),
            models.Index(
                "outcome", newest("started_at").desc(), F("id").desc(), name="conversation_outcome",
                condition=Q(outcome__isnull=False),
            ),
            GinIndex(fields=["flags"], name="conversation_flags"),
            GinIndex(fields=["labels"], name="conversation_labels", condition=~Q(labels=[])),
        ]  # fmt: skip

    def __str__(self):
        if self.store == Store.CHAT:
            return f"chat {str(self.source_id)[:8]}"
        return self.external_id or f"(no session id) {self.source_id}"

    def get_absolute_url(self):
        return address_of(ChatSession if self.store == Store.CHAT else AgentSession, self.source_id)

    @property
    def is_stale(self):
        seen = self.last_at
        return (
            self.status == AgentSession.Status.ACTIVE
            and isinstance(seen, datetime.datetime)
            and seen < quiet_since()
        )

    @property
    def all_flags(self):
        """[(Flag, what it means)], the stale one among them; unknown ones are left out."""
        names = [*([Flag.STALE] if self.is_stale else []), *self.flags]
        return [FLAGS[name] for name in names if name in FLAGS]


class IndexedTurn(models.Model):
    """The words of one turn, what pages mask as fingerprints; the text itself is not here.

    `key` names the turn in its conversation: the id of its message, or `h12` for an entry of the JSON. `at` is the time
    by which it is sorted, -infinity where there is none.
    """

    conversation = models.ForeignKey(
        Conversation, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="indexed_turns"
    )
    key = models.CharField(max_length=40)
    at = models.DateTimeField()
    organization = LooseForeignKey("tenants.Organization", related_name="+", db_index=False)
    agent = LooseForeignKey(Agent, related_name="+", db_index=False)
    channel = OpenChoiceField(max_length=50, null=True)
    role = models.CharField(max_length=20)
    fingerprint = models.BigIntegerField()
    words = SearchVectorField()

    is_derived = True

    class Meta:
        default_permissions = []
        indexes = [
            models.Index(F("at").desc(), F("id").desc(), name="turn_at"),
            models.Index("organization", F("at").desc(), F("id").desc(), name="turn_tenant"),
            models.Index("agent", F("at").desc(), F("id").desc(), name="turn_agent"),
            # A rare channel or role, and a common word: reading back through all turns would find few.
            models.Index(
                "channel", F("at").desc(), F("id").desc(), name="turn_channel",
                condition=Q(channel__lt="text") | Q(channel__gt="text"),
            ),
            models.Index(
                "role", F("at").desc(), F("id").desc(), name="turn_role",
                condition=~Q(role="user") & ~Q(role="assistant"),
            ),
            models.Index(fields=["conversation", "key"], name="turn_conversation"),
            # Without a list of what is not yet in it, which each search would have to read through.
            GinIndex(fields=["words"], name="turn_words", fastupdate=False),
        ]  # fmt: skip

    def __str__(self):
        return f"turn {self.key}"


class IndexState(models.Model):
    """How far the index is: one row. `caught_up_at` is the database's time of the last complete look at new rows.

    While it is built, newest first, `store`, `position_at` and `position` (the id) say where, `done` of about `total`
    conversations; `built_at` is None until it holds everything. `reading` is the words.READING by which it was, or is
    just now being, read.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    caught_up_at = models.DateTimeField(null=True)
    looked_far_at = models.DateTimeField(null=True)
    compared_at = models.DateTimeField(null=True)
    built_at = models.DateTimeField(null=True)
    reading = models.IntegerField(default=0)
    store = models.CharField(max_length=10, choices=Store, default=Store.SESSION)
    position_at = models.DateTimeField(null=True)
    position = models.UUIDField(null=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = []

    def __str__(self):
        return "index of conversations"
