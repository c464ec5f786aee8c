"""The settings of an agent, typed: ranges, known values and what the runtime makes of them."""

from django.utils.html import format_html
from django.utils.text import Truncator

from agents import known
from agents.effective import NAMES, SETTINGS, effective
from agents.forms.fields import KindsField, ListField, Suggesting, number_widget
from agents.forms.hiding import HidingForm
from agents.models import Agent
from agents.models.agents import NOT_ENFORCED, NOT_USED
from agents.validation import faults
from backoffice.display import redact
from backoffice.forms import StaffForm

KINDS = {"pii_redaction_list": known.PII_KINDS, "enabled_mcp_servers": known.MCP_SERVERS}
SUGGESTIONS = {"llm_model": known.MODELS, "voice_id": known.VOICES, "voice_model": known.VOICE_MODELS}
ZERO_IS_ONE = "The builder stores a 0 as 1.0."
HINTS = {
    "name": "The builder suggests at most 100 characters.",
    "system_prompt": "The builder suggests at most 10,000 characters.",
    "max_tokens": "The builder offers 100 to 4,000; its slider for the length of replies goes down to 50.",
    "voice_provider": "ElevenLabs and OpenAI work.",
    "voice_id": "One of OpenAI's six voices, or the id of a voice of ElevenLabs.",
    "voice_model": "A model of the voice provider.",
    "stt_provider": "Whisper and Deepgram work.",
    "voicemail_message": "Only with “Leave message”.",
    "webhook_url": "Begins with https://.",
    **dict.fromkeys(
        ("voice_temperature", "voice_volume", "responsiveness", "interruption_sensitivity"), ZERO_IS_ONE
    ),
}


class AgentForm(HidingForm):
    """The settings of an agent as they are in effect (Agent.for_editing). Secrets are in none of its fields.

    Values are checked on what was changed only, so that a row with older values can still be saved.
    """

    class Meta(StaffForm.Meta):
        model = Agent
        fields = [name for _, _, names in known.GROUPS for name in names if name != "custom_headers"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        settings = effective(self.instance)
        for name in self.own_fields():
            self.dress(name)
            if name in SETTINGS and name in self.fields:
                self.fields[name].help_text = self.help_for(name, known.unhonoured(settings, name))
        for name in NAMES & self.fields.keys():
            if settings[name].column_drifts:  # the form has the column's, which names the agent on every page
                said = Truncator(str(redact(settings[name].value))).chars(100)
                words = "In the configuration it is “{}”. Another one is written to both."
                self.fields[name].help_text = format_html(words, said)
        for name in self.hidden_in(self.instance):
            self.fields[name].help_text = self.WHY_HIDDEN[name]
        self.order_fields([*self._meta.fields, "reason", "opened"])

    @classmethod
    def left_out(cls, instance, actor):
        """Lists of another shape than texts: shown on the record's page, and left alone here."""
        if instance._state.adding:
            return ()
        stored = {name: getattr(instance, name) for name in known.TEXT_LISTS}
        return [name for name, value in stored.items() if value is not None and not is_text_list(value)]

    def dress(self, name):
        """Give a field the control that its setting needs."""
        field, stored = self.fields[name], getattr(self.instance, name, None)
        if name in known.TEXT_LISTS:
            if name in KINDS:
                self.fields[name] = KindsField(KINDS[name], stored, label=field.label)
            else:
                self.fields[name] = ListField(required=False, label=field.label)
        elif name in known.RANGES:
            field.widget = number_widget(*known.RANGES[name], stored)
            field.widget.is_required = field.required
        elif name in SUGGESTIONS:
            field.widget = Suggesting(SUGGESTIONS[name], attrs=field.widget.attrs)

    def help_for(self, name, label):
        """Whether it is used at all, the range, and what else one should know."""
        words = []
        if name in known.TEXT_LISTS and name not in KINDS:
            words.append("One per line.")
        if name in known.RANGES:
            low, high, step = known.RANGES[name]
            words.append(f"{low} to {high}, in steps of {step}.")
        said = SETTINGS[name].help_text
        words += [text for text in (said, HINTS.get(name)) if text and text not in (NOT_USED, NOT_ENFORCED)]
        if not label:
            return " ".join(words)
        return format_html('<span class="status">{}</span> {}', label, " ".join(words))

    @property
    def sections(self):
        """[(heading, note, [BoundField])] as on the record's page; what is no setting comes first."""
        grouped = {name for _, _, names in known.GROUPS for name in names}
        first = [self[name] for name in self.own_fields() if name not in grouped]
        found = [("Agent", "", first)] if first else []
        for heading, note, names in known.GROUPS:
            if fields := [self[name] for name in names if name in self.fields]:
                found.append((heading, note, fields))
        return found

    def clean(self):
        cleaned = super().clean()
        for name in known.TEXT_LISTS:
            if cleaned.get(name) == [] and getattr(self.instance, name) is None:
                cleaned[name] = None
        new = {name: cleaned[name] for name in self.changed_data if name in SETTINGS and name in cleaned}
        for name, messages in faults(self.instance, new).items():
            self.add_error(name, messages)
        return cleaned


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
