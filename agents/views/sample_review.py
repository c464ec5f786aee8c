"""The queue in which the conversations of a sample are reviewed one after the other."""

from dataclasses import asdict

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect
from django.utils.functional import cached_property

from agents.conversations import samples, transcript
from agents.conversations.reviews import Changed, panel, said_about
from agents.models import Conversation, Sample, Store
from agents.review_forms import DecisionForm
from agents.views.conversation_base import ConversationPage, OfChat, OfSession
from agents.views.reviews import REVIEW
from backoffice import generic
from backoffice.services import log_read

OUT_OF_DATE = "Nothing was saved: this form is out of date. Here is what comes next."


class Decisions:
    """What somebody decided last in a sample, kept in the session to be undone: the newest first to go."""

    KEY, MOST, SAMPLES = "review_decisions", 20, 5

    def __init__(self, request, sample):
        self.session, self.name = request.session, str(sample.pk)

    def all(self):
        return self.session.get(self.KEY, {}).get(self.name, [])

    def last(self):
        found = self.all()
        return samples.Decision(**found[-1]) if found else None

    def keep(self, decisions):
        others = {name: kept for name, kept in self.session.get(self.KEY, {}).items() if name != self.name}
        newest = dict(list(others.items())[-self.SAMPLES + 1 :])
        self.session[self.KEY] = {**newest, self.name: decisions[-self.MOST :]}

    def add(self, decision):
        self.keep([*self.all(), asdict(decision)])

    def drop(self):
        self.keep(self.all()[:-1])


class SessionPage(OfSession, ConversationPage):
    page = "detail"


class ChatPage(OfChat, ConversationPage):
    page = "detail"


PAGES = {Store.SESSION: SessionPage, Store.CHAT: ChatPage}


class SampleReview(generic.ObjectPage):
    """One conversation of a sample with what can be said about it; a decision leads to the next.

    `?item=` opens one by its position, also one that was reviewed.
    """

    model = Sample
    permission = REVIEW
    action = "review"
    page = "review"

    def deed(self):
        return "review conversations"

    @cached_property
    def decisions(self):
        return Decisions(self.request, self.object)

    def get(self, request, pk):
        item = self.item_at(request.GET.get("item", "")) or samples.next_item(self.object)
        if item is None:
            messages.success(request, "Nothing is left to be reviewed in this sample.")
            return HttpResponseRedirect(self.object.get_absolute_url())
        return self.show(item)

    def item_at(self, position):
        """The item there, None where there is none whose conversation is stored."""
        if not str(position).isdecimal() or len(str(position)) > 6:
            return None
        return self.object.items.filter(samples.is_there(), position=int(position)).first()

    def post(self, request, pk):
        form = DecisionForm(request.POST)
        if not form.is_valid():
            return self.go_on(OUT_OF_DATE)
        verb, position, seen = (form.cleaned_data[name] for name in ("do", "item", "seen"))
        if verb == "undo":
            return self.undo()
        item = self.item_at(position)
        if item is None:
            return self.go_on(OUT_OF_DATE)
        if verb == "skip":
            self.decisions.add(samples.skip(item, actor=request.user))
            return self.go_on()
        return self.decide(item, verb, seen or None)

    def go_on(self, warning="", item=None):
        if warning:
            messages.warning(self.request, warning)
        return HttpResponseRedirect(f"{self.request.path}?item={item}" if item else self.request.path)

    def decide(self, item, outcome, seen):
        conversation = said_about(Conversation, item).get()
        try:
            decision = samples.decide(item, conversation, actor=self.request.user, outcome=outcome, seen=seen)
        except Changed as error:
            return self.show(item, problem=error.messages[0], status=409)
        except ValidationError as error:
            return self.go_on(error.messages[0])
        self.decisions.add(decision)
        return self.go_on()

    def undo(self):
        """Back to the last decision of one's own, which is taken back. One that cannot be is not offered again."""
        decision = self.decisions.last()
        if decision is None:
            return self.go_on("There is nothing to undo.")
        self.decisions.drop()
        try:
            samples.undo(self.object, decision, actor=self.request.user)
        except ValidationError as error:
            return self.go_on(error.messages[0], decision.position)
        return self.go_on(item=decision.position)

    def show(self, item, problem="", status=200):
        conversation = said_about(Conversation, item).select_related("organization", "agent").get()
        said = self.transcript(conversation)
        figures = samples.results([self.object])[self.object.pk]
        number = figures["reviewed"] + (item.reviewed_at is None)
        context = {
            "page_title": f"Review {self.object}",
            "crumbs": self.crumbs(),
            "sample": self.object,
            "item": item,
            "number": number,
            "results": figures,
            "conversation": conversation,
            "problem": problem,
            "last_decision": self.decisions.last(),
            **said,
            "review": said.get("review") or panel(conversation, self.request.user),
        }
        return self.render(context, status=status)

    def transcript(self, conversation):
        """What was said, as the conversation's own page shows it; each opening is logged, further pieces are not."""
        page = PAGES[conversation.store]()
        page.setup(self.request, pk=conversation.source_id)
        page.conversation = conversation
        if not page.may_read:
            return {"may_read": False}
        figures, piece = transcript.read(page.object)
        if piece.turns:
            log_read(
                "transcript",
                page.object,
                actor=self.request.user,
                organization_id=page.organization_id,
                detail=f"review of sample {self.object}",
            )
            page.is_logged = True
        is_mixed = 0 < figures.in_table < figures.turns
        return {
            # There is no player here.
            **page.turn_context(piece, page.reading(is_mixed=is_mixed), can_seek=False),
            **page.piece_urls(piece, is_mixed),
            "may_read": True,
            "revealed_until": page.revealed_until,
            "figures": figures,
        }
