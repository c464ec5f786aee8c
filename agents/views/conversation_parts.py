"""Parts of the page of a conversation that come by themselves: further turns, what is new, figures, settings, costs.

Each is a page of its own for readers without JavaScript.
"""

from django.http import Http404, HttpResponseRedirect
from django.utils import timezone

from agents.conversations import latency, transcript
from agents.conversations.costs import SHOWN, costs
from agents.conversations.settings_then import then_and_now
from agents.models import AgentSession, ChatSession
from agents.views.conversation_base import ConversationPage, OfChat, OfSession
from agents.views.stores import READ
from backoffice.audit import history, readings

MOST_TURNS = 2 * transcript.PIECE


class Part(ConversationPage):
    """A fragment for htmx, else a page around it."""

    template = ""
    title = ""

    def part_context(self):
        raise NotImplementedError

    def get(self, request, **kwargs):
        context = self.part_context()
        if request.htmx:
            return self.render(context, template=self.template)
        context |= {
            "page_title": f"{self.title}: {self.object}",
            "crumbs": self.crumbs(),
            "part": self.template,
            "back_url": self.address(),
        }
        return self.render(context, template="agents/conversation_part.html")


class Turns(ConversationPage):
    """Further turns: `first` to `last`, in the direction `towards`. Of a page that is open, so not logged again."""

    permission = READ

    def get(self, request, pk):
        first, last = (self.number(name) for name in ("first", "last"))
        if not request.htmx or not 1 <= first <= last < first + MOST_TURNS:
            return HttpResponseRedirect(self.address(first=first if first > 0 else ""))
        piece = transcript.between(self.object, first, last)
        if piece.turns:
            self.log_reading()
        is_mixed = bool(request.GET.get("mixed"))
        towards = request.GET.get("towards")
        urls = self.piece_urls(piece, is_mixed)
        context = {
            **self.turn_context(piece, self.reading(is_mixed=is_mixed)),
            "earlier": urls.get("earlier") if towards == "earlier" else None,
            "later": urls.get("later") if towards == "later" else None,
            # At the end of a conversation that goes on, what is new follows on.
            "last_key": transcript.last_key(piece) if towards == "later" else "",
        }
        return self.render(context, template="agents/conversation_turns.html")

    def number(self, name):
        text = self.request.GET.get(name, "")
        return int(text) if text.isdecimal() and len(text) < 10 else 0


class WholeTurn(ConversationPage):
    """One turn in full length."""

    permission = READ

    def get(self, request, pk, key):
        if len(key) > transcript.LONGEST_KEY or "\0" in key:
            raise Http404
        if not request.htmx:
            return HttpResponseRedirect(f"{self.address(turn=key, whole=key, **self.kept())}#t-{key}")
        turn = transcript.one(self.object, key)
        if turn is None:
            raise Http404
        self.log_reading()
        reading = self.reading(whole=key, is_mixed=bool(request.GET.get("mixed")))
        # The one before is taken to be of the same day: its line is on the page already.
        piece = transcript.Piece([turn], before=turn)
        return self.render(self.turn_context(piece, reading), template="agents/conversation_turns.html")


class Live(ConversationPage):
    """What is new in a conversation that goes on: the turns behind `last`, the figures, and when that was."""

    permission = READ

    def get(self, request, pk):
        if not request.htmx:
            return HttpResponseRedirect(self.address())
        last = request.GET.get("last", "")[: transcript.LONGEST_KEY].replace("\0", "")
        figures, piece = transcript.read(self.object, last, after=True)
        if piece.turns:
            self.log_reading()
        is_mixed = 0 < figures.in_table < figures.turns
        reading = self.reading(is_mixed=is_mixed)
        # Mostly nothing is new, and nothing is asked about turns that are not there.
        turns = self.turn_context(piece, reading) if piece.turns else {"bubbles": [], "turns": ""}
        context = {
            **turns,
            "later": self.piece_urls(piece, is_mixed).get("later") if last else None,
            "figures": figures,
            "is_going_on": self.is_going_on(figures),
            "is_behind": last not in ("", transcript.NOTHING_YET) and figures.found is None,
            "live_url": self.address("live", opened=self.opened),
            "updated_at": timezone.now(),
            "last_key": transcript.last_key(piece) if piece.turns else last,
        }
        return self.render(context, template="agents/conversation_news.html")


class Latency(Part):
    template = "agents/conversation_latency.html"
    title = "Latency by turn"

    def part_context(self):
        return {
            "chart": latency.chart(self.object),
            "width": latency.WIDTH,
            "height": latency.HEIGHT,
            "page_url": self.address(opened=self.opened if self.has_opened else ""),
        }


class Settings(Part):
    """The agent's settings when the conversation began, and now."""

    permission = "agents.view_agent"
    template = "agents/conversation_settings.html"
    title = "Agent then and now"

    def part_context(self):
        agent = self.object.agent
        return {"agent": agent, "began": self.start, "comparison": then_and_now(agent, self.start)}


class Costs(Part):
    permission = "billing.view_usagelog"
    template = "agents/conversation_costs.html"
    title = "Usage and cost"

    def part_context(self):
        return {"costs": costs(self.object, self.request.user), "shown": SHOWN, "object": self.object}


class Record(Part):
    """Who read it, and who changed what about it."""

    template = "agents/conversation_record.html"
    title = "Readings and changes"

    def part_context(self):
        return {"readings": readings(self.object), "events": history(self.object, user=self.request.user)}


class AgentSessionTurns(OfSession, Turns):
    pass


class AgentSessionTurn(OfSession, WholeTurn):
    pass


class AgentSessionLive(OfSession, Live):
    pass


class AgentSessionLatency(OfSession, Latency):
    pass


class AgentSessionSettings(OfSession, Settings):
    queryset = AgentSession.objects.select_related("agent__organization").defer(
        "conversation_history", "context_data"
    )


class AgentSessionCosts(OfSession, Costs):
    pass


class AgentSessionRecord(OfSession, Record):
    pass


class ChatSessionTurns(OfChat, Turns):
    pass


class ChatSessionTurn(OfChat, WholeTurn):
    pass


class ChatSessionLive(OfChat, Live):
    pass


class ChatSessionSettings(OfChat, Settings):
    queryset = ChatSession.objects.select_related("agent__organization")


class ChatSessionRecord(OfChat, Record):
    pass
