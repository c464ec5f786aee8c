"""What an agent's settings really are: the browser app and the runtime go by `config`, the columns often stay behind.

One resolver for every page. `config` comes flat (keys as the columns), from the simple builder (camelCase, `voice` as
an object), as both merged, or as an envelope around one of these; values of any type occur and are kept as they are.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.db import models

from agents.models import Agent

# Where the simple builder keeps a setting, as a path of keys.
BUILDER_PATHS = {
    "llm_model": ("model",),
    "system_prompt": ("systemInstruction",),
    "max_tokens": ("maxReplyTokens",),
    "voice_id": ("voice", "name"),
    "voice_speed": ("voice", "speed"),
}
NOT_SETTINGS = {"id", "organization", "is_published", "version", "config", "created_at", "updated_at"}
SETTINGS = {field.name: field for field in Agent._meta.concrete_fields if field.name not in NOT_SETTINGS}
JSON_SETTINGS = {name for name, field in SETTINGS.items() if isinstance(field, models.JSONField)}
DECIMALS = {name for name, field in SETTINGS.items() if isinstance(field, models.DecimalField)}
NUMBERS = DECIMALS | {name for name, field in SETTINGS.items() if isinstance(field, models.IntegerField)}
SERVED = {"llm_model", "voice_provider", "stt_provider"}
DEPTH = 10


@dataclass(frozen=True)
class Setting:
    """One setting. `source` is where `value` comes from: "config", "builder" (its camelCase key) or "column"."""

    name: str
    value: object
    source: str
    column: object

    @property
    def drifts(self):
        """Whether the column holds something else than what counts."""
        return self.source != "column" and not same(self.name, self.value, self.column)

    @property
    def label(self):
        return str(SETTINGS[self.name].verbose_name)


def unwrap(config):
    """The configuration out of its envelopes; {} for one that is no object."""
    for _ in range(DEPTH):
        if not isinstance(config, dict):
            return {}
        if not isinstance(config.get("config"), dict):
            return config
        config = config["config"]
    return {}


def at(config, path):
    """The value at a path of keys, None where it leads nowhere."""
    for key in path:
        config = config.get(key) if isinstance(config, dict) else None
    return config


def resolve(config, columns, names=SETTINGS):
    """{name: Setting}. `columns` maps names to what the columns hold; null in `config` counts as not set there."""
    inner = unwrap(config)
    found = {}
    for name in names:
        column = columns.get(name)
        value, source = inner.get(name), "config"
        if value is None and name in BUILDER_PATHS:
            value, source = at(inner, BUILDER_PATHS[name]), "builder"
        if value is None:
            value, source = column, "column"
        found[name] = Setting(name, value, source, column)
    return found


def telling(config):
    """The names that unserved() and drifting() need: the others come from their columns anyway."""
    inner = unwrap(config)
    return SERVED | BUILDER_PATHS.keys() | (SETTINGS.keys() & inner.keys()) if inner else SERVED


def effective(agent):
    """{name: Setting} of an Agent."""
    return resolve(agent.config, {name: getattr(agent, name) for name in SETTINGS})


def same(name, one, other):
    """Whether two values of a setting mean the same: 0.7 is 0.70, also as a text; "" is as good as not set."""
    if one == other and isinstance(one, bool) == isinstance(other, bool):
        return True
    if name not in NUMBERS:
        return one in (None, "") and other in (None, "")
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    one, other = number(one), number(other)
    if one is None or other is None:
        return False
    # The column has two decimals: what it cannot hold is no difference.
    return abs(one - other) < Decimal("0.005") if name in DECIMALS else one == other


def number(value):
    """A finite Decimal, or None."""
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() and found.adjusted() < 30 else None


def unserved(settings):
    """[(Setting, what the runtime makes of it)] of those that the runtime cannot serve."""
    model, voice, listening = (settings[name] for name in ("llm_model", "voice_provider", "stt_provider"))
    found = []
    if model.value not in (None, "") and not str(model.value).startswith(Agent.LLM_MODEL_PREFIXES):
        found.append((model, f"silently runs {Agent.DEFAULT_LLM_MODEL} instead"))
    if voice.value not in (None, "") and voice.value not in list(Agent.VOICE_PROVIDERS_THAT_WORK):
        found.append((voice, "cannot speak with it"))
    if listening.value not in (None, "") and listening.value not in list(Agent.STT_PROVIDERS_THAT_WORK):
        found.append((listening, "cannot listen with it"))
    return found


def drifting(settings):
    """The Settings whose column differs from what counts."""
    return [settings[name] for name in SETTINGS if name in settings and settings[name].drifts]
