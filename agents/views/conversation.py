"""The page of a conversation, whichever store holds it."""

from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode

from agents.conversations import downloads, in_page, transcript
from agents.conversations.bubbles import is_finite
from agents.conversations.reviews import panel
from agents.models import ChatSession, Flag
from agents.views.conversation_base import ConversationPage, OfChat, OfSession
from agents.views.conversation_deeds import AgentSessionReveal, ChatSessionReveal
from agents.views.stores import AgentSessionClose
from backoffice import display, generic
from backoffice.addresses import fixed_address, row_address
from backoffice.generic.walk import walk
from backoffice.recordings import is_playable
from backoffice.templatetags.ui import missing

# Flags of which the transcript itself tells.
TOLD = {Flag.INCOMPLETE, Flag.MORE_THAN_COUNTED, Flag.STORES_DIFFER, Flag.NOTHING_STORED}


class ConversationDetail(ConversationPage, generic.DetailView):
    """A conversation with its transcript: masked, and only for those who may read; each opening is logged.

    `?turn=` (key or number) opens at a turn, `?q=` finds a text in all of it (`hit` is the number of the place),
    `?find=` marks what a search for it found, `?first=` begins at a turn, `?whole=` shows one in full length.
    """

    page = "detail"
    has_history = False  # comes by itself, like the readings
    template_name = "agents/conversation.html"

    def get(self, request, pk):
        if request.htmx and request.htmx.target in ("transcript", "turns"):
            self.require_reading()
            return self.render(self.transcript_context(), template="agents/conversation_transcript.html")
        return super().get(request, pk)

    def get_actions(self):
        for action in super().get_actions():
            if not (self.revealed_until and action["label"] == "Reveal"):
                yield action

    def extra_context(self):
        context = {
            "page_title": self.heading(),
            "may_read": self.may_read,
            "walk": (self.conversation and walk(self.request, self.conversation))
            or walk(self.request, self.object),
            "conversation": self.conversation,
            "flags": [pair for pair in self.flags if pair[0] not in TOLD],
            "settings_url": self.address("settings")
            if self.request.user.has_perm("agents.view_agent")
            else "",
            "costs_url": self.costs_url(),
            "record_url": self.address("record"),
        }
        if not self.may_read:
            review = panel(self.conversation, self.request.user) if self.conversation else None
            return {**context, "review": review}
        return {**context, **self.transcript_context()}

    def heading(self):
        """Whose conversation it is, and when it began: ids tell nobody apart."""
        row, agent = self.conversation, self.object.agent
        if row is None or agent.organization is None:
            return str(self.object)
        channel = (row.get_channel_display() or "").lower()
        began = row.started_at
        when = f"{timezone.localtime(began):%Y-%m-%d %H:%M}" if began and 1 < began.year < 9999 else ""
        return ", ".join(part for part in (f"{agent.organization}: {agent}", channel, when) if part)

    @property
    def flags(self):
        return self.conversation.all_flags if self.conversation else []

    def costs_url(self):
        return ""

    def latency_url(self, figures):
        return ""

    def counted(self):
        """How many messages the platform counted, None where it does not."""
        return None

    def transcript_context(self):
        """What templates/agents/conversation_transcript.html shows. Logs the reading."""
        hits, hit = self.find()
        turn = self.request.GET.get("turn", "")[: transcript.LONGEST_KEY].replace("\0", "")
        first = self.request.GET.get("first", "")
        current = hits.places[hit - 1] if hits else (turn, self.nth) if self.is_step else ("", None)
        if first and not current[0]:
            figures, piece = transcript.read(self.object, first, before=0)
        else:
            figures, piece = transcript.read(self.object, current[0] or turn)
        if figures.turns:
            self.log_reading()
        asked = "" if current[0] or first else turn
        target = next((one.key for one in piece.turns if asked in (one.key, str(one.number))), "")
        whole = self.request.GET.get("whole", "") or self.cut_hit(piece, current)
        if whole:
            piece = self.with_whole(piece, whole)
        is_mixed = 0 < figures.in_table < figures.turns
        reading = self.reading(target=target, current=current, whole=whole, is_mixed=is_mixed)
        return {
            **self.turn_context(piece, reading),
            **self.piece_urls(piece, is_mixed),
            "figures": figures,
            "counted": self.counted(),
            "is_legacy": isinstance(self.object, ChatSession),
            "piece": piece,
            "is_missing": bool(asked) and figures.found is None,
            "needle": self.needle,
            "is_step": self.is_step,
            "hits": hits,
            "hit": hit,
            "hit_places": [key for key, _ in hits.places] if hits else [],
            "step_url": f"?{urlencode(self.kept())}&hit=",
            "searched": self.searched,
            "revealed_until": self.revealed_until,
            "mask_url": self.address("mask"),
            "recordings": self.recordings(),
            "latency_url": self.latency_url(figures),
            "copies": self.addressed("copy", downloads.COPIES),
            "downloads": self.downloads(),
            "is_going_on": self.is_going_on(figures),
            "live_url": self.address("live", opened=self.opened),
            "updated_at": timezone.now(),
            "last_key": transcript.last_key(piece),
        }

    def recordings(self):
        return [
            {
                "call": call,
                "url": row_address("telephony:calllog_recording", call.pk),
                "began": f"{call.created_at.timestamp():.3f}" if is_finite(call.created_at) else "",
            }
            for call in self.calls
            if is_playable(call.recording_url)
        ]

    @cached_property
    def is_step(self):
        """Whether the page knows already where the text stands, and asks for one of these places: `turn` and `nth`."""
        return bool(self.needle) and self.request.GET.get("nth", "").isdecimal()

    @property
    def nth(self):
        return int(self.request.GET["nth"][:6])

    def find(self):
        """(Hits, number of the one that is looked at); (None, 0) where nothing is looked for."""
        if not self.needle or self.is_step:
            return None, 0
        hits = in_page.hits(self.object, self.needle, revealed=bool(self.revealed_until))
        asked = self.request.GET.get("hit", "1")
        number = int(asked) if asked.isdecimal() and len(asked) < 8 else 1
        return hits, min(max(1, number), len(hits))

    def cut_hit(self, piece, current):
        """The key of the turn whose place is looked at if the place is behind what is shown of it."""
        return (
            current[0]
            if any(one.key == current[0] and one.size > transcript.SHOWN for one in piece.turns)
            else ""
        )

    def with_whole(self, piece, key):
        return transcript.Piece(
            [
                (transcript.one(self.object, key) or turn) if turn.key == key and not turn.is_whole else turn
                for turn in piece.turns
            ],
            piece.before,
            piece.has_later,
        )

    def downloads(self):
        """[(words, address)] of files, for those who may have any."""
        may = self.request.user.has_perm(downloads.PERMISSION)
        return self.addressed("download", downloads.FORMATS) if may else []

    def addressed(self, part, formats):
        url = self.address(part)
        return [(label, f"{url}?format={name}") for name, (*_, label) in formats.items()]


class AgentSessionDetail(OfSession, ConversationDetail):
    fields = [
        ("Conversation", ["agent", "tenant", "channel", "status", "message_count", "rows"]),
        ("Times", ["started_at", "last_activity_at", "ended_at", "created_at"]),
        ("Who", ["external_id", "profile", "website_domain", "ip_address", "call", "id"]),
    ]

    def actions(self):
        return [
            ("agents:agentsession_reveal", AgentSessionReveal),
            ("agents:agentsession_close", AgentSessionClose),
        ]

    def counted(self):
        return self.object.message_count

    def costs_url(self):
        return self.address("costs") if self.request.user.has_perm("billing.view_usagelog") else ""

    def latency_url(self, figures):
        return self.address("latency") if figures.measured else ""

    def show_tenant(self, session):
        return "Organization", display.links([session.agent.organization])

    def show_rows(self, session):
        url = fixed_address("agents:agentmessage_list")
        return "As rows", format_html('<a href="{}?session={}">Messages of the table</a>', url, session.pk)

    def show_call(self, session):
        names = [(call.get_absolute_url(), call.kind) for call in self.calls]
        return "Call", format_html_join(", ", '<a href="{}">{}</a>', names) or missing("", "none")

    def warnings(self):
        if self.object.is_shared:
            yield "This is the shared session “default”: a platform fault mixes callers of different tenants in it."


class ChatSessionDetail(OfChat, ConversationDetail):
    fields = ["agent", "tenant", "profile", "created_at", "rows", "id"]

    def actions(self):
        return [("agents:chatsession_reveal", ChatSessionReveal)]

    def show_tenant(self, chat):
        return "Organization", display.links([chat.agent.organization])

    def show_rows(self, chat):
        url = fixed_address("agents:chatmessage_list")
        return "As rows", format_html('<a href="{}?session={}">Messages of the chat</a>', url, chat.pk)
