"""The pages of the tenant's view about agents, numbers, conversations and money (PAGES: its tabs, in their order)."""

from django.core.exceptions import PermissionDenied
from django.http import Http404

from agents.models import Agent, AgentSession, ChatSession
from agents.views.stores import READ
from backoffice import keyset, services
from backoffice.display import present
from backoffice.keyset import newest
from backoffice.postgresql.base import PREVIEW
from backoffice.preview import permitted
from backoffice.roles import role_of
from billing.models import CreditTransaction, UsageLog
from telephony.models import CallLog, PhoneNumber, SipTrunk
from tenants.preview import talk
from tenants.views.previews import OrganizationPreview, PreviewPage

SIZE = 50
MOST_AGENTS = 300  # whose conversations are listed


class PreviewList(PreviewPage):
    """Rows of the tenant, newest first, a page at a time. `rows()` is their queryset, on the connection PREVIEW."""

    row_model = None
    rows_template = ""
    empty = ""
    key = newest()

    def read(self):
        with permitted():
            page = keyset.read_page(
                self.rows(), self.key, descending=True, size=SIZE, params=self.request.GET
            )
            self.name_agents(page.rows)
        return {
            "rows": page.rows,
            "rows_template": self.rows_template,
            "empty": self.empty,
            "note": self.note(),
            "previous_url": f"?{page.previous}" if page.previous else "",
            "next_url": f"?{page.next}" if page.next else "",
        }

    template_name = "tenants/preview/list.html"

    def name_agents(self, rows):
        """Gives each row that has an agent `agent_name`; None where the tenant does not see that agent."""
        ids = {row.agent_id for row in rows if getattr(row, "agent_id", None)}
        found = Agent.objects.using(PREVIEW).filter(pk__in=ids).only("id", "name") if ids else ()
        names = {agent.pk: agent.display_name for agent in found}
        for row in rows:
            row.agent_name = names.get(getattr(row, "agent_id", None))

    def rows(self):
        return self.own(self.row_model)

    def note(self):
        return ""

    def own(self, model):
        return model.objects.using(PREVIEW).filter(organization=self.object.pk)

    def own_agents(self):
        ids = self.own(Agent).order_by(newest().desc(), "-pk").values_list("pk", flat=True)
        return list(ids[:MOST_AGENTS])


class OrganizationPreviewAgents(PreviewList):
    slug = "agents"
    label = "Agents"
    rows_template = "tenants/preview/agents_rows.html"
    empty = "The tenant sees no agent."

    def rows(self):
        return self.own(Agent).only(
            "id",
            "organization_id",
            "name",
            "llm_model",
            "voice_provider",
            "is_published",
            "version",
            "created_at",
        )


class OrganizationPreviewAgent(PreviewPage):
    """One agent with every column that the tenant may read; secrets are hidden here as everywhere."""

    in_bar_as = "agents"
    slug = "agent"
    label = "Agent"
    template_name = "tenants/preview/agent.html"

    def read(self):
        with permitted():
            agent = Agent.objects.using(PREVIEW).filter(pk=self.kwargs["row"]).first()
            if agent is None:
                raise Http404("The tenant sees no such agent.")
            fields = [field.name for field in Agent._meta.concrete_fields if field.name not in ("config",)]
            return {
                "agent": agent,
                "name": agent.display_name,
                "items": [present(agent, name, self.request.user) for name in fields],
                "config": present(agent, "config", self.request.user)["value"],
            }


class OrganizationPreviewNumbers(PreviewList):
    row_model = PhoneNumber
    slug = "numbers"
    label = "Numbers"
    rows_template = "tenants/preview/numbers_rows.html"
    empty = "The tenant sees no phone number."


class OrganizationPreviewTrunks(PreviewList):
    row_model = SipTrunk
    slug = "trunks"
    label = "Trunks"
    rows_template = "tenants/preview/trunks_rows.html"
    empty = "The tenant sees no SIP trunk."

    def note(self):
        return (
            "Passwords are written by the tenant's app and never read: neither by it nor by the back office."
        )


class PreviewTalks(PreviewList):
    """Conversations of the tenant's agents in one of the two stores."""

    def rows(self):
        self.agents = self.own_agents()
        return self.talks().filter(agent__in=self.agents)

    def note(self):
        if len(self.agents) < MOST_AGENTS:
            return ""
        return (
            f"These are the conversations of its {MOST_AGENTS} newest agents; the tenant sees those of all."
        )


class InSessions:
    """Conversations as the platform keeps them now."""

    def talks(self):
        return AgentSession.objects.using(PREVIEW).defer("conversation_history", "context_data")


class InChats:
    """Those that it kept before."""

    def talks(self):
        return ChatSession.objects.using(PREVIEW)


class OrganizationPreviewConversations(InSessions, PreviewTalks):
    slug = "sessions"
    label = "Conversations"
    rows_template = "tenants/preview/sessions_rows.html"
    empty = "The tenant sees no conversation."


class OrganizationPreviewChats(InChats, PreviewTalks):
    slug = "chats"
    label = "Legacy chats"
    rows_template = "tenants/preview/chats_rows.html"
    empty = "The tenant sees no legacy chat."


class PreviewTalk(PreviewPage):
    """What was said in one of them, masked. Each opening is a reading of a transcript, as on its own page."""

    template_name = "tenants/preview/talk.html"

    def dispatch(self, request, *args, **kwargs):
        self.require(request.user)
        if not request.user.has_perm(READ):
            raise PermissionDenied(
                f"Your role ({role_of(request.user)}) may not read conversations; it lacks the permission {READ}."
            )
        return super().dispatch(request, *args, **kwargs)

    def read(self):
        with permitted():
            self.record = self.talks().filter(pk=self.kwargs["row"]).first()
            if self.record is None:
                raise Http404("The tenant sees no such conversation.")
            said, later = talk.read_messages(self.record, self.place("first"))
            kept, kept_later = talk.read_history(self.record, self.place("entry"))
        return {
            "record": self.record,
            "messages_shown": said,
            "later": later,
            "history": kept,
            "history_later": kept_later,
        }

    def place(self, name):
        text = self.request.GET.get(name, "")
        return max(1, int(text)) if text.isdecimal() and len(text) < 10 else 1

    def render(self, context, **kwargs):
        if context.get("messages_shown") or context.get("history"):
            services.log_read(
                "transcript",
                self.record,
                actor=self.request.user,
                organization_id=self.object.pk,
                reason=self.preview.reason,
                detail="in the tenant's view",
            )
        return super().render(context, **kwargs)


class OrganizationPreviewConversation(InSessions, PreviewTalk):
    in_bar_as = "sessions"
    slug = "session"
    label = "Conversation"


class OrganizationPreviewChat(InChats, PreviewTalk):
    in_bar_as = "chats"
    slug = "chat"
    label = "Legacy chat"


class OrganizationPreviewCalls(PreviewList):
    row_model = CallLog
    slug = "calls"
    label = "Calls"
    rows_template = "tenants/preview/calls_rows.html"
    empty = "The tenant sees no call."


class OrganizationPreviewUsage(PreviewList):
    row_model = UsageLog
    slug = "usage"
    label = "Usage"
    rows_template = "tenants/preview/usage_rows.html"
    empty = "The tenant sees no usage."


class OrganizationPreviewLedger(PreviewList):
    row_model = CreditTransaction
    slug = "ledger"
    label = "Ledger"
    rows_template = "tenants/preview/ledger_rows.html"
    empty = "The tenant sees no change of its balance."
    key = keyset.F("id")


PAGES = (
    OrganizationPreview,
    OrganizationPreviewAgents,
    OrganizationPreviewNumbers,
    OrganizationPreviewTrunks,
    OrganizationPreviewConversations,
    OrganizationPreviewChats,
    OrganizationPreviewCalls,
    OrganizationPreviewUsage,
    OrganizationPreviewLedger,
)
