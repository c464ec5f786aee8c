"""The platform's tables of conversations, each as it is; staff use the list of all conversations instead."""

from django.db.models import F
from django.shortcuts import get_object_or_404

from agents import services
from agents.filters import AgentMessageFilter, AgentSessionFilter, ChatMessageFilter, ChatSessionFilter
from agents.models import Agent, AgentMessage, AgentSession, ChatMessage, ChatSession
from agents.tables import AgentMessageTable, AgentSessionTable, ChatMessageTable, ChatSessionTable
from backoffice import display, generic
from backoffice.filters import Query
from backoffice.generic.memory import PLACES
from backoffice.masking import mask, mask_beginning
from backoffice.recordings import Recording, is_playable
from backoffice.services import log_read
from backoffice.templatetags.ui import missing

READ = "agents.read_transcript"


class AgentSessionClose(generic.ActionView):
    model = AgentSession
    permission = "agents.close_session"
    service = staticmethod(services.close_session)
    label = "Close"
    icon = "circle-stop"
    explanation = "Marks the conversation as ended now. The platform itself never does; nothing else changes."
    success = "The session was closed."

    @classmethod
    def applies_to(cls, obj):
        return obj.status != AgentSession.Status.ENDED


class AgentSessionList(generic.ListView):
    model = AgentSession
    queryset = AgentSession.objects.select_related("agent__organization").only(
        "external_id", "channel", "status", "message_count", "last_activity_at", "created_at",
        "agent__name", "agent__organization__name",
    )  # fmt: skip
    table_class = AgentSessionTable
    filterset_class = AgentSessionFilter
    orders = {"created": generic.by_time(), "activity": generic.by_time("last_activity_at")}
    bulk = (AgentSessionClose,)


class AgentSessionDelete(generic.DeleteView):
    model = AgentSession


class MessageList(generic.ListView):
    """Messages across conversations: text masked and cut, only for those who may read, and each such page is logged."""

    text_field = ""

    def row_context(self, rows):
        if not self.request.user.has_perm(READ):
            return {"may_read": False}
        for row in rows:
            row.masked = mask_beginning(getattr(row, self.text_field), 160)
        if rows:
            query = str(Query(self.request.GET).without(*PLACES))
            log_read(
                "transcript",
                self.model(),
                actor=self.request.user,
                organization_id=tenant_of(rows),
                detail=f"{self.request.path}{query if query != '?' else ''}",
            )
        return {"may_read": True}


def tenant_of(messages):
    """The id of the tenant whose conversations these messages are from, None where it is not one."""
    tenants = {message.tenant_id for message in messages}
    return tenants.pop() if len(tenants) == 1 else None


MESSAGES = (
    AgentMessage.objects.select_related("session")
    .defer("session__conversation_history", "session__context_data")
    .annotate(tenant_id=F("session__agent__organization_id"))
)
CHAT_MESSAGES = ChatMessage.objects.select_related("session").annotate(
    tenant_id=F("session__agent__organization_id")
)


class AgentMessageList(MessageList):
    model = AgentMessage
    queryset = MESSAGES
    table_class = AgentMessageTable
    not_exported = ["audio_url"]  # recordings are heard through the door that logs it
    filterset_class = AgentMessageFilter
    orders = {"created": generic.by_time()}
    text_field = "content"


class MessageDetail(generic.DetailView):
    """One line of a transcript: masked, and only for those who may read."""

    has_readings = True
    text_field = ""

    def show_masked_text(self, message):
        if not self.request.user.has_perm(READ):
            return "Text", missing("", "your role does not include reading transcripts")
        log_read("transcript", message, actor=self.request.user, organization_id=message.tenant_id)
        return "Text (masked)", mask(getattr(message, self.text_field))


class AgentMessageDetail(MessageDetail):
    model = AgentMessage
    queryset = MESSAGES
    fields = [
        ("Message", ["role", "masked_text", "created_at", "session", "id"]),
        ("Measured", ["tokens_used", "latency_ms", "model_used", "audio_duration_ms", "recording"]),
    ]
    text_field = "content"

    def show_recording(self, message):
        may = is_playable(message.audio_url) and self.request.user.has_perm(READ)
        return "Recording", display.audio(message.get_absolute_url() + "recording/") if may else missing(None)


class AgentMessageRecording(Recording):
    model = AgentMessage
    url_field = "audio_url"

    def organization_id(self):
        return get_object_or_404(
            Agent.objects.only("organization_id"), sessions=self.object.session_id
        ).organization_id


class ChatSessionList(generic.ListView):
    model = ChatSession
    queryset = ChatSession.objects.select_related("agent__organization", "profile").only(
        "created_at", "agent__name", "agent__organization__name", "profile__email"
    )
    table_class = ChatSessionTable
    filterset_class = ChatSessionFilter
    orders = {"created": generic.by_time()}


class ChatSessionDelete(generic.DeleteView):
    model = ChatSession


class ChatMessageList(MessageList):
    model = ChatMessage
    queryset = CHAT_MESSAGES
    table_class = ChatMessageTable
    filterset_class = ChatMessageFilter
    orders = {"created": generic.by_time("timestamp")}
    text_field = "text"


class ChatMessageDetail(MessageDetail):
    model = ChatMessage
    queryset = CHAT_MESSAGES
    fields = ["role", "masked_text", "timestamp", "session", "id"]
    text_field = "text"
