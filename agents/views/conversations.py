"""The list of all conversations, whichever store holds them; no content."""

from collections import Counter

from django.urls import reverse
from django.utils import timezone

from agents import services
from agents.conversations import index, tally
from agents.filters import ConversationFilter
from agents.models import FLAG_MEANING, AgentSession, Conversation, Flag, Label, Outcome, Store
from agents.tables import ConversationTable
from backoffice import display, generic, keyset
from backoffice.filters import Query
from backoffice.generic.lists import open_list
from backoffice.generic.memory import PLACES
from backoffice.templatetags.ui import missing, url_or_none

LIST = "agents:conversation_list"
BEHIND_SECONDS = 120


class ConversationClose(generic.ActionView):
    """For many rows of the list; one session is closed on its own page."""

    model = Conversation
    permission = "agents.close_session"
    action = "close"  # not "change": the row only follows the session
    service = staticmethod(services.close_conversation)
    label = "Close"
    icon = "circle-stop"
    explanation = (
        "Marks the conversations as ended now. The platform itself never does; nothing else changes."
    )

    @classmethod
    def applies_to(cls, obj):
        return obj.store == Store.SESSION and obj.status != AgentSession.Status.ENDED


class ConversationList(generic.ListView):
    model = Conversation
    queryset = Conversation.objects.select_related("organization", "agent").only(
        "store", "source_id", "external_id", "channel", "status", "started_at", "last_at", "length_seconds", "stored",
        "counted", "tokens", "cost_usd", "call_id", "caller", "flags", "outcome", "labels", "organization__name",
        "agent__name",
    )  # fmt: skip
    table_class = ConversationTable
    filterset_class = ConversationFilter
    orders = {
        "started": generic.by_time("started_at"),
        "activity": generic.by_time("last_at"),
        "length": generic.Order(keyset.F("length_seconds")),
        "messages": generic.Order(keyset.F("stored")),
        "tokens": generic.Order(keyset.zero_if_null("tokens")),
        "cost": generic.Order(keyset.zero_if_null("cost_usd")),
    }
    bulk = (ConversationClose,)
    # Thirteen values each: fifty take a phone long to lay out, and are 120 KB with all their flags.
    heavy_rows = True
    nothing_yet = "Conversations appear here a few seconds after they begin."

    def row_context(self, rows):
        shows_labels = any(column.name == "labels" for column in self.columns) and any(
            row.labels for row in rows
        )
        return {"labels": Label.objects.in_bulk() if shows_labels else {}}

    def extra_context(self):
        query = str(Query(self.request.GET).without("sort", "columns", "view", *PLACES))
        context = {
            "above_rows": "agents/conversation_counts_place.html",
            "counts_url": f"{reverse('agents:conversation_counts')}{query}",
            "note": freshness(index.state()),
        }
        if self.request.user.has_perm("agents.review_conversation"):
            context["sample_url"] = f"{url_or_none('agents:sample_add')}{query}"
        if self.request.user.has_perm("agents.export_transcript"):
            context["turns_url"] = f"{reverse('agents:turn_export')}{query}"
        return context


class ConversationRecord(generic.DetailView):
    """The row of the list as it is, for Django admin; people read the conversation itself."""

    model = Conversation
    queryset = Conversation.objects.select_related("organization", "agent", "profile", "call")
    has_history = has_inline = False
    fields = [
        ("Conversation", ["page", "store", "source_id", "external_id", "organization", "agent", "profile"]),
        ("Figures", ["channel", "status", "started_at", "last_at", "length_seconds", "tokens", "cost_usd", "call",
                     "caller"]),
        ("Stored", ["stored", "counted", "in_messages", "in_history", "only_in_history", "odd", "indexed_at"]),
        ("Review", ["outcome", "reviewed_by", "reviewed_at"]),
    ]  # fmt: skip

    def show_page(self, row):
        return "Open", display.links([row])

    def show_odd(self, row):
        return "Flags", ", ".join(flag.label for flag, _ in row.all_flags) or missing("", "none")


def freshness(state):
    """How far the list is, in a sentence."""
    if state.built_at is None:
        share = f"{min(99, 100 * state.done // state.total)} % of " if state.total else ""
        return f"The list is being built: {share}the conversations have been read so far."
    behind = (timezone.now() - state.caught_up_at).total_seconds()
    if behind > BEHIND_SECONDS:
        return f"The list is {behind / 60:,.0f} minutes behind: no worker keeps it in step. What is newer is missing."
    return "All channels and stores, a few seconds behind the platform."


class ConversationCounts(generic.ModelPage):
    """How many of the conversations that the filters leave have which channel, status, flag and outcome.

    Counted are the newest COUNT_LIMIT of them; every figure leads to its rows.
    """

    model = Conversation
    action = "view"
    page = "counts"
    replica = True

    def get(self, request):
        page = open_list(LIST, request.user, request.GET.urlencode())
        counted = tally.newest(page.filterset.qs)
        query = Query(page.request.GET).without("sort", "columns", "view", *PLACES)
        context = {
            "page_title": "Conversations in figures",
            "crumbs": self.crumbs(),
            "list_url": f"{reverse(LIST)}{query}",
            "is_part": counted.is_part,
            "total": counted.total,
            "groups": groups(counted, query),
            "rate": rate(counted.outcomes),
        }
        template = (
            "agents/conversation_counts.html" if request.htmx else "agents/conversation_counts_page.html"
        )
        return self.render(context, template=template)


def groups(counted, query):
    """[{label, figures: [{label, count, url, hint}]}], the most frequent first."""

    def figures(parameter, counts, label=str, hints=None):
        return [
            {
                "label": label(value),
                "count": count,
                "url": f"{reverse(LIST)}{query.with_(**{parameter: 'null' if value is None else value})}",
                "hint": (hints or {}).get(value, ""),
            }
            for value, count in counts.most_common()
        ]

    def known(choices):
        words = {str(value): str(text) for value, text in choices}
        return lambda value: "not set" if value is None else words.get(str(value), str(value))

    field = Conversation._meta.get_field
    outcomes = Counter({outcome or "no": count for outcome, count in counted.outcomes.items()})
    review_words = known([*Outcome.choices, ("no", "Not reviewed yet")])
    return [
        {
            "label": "Channel",
            "figures": figures("channel", counted.channels, known(field("channel").choices)),
        },
        {"label": "Status", "figures": figures("status", counted.statuses, known(field("status").choices))},
        {"label": "Flags", "figures": figures("flag", counted.flags, known(Flag.choices), FLAG_MEANING)},
        {"label": "Review", "figures": figures("review", outcomes, review_words)},
    ]


def rate(outcomes):
    """{success, judged, unknown, percent} of a Counter of outcomes; percent is None where no outcome counts."""
    success, judged = outcomes[Outcome.SUCCESS], outcomes[Outcome.SUCCESS] + outcomes[Outcome.FAILED]
    return {
        "success": success,
        "judged": judged,
        "unknown": outcomes[Outcome.UNKNOWN],
        "percent": round(100 * success / judged) if judged else None,
    }
