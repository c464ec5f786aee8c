"""What the page of a conversation and its parts share, whichever store holds it."""

import datetime

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.http import urlencode

from agents.conversations import in_page, reveals, transcript, words
from agents.conversations.bubbles import Reading, bubbles, is_finite
from agents.conversations.calls import calls_beside, calls_from
from agents.conversations.reviews import panel
from agents.conversations.turn_html import Around, back_here, turns_html
from agents.models import AgentSession, ChatSession, Conversation
from agents.views.stores import READ
from backoffice import generic, kept
from backoffice.addresses import fixed_address, row_address
from backoffice.recordings import is_playable
from backoffice.roles import role_of
from backoffice.services import log_read

# Whoever has a page open reads on in it without being logged again.
OPENED_SECONDS = 60 * 60
GOING_ON = datetime.timedelta(minutes=15)


# What pages say of the agent, its tenant and who was signed in: names, of 44 columns and more.
NAMES = ("agent__name", "agent__organization__name", "profile__email")

# What they say of the conversation's row in the list of all.
OF_LIST = (
    "store", "source_id", "external_id", "organization", "channel", "status", "started_at", "last_at", "flags",
    "stored",
)  # fmt: skip


class OfSession:
    model = AgentSession
    queryset = (
        AgentSession.objects.select_related("agent__organization", "profile")
        .only(
            "external_id", "website_domain", "ip_address", "channel", "message_count", "status", "started_at",
            "last_activity_at", "ended_at", "created_at", *NAMES,
        )
        .annotate(call_rows=calls_beside())
    )  # fmt: skip


class OfChat:
    model = ChatSession
    queryset = ChatSession.objects.select_related("agent__organization", "profile").only("created_at", *NAMES)


class ConversationPage(generic.ObjectPage):
    """What all pages and parts of pages about one conversation share."""

    action = "view"
    page = "part"
    is_logged = False

    def crumbs(self):
        crumbs = [("Conversations", fixed_address("agents:conversation_list"))]
        return crumbs if self.page == "detail" else [*crumbs, (str(self.object), self.address())]

    def address(self, part="detail", **params):
        """The address of a part of the page, with what is not empty of `params`."""
        url = row_address(f"agents:{self.model._meta.model_name}_{part}", self.object.pk)
        query = urlencode({name: value for name, value in params.items() if value not in ("", None)})
        return f"{url}?{query}" if query else url

    @cached_property
    def may_read(self):
        return self.request.user.has_perm(READ)

    def require_reading(self):
        if not self.may_read:
            raise PermissionDenied(
                f"Your role ({role_of(self.request.user)}) may not read conversations; it lacks the permission {READ}."
            )

    @property
    def organization_id(self):
        return self.object.agent.organization_id

    @cached_property
    def conversation(self):
        """Its row in the list of all, None while the index has not read it yet."""
        record = self.object

        def rows_of(pk):
            return Conversation.objects.of(type(record)(pk=pk)).only(*OF_LIST).order_by()

        return next(iter(kept.rows(("conversation of", type(record)), rows_of, record.pk)), None)

    @cached_property
    def calls(self):
        """The calls of a session, newest first."""
        return calls_from(self.object) if isinstance(self.object, AgentSession) else []

    @cached_property
    def start(self):
        """When it began; None where that is not known."""
        times = (getattr(self.object, name, None) for name in ("started_at", "created_at"))
        return next((at for at in times if is_finite(at)), None)

    # Logging: once for a page that is opened

    @cached_property
    def signer(self):
        return signing.TimestampSigner(salt=f"opened {self.request.user.pk} {reveals.name_of(self.object)}")

    @cached_property
    def has_opened(self):
        """Whether whoever asks has the page open: pieces of it name its opening, which nobody else can use."""
        try:
            self.signer.unsign(self.request.GET.get("opened", ""), max_age=OPENED_SECONDS)
        except signing.BadSignature:
            return False
        return True

    @property
    def opened(self):
        """What pieces of this page say to be part of it; "" while nothing was there to read, and nothing logged."""
        if self.has_opened:
            return self.request.GET["opened"]
        return self.signer.sign("o") if self.is_logged else ""

    def log_reading(self):
        if not self.has_opened:
            log_read("transcript", self.object, actor=self.request.user, organization_id=self.organization_id)
            self.is_logged = True

    # How it is read

    @cached_property
    def revealed_until(self):
        return reveals.until(self.request, self.object)

    @cached_property
    def needle(self):
        return in_page.Needle(self.request.GET.get("q", ""))

    @cached_property
    def searched(self):
        """What was searched for in all conversations, on the way to this one."""
        return self.request.GET.get("find", "")[:500]

    @property
    def marks(self):
        if self.needle:
            return self.needle.spans
        asked = words.asked(self.searched) if self.searched else None
        return asked.marks if asked else None

    def reading(self, **how):
        phone = bool(self.calls) or getattr(self.object, "channel", "") == "phone"
        return Reading(
            start=self.start,
            revealed=bool(self.revealed_until),
            marks=self.marks,
            visitor="Caller" if phone else "Visitor",
            **how,
        )

    def turn_context(self, piece, reading, *, can_seek=None):
        """The turns of a piece, ready to be shown, with the review and the addresses of what goes on.

        `can_seek` says whether a recording is there to be played from a turn's time, if not that of a call.
        """
        review = panel(self.conversation, self.request.user) if self.conversation else None
        if can_seek is None:
            can_seek = any(is_playable(call.recording_url) for call in self.calls)
        kept, page_url = urlencode(self.kept()), self.address()
        absolute_url = self.request.build_absolute_uri(page_url)
        turns = bubbles(piece, reading)
        around = Around(page_url, absolute_url, kept, can_seek, review, self.request, back_here(self.request))
        return {
            "bubbles": turns,
            "turns": turns_html(turns, around),
            "review": review,
            "page_url": page_url,
            "kept": kept,
            "opened": self.opened,
        }

    def kept(self):
        """Parameters that pieces hand on."""
        params = {"q": self.needle.typed if self.needle else "", "find": self.searched, "opened": self.opened}
        return {name: value for name, value in params.items() if value}

    def piece_urls(self, piece, is_mixed):
        """Addresses of the pieces before and behind: with htmx, and of the page without."""
        if not piece.turns:
            return {}
        kept, found = {**self.kept(), "mixed": "1" if is_mixed else ""}, {}
        if piece.first > 1:
            first = max(1, piece.first - transcript.PIECE)
            found["earlier"] = {"first": first, "last": piece.first - 1}
        if piece.has_later:
            found["later"] = {"first": piece.last + 1, "last": piece.last + transcript.PIECE}
        return {
            name: {
                **bounds,
                "piece_url": self.address("turns", **bounds, towards=name, **kept),
                "page_url": self.address(first=bounds["first"], **self.kept()),
            }
            for name, bounds in found.items()
        }

    def is_going_on(self, figures):
        """Whether something was said or done in the last minutes, and it has not ended."""
        seen = figures.last_at
        if isinstance(self.object, AgentSession):
            if self.object.status != AgentSession.Status.ACTIVE or self.object.is_stale:
                return False
            seen = self.object.last_activity_at
        now = timezone.now()
        return is_finite(seen) and now - GOING_ON <= seen <= now + GOING_ON
