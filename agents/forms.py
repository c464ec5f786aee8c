from django import forms
from django.core.exceptions import ValidationError

from agents.models import Agent
from backoffice.forms import StaffForm

# (lowest, highest) of the platform's own builder; nothing is enforced by its runtime.
RANGES = {
    "temperature": (0, 2),
    "max_tokens": (1, 4000),
    "voice_speed": ("0.5", 2),
    "voice_temperature": (0, 2),
    "voice_volume": (0, 2),
    "responsiveness": (0, 3),
    "interruption_sensitivity": (0, 3),
    "ambient_volume": (0, 1),
    "max_duration_seconds": (60, 7200),
    "end_after_silence_seconds": (30, 1800),
    "webhook_timeout_ms": (1000, 30000),
}
LISTS = [
    "backchannel_words",
    "boosted_keywords",
    "pii_redaction_list",
    "enabled_mcp_servers",
    "knowledge_base_ids",
]


class ListField(forms.CharField):
    """A JSON list of texts, one per line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value):
        return "\n".join(str(item) for item in value) if isinstance(value, list) else value

    def to_python(self, value):
        if isinstance(value, list):
            return value
        return [line.strip() for line in (value or "").splitlines() if line.strip()]


class AgentForm(StaffForm):
    """The settings of an agent as they are in effect (Agent.for_editing). Secrets are in none of its forms.

    Ranges are checked on what was changed only, so that a row with older values can still be saved.
    """

    class Meta(StaffForm.Meta):
        model = Agent
        fields = [
            "name", "description", "llm_provider", "llm_model", "system_prompt", "temperature", "max_tokens",
            "voice_provider", "voice_id", "voice_model", "voice_speed", "voice_temperature", "voice_volume",
            "responsiveness", "interruption_sensitivity", "enable_backchannel", "backchannel_words",
            "boosted_keywords", "normalize_speech", "ambient_sound", "ambient_volume", "max_duration_seconds",
            "end_after_silence_seconds", "voicemail_detection", "voicemail_action", "voicemail_message",
            "stt_provider", "stt_mode", "denoising_mode", "pii_redaction_enabled", "pii_redaction_list",
            "data_storage_policy", "webhook_url", "webhook_timeout_ms", "enabled_mcp_servers", "knowledge_base_ids",
        ]  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.has_json_name:
            del self.fields["name"]  # it may hold secrets, which a form would show
        for name in LISTS:
            if name not in self.fields:
                continue
            value = getattr(self.instance, name)
            if not self.instance._state.adding and value is not None and not is_text_list(value):
                # Another shape than a list of texts: shown on the record's page, and left alone here.
                del self.fields[name]
                continue
            field = self.fields[name]
            help_text = f"One per line. {field.help_text}"
            self.fields[name] = ListField(required=False, label=field.label, help_text=help_text)
        self.order_fields([*self._meta.fields, "reason", "opened"])

    def clean(self):
        cleaned = super().clean()
        for name in LISTS:
            if cleaned.get(name) == [] and getattr(self.instance, name) is None:
                cleaned[name] = None
        for name in set(RANGES) & set(self.changed_data):
            low, high = RANGES[name]
            value = cleaned.get(name)
            if value is not None and not float(low) <= float(value) <= float(high):
                self.add_error(name, f"Choose a value from {low} to {high}.")
        return cleaned

    def clean_webhook_url(self):
        url = self.cleaned_data["webhook_url"]
        if url and "webhook_url" in self.changed_data and not url.lower().startswith("https://"):
            raise ValidationError("A webhook's address begins with https://.")
        return url


class AgentAddForm(AgentForm):
    class Meta(AgentForm.Meta):
        fields = [
            "organization",
            "name",
            "description",
            "llm_model",
            "system_prompt",
            "temperature",
            "max_tokens",
        ]


def is_text_list(value):
    """Whether it is a list of texts that stay the same when they are edited one per line."""
    return isinstance(value, list) and all(
        isinstance(item, str) and item.splitlines() == [item.strip()] for item in value
    )
