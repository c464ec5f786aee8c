import datetime

from django.contrib import admin
from django.utils.html import format_html

from agents import views
from agents.models import (
    Agent,
    AgentMessage,
    AgentSession,
    ChatMessage,
    ChatSession,
    Conversation,
    Label,
    Sample,
    SettingChange,
)
from backoffice import display
from backoffice.admin_site import RecordAdmin
from backoffice.masking import mask
from backoffice.services import log_read
from backoffice.templatetags import ui


@admin.register(Agent)
class AgentAdmin(RecordAdmin):
    list_page, record_page = views.AgentList, views.AgentDetail
    add_page, edit_page, delete_page = views.AgentCreate, views.AgentUpdate, views.AgentDelete
    # Settings are on the staff list, as they are in effect; a column alone would tell something else.
    rows = views.AgentList.queryset
    columns = ["name", "organization", "is_published", "version", "created_at"]
    list_filter = ["is_published"]
    search_help_text = "An id, or a part of an agent's or organization's name."


MOST_ENTRIES = 200


class SessionRecord(views.AgentSessionDetail):
    """With the columns that hold JSON, masked like the transcript, for those who may read one."""

    fields = [*views.AgentSessionDetail.fields, ("Stored JSON", ["history", "context"])]

    @property
    def queryset(self):
        found = views.AgentSessionDetail.queryset
        return found.defer(None) if self.request.user.has_perm(views.READ) else found

    def extra_context(self):
        context = super().extra_context()
        session = self.object
        logged = not context["may_read"] or context["figures"].turns
        if not logged and (session.conversation_history or session.context_data):
            log_read("transcript", session, actor=self.request.user, organization_id=self.organization_id)
        return context

    def show_history(self, session):
        return "Conversation history", self.content(session.conversation_history)

    def show_context(self, session):
        return "Context", self.content(session.context_data)

    def content(self, value):
        if not self.request.user.has_perm(views.READ):
            return ui.missing("", "your role does not include reading transcripts")
        if not value:
            return ui.missing(value)
        more = len(value) - MOST_ENTRIES if isinstance(value, list) else 0
        shown = ui.pretty_json(masked(display.redact(value[:MOST_ENTRIES] if more > 0 else value)))
        html = format_html('<pre class="code" tabindex="0">{}</pre>', shown)
        return format_html("{}<p>{} more entries</p>", html, ui.number(more)) if more > 0 else html


def masked(value):
    """A JSON value with personal data masked in all its texts, numbers and keys."""
    if isinstance(value, dict):
        return {mask(key): item if is_time(key, item) else masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    text = mask(value)
    return value if text == str(value) else text


def is_time(key, value):
    """Whether it is the time of an entry, which would be taken for a telephone number."""
    try:
        datetime.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return key == "timestamp"


@admin.register(AgentSession)
class AgentSessionAdmin(RecordAdmin):
    list_page, record_page, delete_page = views.AgentSessionList, SessionRecord, views.AgentSessionDelete
    columns = ["external_id", "agent", "channel", "status", "message_count", "last_activity_at", "created_at"]
    list_filter = ["status", "channel"]
    search_help_text = "A whole session id, or the id of a record or agent."


@admin.register(AgentMessage)
class AgentMessageAdmin(RecordAdmin):
    """Content is on the message's own page, masked; the list and its search leave it out."""

    list_page, record_page = views.AgentMessageList, views.AgentMessageDetail
    rows = AgentMessage.objects.select_related("session").only(
        "role", "tokens_used", "latency_ms", "created_at", "session__external_id"
    )
    columns = ["role", "session", "tokens_used", "latency_ms", "created_at"]
    list_filter = ["role"]
    search_help_text = "A whole session id, or the id of a message or session."


@admin.register(ChatSession)
class ChatSessionAdmin(RecordAdmin):
    list_page, record_page, delete_page = (
        views.ChatSessionList,
        views.ChatSessionDetail,
        views.ChatSessionDelete,
    )
    columns = ["id", "agent", "profile", "created_at"]
    search_help_text = "The id of a chat, agent or profile."


@admin.register(ChatMessage)
class ChatMessageAdmin(RecordAdmin):
    """As for AgentMessage: no content in the list."""

    list_page, record_page = views.ChatMessageList, views.ChatMessageDetail
    rows = ChatMessage.objects.select_related("session").only("role", "timestamp", "session__id")
    columns = ["role", "session", "timestamp"]
    list_filter = ["role"]
    search_help_text = "The id of a message or chat."


@admin.register(Conversation)
class ConversationAdmin(RecordAdmin):
    """The list of all conversations, as figures; what was said is on the pages of sessions and chats."""

    list_page, record_page = views.ConversationList, views.ConversationRecord
    columns = ["source_id", "organization", "agent", "channel", "status", "stored", "started_at"]
    list_filter = ["channel", "status"]
    search_help_text = (
        "A session's id, the id of an agent or organization, a caller's number, an organization's name."
    )


@admin.register(Label)
class LabelAdmin(RecordAdmin):
    list_page, record_page = views.LabelList, views.LabelDetail
    add_page, edit_page, delete_page = views.LabelCreate, views.LabelUpdate, views.LabelDelete
    columns = ["name", "tone", "meaning", "is_retired", "created_at"]
    list_filter = ["is_retired"]


@admin.register(SettingChange)
class SettingChangeAdmin(RecordAdmin):
    list_page, record_page = views.SettingChangeList, views.SettingChangeDetail
    columns = ["name", "row_count", "owner_name", "created_at", "confirmed_at"]
    search_help_text = "A part of the change's name, its reason or who asked for it."


@admin.register(Sample)
class SampleAdmin(RecordAdmin):
    list_page, record_page = views.SampleList, views.SampleDetail
    columns = ["name", "size", "of", "owner_name", "created_at"]
