"""One condition of a question: a setting, how it is compared, and a value. Up to three are combined by "and"."""

from dataclasses import dataclass
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Value
from django.utils.text import capfirst

from agents.effective import DECIMALS, NUMBERS, SERVED, SETTINGS, number
from agents.questions import sql
from agents.questions.sql import HEADERS, HOST

ANY = "any"
LABELS = {
    ANY: "Any setting",
    **{name: capfirst(str(field.verbose_name)) for name, field in SETTINGS.items()},
    HOST: "Webhook host",
    "name": "Name in the configuration",
}
# As groups for a select.
GROUPS = [
    ("", [ANY]),
    ("Language model", ["llm_model", "llm_provider", "temperature", "max_tokens", "system_prompt"]),
    (
        "Voice",
        ["voice_provider", "voice_id", "voice_model", "voice_speed", "voice_temperature", "voice_volume",
         "responsiveness", "interruption_sensitivity", "enable_backchannel", "backchannel_words", "ambient_sound",
         "ambient_volume"],
    ),
    ("Listening", ["stt_provider", "stt_mode", "denoising_mode", "boosted_keywords", "normalize_speech"]),
    (
        "Call handling",
        ["max_duration_seconds", "end_after_silence_seconds", "voicemail_detection", "voicemail_action",
         "voicemail_message"],
    ),
    (
        "Privacy and connections",
        ["pii_redaction_enabled", "pii_redaction_list", "data_storage_policy", HOST, "webhook_url",
         "webhook_timeout_ms", HEADERS, "enabled_mcp_servers", "knowledge_base_ids"],
    ),
    ("Agent", ["name", "description"]),
]  # fmt: skip
# Those of which one may look at the values in use, or ask.
ASKED = [name for _, names in GROUPS for name in names if name != ANY]
COMPARISONS = {
    "is": "is",
    "not": "is not",
    "begins": "begins with",
    "contains": "contains",
    "lacks": "does not contain",
    "less": "is less than",
    "greater": "is greater than",
    "set": "is set",
    "empty": "is not set",
    "drifts": "has copies that differ",
    "unserved": "cannot be served",
}
WITHOUT_VALUE = {"set", "empty", "drifts", "unserved"}
YES_NO = {"yes": "true", "true": "true", "no": "false", "false": "false"}


def is_yes_no(name):
    return name in SETTINGS and isinstance(SETTINGS[name], models.BooleanField)


def comparisons_of(name):
    """The names of the comparisons that make sense for a setting."""
    if name == ANY:
        return {"drifts", "unserved"}
    found = {"set", "empty"}
    if name != HOST:
        found.add("drifts")
    if name in SERVED:
        found.add("unserved")
    if sql.is_list(name):
        return found | {"contains", "lacks"}
    found |= {"is", "not"}
    if name in NUMBERS:
        return found | {"less", "greater"}
    return found if is_yes_no(name) else found | {"begins", "contains", "lacks"}


@dataclass(frozen=True)
class Condition:
    """`setting` is one of LABELS, `comparison` of COMPARISONS. Raises ValidationError where they do not go together."""

    setting: str
    comparison: str
    value: str = ""

    def __post_init__(self):
        label, words = LABELS[self.setting], COMPARISONS[self.comparison]
        if self.comparison not in comparisons_of(self.setting):
            fitting = [said for key, said in COMPARISONS.items() if key in comparisons_of(self.setting)]
            raise ValidationError(f"“{label}” has no “{words}”. Choose one of: {', '.join(fitting)}.")
        if self.comparison in WITHOUT_VALUE:
            object.__setattr__(self, "value", "")
        elif not self.value:
            raise ValidationError("Say a value, or choose “is not set”.")
        elif self.comparison in ("less", "greater") and number(self.value) is None:
            raise ValidationError("Enter a number.")
        elif is_yes_no(self.setting) and self.value.lower() not in YES_NO:
            raise ValidationError("Say yes or no.")

    def __str__(self):
        return f"{LABELS[self.setting]} {COMPARISONS[self.comparison]} {self.value}".strip()

    def expression(self):
        """For the filter() of a queryset of agents."""
        name, value = self.setting, self.value
        if self.comparison == "drifts":
            return sql.any_drifts() if name == ANY else sql.drifts(name)
        if self.comparison == "unserved":
            return sql.any_unserved() if name == ANY else sql.unserved(name)
        text = sql.asked_text(name)
        if self.comparison in ("set", "empty"):
            return sql.condition(f"($0 is {'not ' if self.comparison == 'set' else ''}null)", text)
        if sql.is_list(name):
            found = sql.has_entry(name, value)
            return found if self.comparison == "contains" else sql.condition("(not $0)", found)
        if name in NUMBERS and number(value) is not None:
            return self.of_number(number(value))
        if is_yes_no(name):
            value = YES_NO[value.lower()]
        elif name == HOST:
            value = value.lower()
        words = {
            "is": "($0 = $1)",
            "not": "($0 is distinct from $1)",
            "begins": "starts_with(lower($0), lower($1))",
            "contains": "(strpos(lower($0), lower($1)) > 0)",
            "lacks": "(coalesce(strpos(lower($0), lower($1)), 0) = 0)",
        }
        return sql.condition(words[self.comparison], text, Value(value, models.TextField()))

    def of_number(self, value):
        """Where the column has two decimals, what it cannot hold is no difference."""
        near = Decimal("0.005") if self.setting in DECIMALS else Decimal(0)
        words = {
            "is": "(abs($0 - $1) <= $2)" if not near else "(abs($0 - $1) < $2)",
            "not": "((abs($0 - $1) <= $2) is not true)" if not near else "((abs($0 - $1) < $2) is not true)",
            "less": "($0 < $1 and $2 is not null)",
            "greater": "($0 > $1 and $2 is not null)",
        }
        given = [sql.Sql("$0::numeric", Value(str(one), models.TextField())) for one in (value, near)]
        return sql.condition(words[self.comparison], sql.number_of(self.setting), *given)
