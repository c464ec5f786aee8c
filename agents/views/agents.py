from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.text import Truncator

from agents import forms
from agents.effective import drifting, effective, same, unserved
from agents.filters import AgentFilter
from agents.models import Agent
from agents.tables import AgentTable
from agents.views.agent_compare import AgentCompareWith
from agents.views.agent_deeds import AgentClone, AgentPublish, AgentPublishAgain, AgentUnpublish
from agents.views.agent_versions import AgentHistory
from backoffice import display, generic, keyset
from backoffice.templatetags.ui import diff_value


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

    bulk = (AgentPublish, AgentUnpublish)

    def bulk_pages(self):
        return [
            {"label": "Compare two", "icon": "git-compare-arrows", "url": reverse("agents:agent_compare")}
        ]


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
        ("Conversations", "agents:conversation_list", "agent", "conversations"),
        ("Phone numbers", "telephony:phonenumber_list", "agent", "phone_numbers"),
        ("Calls", "telephony:calllog_list", "agent", "calls"),
        ("Usage", "billing:usagelog_list", "agent", "usage_logs"),
    ]

    def actions(self):
        return [
            ("agents:agent_history", AgentHistory),
            ("agents:agent_compare_with", AgentCompareWith),
            ("agents:agent_clone", AgentClone),
            ("agents:agent_publish", AgentPublish),
            ("agents:agent_publish", AgentPublishAgain),
            ("agents:agent_unpublish", AgentUnpublish),
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
