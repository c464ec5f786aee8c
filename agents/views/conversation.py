from django.db import DataError
from django.http import HttpResponseRedirect

from agents import transcripts
from agents.models import AgentSession, ChatSession
from agents.views.stores import READ, AgentSessionClose
from backoffice import display, generic, keyset
from backoffice.services import log_read
from telephony.models import CallLog


class TranscriptPage(generic.DetailView):
    """A conversation with its transcript: masked, and only for those who may read; each reading is logged."""

    has_readings = True
    template_name = "agents/conversation.html"
    revealed = False

    def read_transcript(self):
        raise NotImplementedError

    def organization_id(self):
        return self.object.agent.organization_id

    def get(self, request, pk):
        try:
            return super().get(request, pk)
        except (keyset.BadCursor, DataError):  # a place in the transcript that does not exist
            return HttpResponseRedirect(request.path)

    def extra_context(self):
        if not self.request.user.has_perm(READ):
            return {"may_read": False}
        transcript = self.read_transcript()
        if transcript.turns and not self.revealed:
            log_read(
                "transcript", self.object, actor=self.request.user, organization_id=self.organization_id()
            )
        return {
            "may_read": True,
            "revealed": self.revealed,
            "transcript": transcript if self.revealed else transcript.masked(),
            "next_url": f"?{transcript.next}" if transcript.next else "",
            "previous_url": f"?{transcript.previous}" if transcript.previous else "",
        }


class Reveal(generic.ActionView):
    """Shows a transcript unmasked, once, with a reason that is logged. Reloading asks again."""

    permission = "agents.reveal_transcript"
    label = "Reveal"
    icon = "eye"
    explanation = (
        "Shows mail addresses, numbers and the like as they are stored. Your reason is kept in the read log."
    )
    detail_view = None

    def service(obj, *, actor, reason):
        log_read("reveal", obj, actor=actor, organization_id=obj.agent.organization_id, reason=reason)

    def done(self, result):
        page = self.detail_view()
        page.setup(self.request, **self.kwargs)
        page.revealed = True
        return page.get(self.request, **self.kwargs)


class AgentSessionDetail(TranscriptPage):
    model = AgentSession
    queryset = AgentSession.objects.select_related("agent__organization", "profile")
    fields = [
        ("Conversation", ["agent", "tenant", "channel", "status", "message_count"]),
        ("Times", ["started_at", "last_activity_at", "ended_at", "created_at"]),
        ("Who", ["external_id", "profile", "website_domain", "ip_address", "call", "id"]),
    ]
    related = [
        ("Messages", "agents:agentmessage_list", "session", "messages"),
        ("Usage", "billing:usagelog_list", "q", "usage_logs"),
    ]

    def read_transcript(self):
        return transcripts.of_session(self.object, self.request.GET)

    def actions(self):
        return [
            ("agents:agentsession_reveal", AgentSessionReveal),
            ("agents:agentsession_close", AgentSessionClose),
        ]

    def show_tenant(self, session):
        return "Organization", display.links([session.agent.organization])

    def show_call(self, session):
        calls = CallLog.objects.filter(session_ref=session.external_id)[:5]
        return "Call", display.links(calls)

    def warnings(self):
        if self.object.is_shared:
            yield "This is the shared session “default”: a platform fault mixes callers of different tenants in it."


class AgentSessionReveal(Reveal):
    model = AgentSession
    queryset = AgentSession.objects.select_related("agent")
    detail_view = AgentSessionDetail


class ChatSessionDetail(TranscriptPage):
    model = ChatSession
    queryset = ChatSession.objects.select_related("agent__organization", "profile")
    fields = ["agent", "tenant", "profile", "created_at", "id"]
    related = [("Messages", "agents:chatmessage_list", "session", "messages")]

    def read_transcript(self):
        return transcripts.of_chat(self.object, self.request.GET)

    def actions(self):
        return [("agents:chatsession_reveal", ChatSessionReveal)]

    def show_tenant(self, chat):
        return "Organization", display.links([chat.agent.organization])


class ChatSessionReveal(Reveal):
    model = ChatSession
    queryset = ChatSession.objects.select_related("agent")
    detail_view = ChatSessionDetail
