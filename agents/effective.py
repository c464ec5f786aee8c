"""What an agent's settings really are: the browser app and the runtime go by `config`, the columns often stay behind.

One resolver for every page. `config` comes flat (keys as the columns), from the simple builder (camelCase, `voice` as
an object), as both merged, or as an envelope around one of these; values of any type occur and are kept as they are.
"""

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.contrib.postgres.fields import ArrayField
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
# What a form shows as its columns hold it: it names the agent on every page.
NAMES = {"name", "description"}
LARGEST_INTEGER = 2**31 - 1


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


def fits(field, value):
    """Whether a column could hold a value out of the configuration as it is."""
    if isinstance(field, models.JSONField):
        return isinstance(value, list)
    if isinstance(field, models.BooleanField):
        return isinstance(value, bool)
    if field.name in NUMBERS:
        found = None if isinstance(value, bool) else number(value)
        if found is None:
            return False
        if field.name in DECIMALS:
            return abs(found) < 10
        return found == int(found) and abs(found) <= LARGEST_INTEGER
    longest = getattr(field, "max_length", None)
    return isinstance(value, str) and "\0" not in value and (longest is None or len(value) <= longest)


def as_column(field, value):
    """A value that fits, as the model's field has it."""
    if field.name in DECIMALS:
        return round(number(value), 2)
    return int(number(value)) if field.name in NUMBERS else value


def shown(agent):
    """{name: what is in effect} of the settings whose column holds something else, where the column could hold it."""
    return {
        setting.name: as_column(SETTINGS[setting.name], setting.value)
        for setting in drifting(effective(agent))
        if setting.name not in NAMES and fits(SETTINGS[setting.name], setting.value)
    }


def paths_of(config, name):
    """Where a configuration holds a setting, as paths from its top; [] where the column is all there is."""
    envelope = []
    while isinstance(config, dict) and isinstance(config.get("config"), dict) and len(envelope) < DEPTH:
        envelope.append("config")
        config = config["config"]
    places = [(name,), BUILDER_PATHS[name]] if name in BUILDER_PATHS else [(name,)]
    return [[*envelope, *place] for place in places if at(config, place) is not None]


def in_step(config, values):
    """An expression for the column `config` in which the settings it holds become `values`; None if it holds none.

    It is worked out by the database, on what is stored: other keys, and numbers with all their digits, stay.
    """
    expression = column = models.F("config")
    for name, value in values.items():
        for path in paths_of(config, name) if name in SETTINGS else []:
            if value is None:
                expression = models.Func(
                    expression, text_array(path), template="(%(expressions)s)", arg_joiner=" #- "
                )
            else:
                if not hasattr(value, "resolve_expression"):
                    value = models.Value(as_json(value), output_field=models.JSONField())
                expression = models.Func(expression, text_array(path), value, function="jsonb_set")
    if expression is column:
        return None
    return models.ExpressionWrapper(expression, output_field=models.JSONField())


def text_array(path):
    return models.Value(path, output_field=ArrayField(models.TextField()))


def as_json(value):
    return json.loads(str(value)) if isinstance(value, Decimal) else value
