from django.db import DataError
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.text import Truncator

from agents import forms, services, transcripts
from agents.effective import drifting, effective, same, unserved
from agents.filters import (
    AgentFilter,
    AgentMessageFilter,
    AgentSessionFilter,
    ChatMessageFilter,
    ChatSessionFilter,
)
from agents.models import Agent, AgentMessage, AgentSession, ChatMessage, ChatSession
from agents.tables import AgentMessageTable, AgentSessionTable, AgentTable, ChatMessageTable, ChatSessionTable
from backoffice import display, generic, keyset
from backoffice.masking import mask, mask_beginning
from backoffice.recordings import Recording
from backoffice.services import log_read
from backoffice.templatetags.ui import diff_value, missing
from telephony.models import CallLog

READ = "agents.read_transcript"


class AgentList(generic.ListView):
    model = Agent
    not_exported = ["system_prompt", "voicemail_message", "webhook_url"]
    # A name needs few of the 44 columns.
    queryset = Agent.objects.select_related("organization").only(
        "name", "organization__name", "llm_model", "voice_provider", "is_published", "version", "created_at"
    )
    table_class = AgentTable
    filterset_class = AgentFilter
    orders = {"created": generic.by_time(), "name": generic.Order(keyset.F("name"), rises_first=True)}


class AgentDetail(generic.DetailView):
    model = Agent
    queryset = Agent.objects.select_related("organization")
    fields = [
        ("Agent", ["name", "organization", "description", "is_published", "version", "created_at", "updated_at", "id"]),
        ("Language model", ["llm_model", "llm_provider", "temperature", "max_tokens", "system_prompt"]),
        (
            "Voice",
            ["voice_provider", "voice_id", "voice_model", "voice_speed", "voice_temperature", "voice_volume",
             "responsiveness", "interruption_sensitivity", "enable_backchannel", "backchannel_words",
             "ambient_sound", "ambient_volume"],
        ),
        (
            "Listening",
            ["stt_provider", "stt_mode", "denoising_mode", "boosted_keywords", "normalize_speech"],
        ),
        (
            "Call handling",
            ["max_duration_seconds", "end_after_silence_seconds", "voicemail_detection", "voicemail_action",
             "voicemail_message"],
        ),
        (
            "Privacy and connections",
            ["pii_redaction_enabled", "pii_redaction_list", "data_storage_policy", "webhook_url",
             "webhook_timeout_ms", "custom_headers", "enabled_mcp_servers", "knowledge_base_ids"],
        ),
        ("Configuration (JSON)", ["config"]),
    ]  # fmt: skip
    related = [
        ("Sessions", "agents:agentsession_list", "agent", "sessions"),
        ("Legacy chats", "agents:chatsession_list", "agent", "chat_sessions"),
        ("Phone numbers", "telephony:phonenumber_list", "agent", "phone_numbers"),
        ("Calls", "telephony:calllog_list", "agent", "calls"),
        ("Usage", "billing:usagelog_list", "agent", "usage_logs"),
    ]

    @cached_property
    def settings(self):
        return effective(self.object)

    @cached_property
    def in_effect(self):
        return self.object.for_editing()

    def item(self, name):
        """With what is in effect; where the column holds something else, that is said below."""
        item = super().item(name)
        setting = self.settings.get(name)
        if setting is None or not setting.drifts:
            return item
        user, field = self.request.user, Agent._meta.get_field(name)
        column = item["value"]
        if same(name, getattr(self.in_effect, name), setting.value):
            item["value"] = format_html(
                '{}<span class="under">In effect, from the configuration. The column holds: {}</span>',
                display.present(self.in_effect, name, user)["value"],
                column,
            )
        else:
            said = display.side(field, setting.value)
            item["value"] = format_html(
                '{}<span class="under">The column. In effect, from the configuration: {}</span>',
                column,
                diff_value(said),
            )
        return item

    def warnings(self):
        words = {
            "llm_model": "The runtime does not know the model “{}” and silently runs {}.",
            "voice_provider": "The runtime cannot speak with the provider “{}”.",
            "stt_provider": "The runtime cannot listen with the provider “{}”.",
        }
        for setting, _ in unserved(self.settings):
            value = Truncator(str(display.redact(setting.value))).chars(60)
            yield words[setting.name].format(value, Agent.DEFAULT_LLM_MODEL)
        if count := len(drifting(self.settings)):
            yield (
                f"{count} setting{' differs' if count == 1 else 's differ'} between the columns and the configuration"
                " (JSON). The configuration counts; both are named below. Editing a setting here writes both."
            )


class AgentCreate(generic.CreateView):
    model = Agent
    form_class = forms.AgentAddForm


class AgentUpdate(generic.UpdateView):
    model = Agent
    form_class = forms.AgentForm
    template_name = "agents/agent_form.html"
    after_saving = "A running backend takes it up when it reloads the agent."


class AgentDelete(generic.DeleteView):
    model = Agent


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
            log_read("transcript", self.model(), actor=self.request.user, detail=self.request.get_full_path())
        return {"may_read": True}


class AgentMessageList(MessageList):
    model = AgentMessage
    queryset = AgentMessage.objects.select_related("session").defer(
        "session__conversation_history", "session__context_data"
    )
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
        log_read("transcript", message, actor=self.request.user)
        return "Text (masked)", mask(getattr(message, self.text_field))


class AgentMessageDetail(MessageDetail):
    model = AgentMessage
    queryset = AgentMessage.objects.select_related("session").defer(
        "session__conversation_history", "session__context_data"
    )
    fields = [
        ("Message", ["role", "masked_text", "created_at", "session", "id"]),
        ("Measured", ["tokens_used", "latency_ms", "model_used", "audio_duration_ms", "recording"]),
    ]
    text_field = "content"

    def show_recording(self, message):
        may = transcripts.is_playable(message.audio_url) and self.request.user.has_perm(READ)
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


class ChatSessionDelete(generic.DeleteView):
    model = ChatSession


class ChatMessageList(MessageList):
    model = ChatMessage
    queryset = ChatMessage.objects.select_related("session")
    table_class = ChatMessageTable
    filterset_class = ChatMessageFilter
    orders = {"created": generic.by_time("timestamp")}
    text_field = "text"


class ChatMessageDetail(MessageDetail):
    model = ChatMessage
    queryset = ChatMessage.objects.select_related("session")
    fields = ["role", "masked_text", "timestamp", "session", "id"]
    text_field = "text"
