"""Search in what was said, across all conversations."""

import datetime
from itertools import groupby

from django.contrib import messages
from django.db import DataError
from django.http import HttpResponseRedirect
from django.utils import timezone

from agents.conversations import index
from agents.conversations.find import FIRST, FURTHER, find
from agents.conversations.found_html import groups_html
from agents.conversations.hits import hits
from agents.filters.search import TurnFilter
from agents.models import AgentMessage, Conversation, IndexedTurn
from agents.views.stores import READ
from backoffice import generic, keyset
from backoffice.filters import Query, chips
from backoffice.generic.lists import filter_fields
from backoffice.services import log_read

PLACES = ("after", "further")
BEHIND_SECONDS = 120
EXAMPLES = [
    ("refund", "messages with this word"),
    ("refund invoice", "with both words, in any order"),
    ('"credit card"', "with these words, one after the other"),
    ("cancel*", "with words that begin like this"),
    ("invoice -test", "with the first word, without the second"),
    ("+49 170 1234567", "with this telephone number, however it was written; it is logged"),
]
KINDS = {
    "email": "mail address",
    "phone": "telephone number",
    "card": "card number",
    "account": "bank account number",
    "ssn": "social security number",
    "id": "id number",
}


class ConversationSearch(generic.ModelPage):
    """Turns with the words that are asked for, newest first. Ordinary words are not logged; a whole number or mail
    address is, by its kind.
    """

    model = Conversation
    permission = READ
    page = "search"
    replica = True
    template_name = "agents/search.html"

    def deed(self):
        return "search in what was said"

    def get(self, request):
        filterset = TurnFilter(request.GET, queryset=IndexedTurn.objects.none(), request=request)
        wanted = filterset.wanted()
        query = Query(request.GET).without(*PLACES)
        context = {
            "page_title": "Search in conversations",
            "filterset": filterset,
            **filter_fields(filterset),
            # The words themselves stand in the box.
            "chips": [chip for chip in chips(filterset, query) if not chip["text"].startswith("Words: ")],
            "reset_url": self.reset_url(filterset, query),
            "state": index_state(),
            "examples": EXAMPLES,
            "wanted": wanted,
        }
        if wanted:
            try:
                context |= self.results(wanted, query)
            except (keyset.BadCursor, DataError):
                messages.warning(
                    request, "That place in the results does not exist any more; this is their beginning."
                )
                return HttpResponseRedirect(f"{request.path}{query}")
        return self.render(context, template=self.template_name)

    def reset_url(self, filterset, query):
        """The same words without filters; "" where no filter narrows them."""
        values = getattr(filterset.form, "cleaned_data", {})
        if not filterset.form.errors and not any(values.get(name) for name in values if name != "q"):
            return ""
        return f"{self.request.path}{Query().with_(q=self.request.GET.get('q', ''))}"

    def results(self, wanted, query):
        """What the template shows of a page of results."""
        goes_further = "further" in self.request.GET
        found = find(wanted, self.place(), FURTHER if goes_further else FIRST)
        shown = hits(found, wanted.query)
        self.log(wanted, len(shown))
        next_url = ""
        if found.next:
            next_url = query.with_(after=keyset.encode(*found.next))
            next_url = next_url.with_(further=1) if found.is_cut or goes_further else next_url
        groups = [
            (conversation, list(group))
            for conversation, group in groupby(shown, lambda hit: hit.conversation)
        ]
        return {
            "found": found,
            "groups": groups,
            "found_html": groups_html(groups),
            "shown": len(shown),
            "searched_back_to": moment(found.next[0]) if found.is_cut else None,
            "next_url": str(next_url),
            "first_url": str(query) if "after" in self.request.GET else "",
        }

    def place(self):
        after = self.request.GET.get("after", "")
        return keyset.decode(after, IndexedTurn) if after else None

    def log(self, wanted, shown):
        if what := described(wanted.query):
            log_read(
                "search",
                AgentMessage(),
                actor=self.request.user,
                organization_id=wanted.organization,
                detail=f"{what}; {shown} message{'' if shown == 1 else 's'} shown",
            )


def described(query):
    """The mail addresses and numbers in a query, told without telling them: who reads the log learns none."""
    texts = []
    for term in query.terms:
        kind = KINDS.get(term.secret, term.secret)
        if term.secret == "email":
            texts.append(f"{kind} beginning with {term.typed[:1]}")
        elif term.secret:
            digits = [sign for sign in term.typed if sign.isalnum()]
            texts.append(f"{kind} ending in {''.join(digits[-2:])}")
    return ", ".join(texts)


def index_state():
    """{is_built, percent: of the conversations that can be searched, caught_up_at, is_late}."""
    state = index.state()
    since = timezone.now() - datetime.timedelta(seconds=BEHIND_SECONDS)
    return {
        "is_built": state.built_at is not None,
        "percent": min(99, 100 * state.done // state.total) if state.total else 0,
        "caught_up_at": state.caught_up_at,
        "is_late": state.caught_up_at is not None and state.caught_up_at < since,
    }


def moment(text):
    """A time of the database as one of Python's; None where it has no such time."""
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
