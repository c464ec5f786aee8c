"""What an agent's settings really are: the browser app and the runtime go by `config`, the columns often stay behind.

One resolver for every page. `config` comes flat (keys as the columns), from the simple builder (camelCase, `voice` as
an object), as both merged, or as an envelope around one of these; values of any type occur and are kept as they are.
A setting counts where it is found first: flat key, key of the simple builder, column. The keys of an envelope beside
its content are copies that never count.
"""

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.contrib.postgres.fields import ArrayField
from django.db import models

from agents import known
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
# The names of which an object of a configuration may hold a copy, by the key that it is, or is in.
NAMES_AT = {name: {name} for name in SETTINGS}
for _name, (_key, *_) in BUILDER_PATHS.items():
    NAMES_AT[_key] = NAMES_AT.get(_key, set()) | {_name}
SERVED = {"llm_model", "voice_provider", "voice_id", "voice_model", "stt_provider"}
DEPTH = 10  # layers: a configuration in nine envelopes is still read
# What a form shows as its columns hold it: it names the agent on every page.
NAMES = {"name", "description"}
LARGEST_INTEGER = 2**31 - 1
COLUMN_DEFAULTS = {
    name: getattr(field.db_default, "value", field.db_default)
    for name, field in SETTINGS.items()
    if field.has_db_default()
}


@dataclass(frozen=True)
class Setting:
    """One setting. `source` is where `value` comes from: "config", "builder" (its camelCase key) or "column".

    `path` are the keys in the configuration that lead to it, () for the column; `others` are the further copies in the
    configuration as (path, value), none of which counts.
    """

    name: str
    value: object
    source: str
    column: object
    path: tuple = ()
    others: tuple = ()

    @property
    def column_drifts(self):
        """Whether the column holds something else than what counts."""
        return self.source != "column" and not same(self.name, self.value, self.column)

    @property
    def drifts(self):
        """Whether any copy holds something else than what counts."""
        if self.source == "column" and not self.others:
            return False
        return self.column_drifts or any(not same(self.name, self.value, value) for _, value in self.others)

    @property
    def copies(self):
        """[(where, value, whether it differs)] of every copy that does not count, the column last."""
        found = [(where(path), value) for path, value in self.others]
        if self.source != "column":
            found.append(("column", self.column))
        return [(place, value, not same(self.name, self.value, value)) for place, value in found]

    @property
    def origin(self):
        """Where the value comes from, in words: "config → voice.name", "column", "column, as it is by default"."""
        if self.source != "column":
            return where(self.path)
        if self.value is None:
            return "set nowhere"
        default = COLUMN_DEFAULTS.get(self.name)
        is_default = self.name in COLUMN_DEFAULTS and same(self.name, self.value, default)
        return "column, as it is by default" if is_default else "column"

    @property
    def runs_as(self):
        """The model that the runtime takes instead, "" where it takes this one."""
        if self.name != "llm_model" or is_model(self.value):
            return ""
        return Agent.DEFAULT_LLM_MODEL

    @property
    def label(self):
        return str(SETTINGS[self.name].verbose_name)


def where(path):
    """A path in the configuration for people: envelopes with arrows, then the key; "config → config → voice.name"."""
    envelopes = 0
    while envelopes < len(path) - 1 and path[envelopes] == "config":
        envelopes += 1
    return " → ".join(["config"] * (1 + envelopes) + [".".join(map(str, path[envelopes:]))])


def layers(config):
    """The objects from the outermost envelope to what is inside all of them; [] for what is no configuration."""
    found = []
    while isinstance(config, dict) and len(found) < DEPTH:
        found.append(config)
        config = config.get("config")
        if not isinstance(config, dict):
            return found
    return []


def unwrap(config):
    """The configuration out of its envelopes; {} for one that is no object."""
    found = layers(config)
    return found[-1] if found else {}


def at(config, path):
    """The value at a path of keys, None where it leads nowhere."""
    for key in path:
        config = config.get(key) if isinstance(config, dict) else None
    return config


def copies_in(found, name):
    """(those that count, those that do not): [(path, value)] of a setting in layers(); null counts as not set there."""
    *around, inside = found
    prefix = ("config",) * len(around)
    counting = []
    if (value := inside.get(name)) is not None:
        counting.append(((*prefix, name), value))
    if name in BUILDER_PATHS and (value := at(inside, BUILDER_PATHS[name])) is not None:
        counting.append(((*prefix, *BUILDER_PATHS[name]), value))
    if not around:
        return counting, []
    outer = [
        (("config",) * depth + (name,), layer[name])
        for depth, layer in enumerate(around)
        if layer.get(name) is not None
    ]
    return counting, outer


def resolve(config, columns, names=SETTINGS):
    """{name: Setting}. `columns` maps names to what the columns hold; null in `config` counts as not set there."""
    in_layers = layers(config)
    if not held(in_layers):
        return {name: Setting(name, columns.get(name), "column", columns.get(name)) for name in names}
    found = {}
    for name in names:
        column = columns.get(name)
        counting, outer = copies_in(in_layers, name)
        if counting:
            (path, value), *others = counting
            source = "config" if path[-1] == name else "builder"
            found[name] = Setting(name, value, source, column, path, (*others, *outer))
        else:
            found[name] = Setting(name, column, "column", column, (), tuple(outer))
    return found


def telling(config):
    """The names that unserved() and drifting() need: the others come from their columns anyway."""
    return SERVED.union(*(NAMES_AT[key] for key in held(layers(config))))


def held(found):
    """The keys in layers() that are a copy of a setting, or may hold one."""
    return NAMES_AT.keys() & set().union(*found)


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


def is_model(value):
    """Whether the runtime runs a model of this name, as far as it looks."""
    return isinstance(value, str) and value.startswith(Agent.LLM_MODEL_PREFIXES)


def unserved(settings):
    """[(Setting, what the runtime makes of it)] of those that the runtime cannot serve."""
    model, voice, listening = (settings[name] for name in ("llm_model", "voice_provider", "stt_provider"))
    found = []
    if model.value not in (None, "") and model.runs_as:
        found.append((model, f"silently runs {model.runs_as} instead"))
    if voice.value not in (None, "") and voice.value not in list(Agent.VOICE_PROVIDERS_THAT_WORK):
        found.append((voice, "cannot speak with it"))
    for name, fault in (("voice_id", known.voice_fault), ("voice_model", known.voice_model_fault)):
        if fault(voice.value, settings[name].value):
            label = Agent.VoiceProvider(voice.value).label
            found.append((settings[name], f"cannot speak with it: {label} does not have it"))
    if listening.value not in (None, "") and listening.value not in list(Agent.STT_PROVIDERS_THAT_WORK):
        found.append((listening, "cannot listen with it"))
    return found


def drifting(settings):
    """The Settings of which a copy differs from what counts."""
    return [settings[name] for name in SETTINGS if name in settings and settings[name].drifts]


def fits(field, value):
    """Whether a column could hold a value out of the configuration as it is."""
    if isinstance(field, models.JSONField):
        return isinstance(value, dict if field.name == "custom_headers" else list)
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
        for setting in effective(agent).values()
        if setting.column_drifts and setting.name not in NAMES and fits(SETTINGS[setting.name], setting.value)
    }


def paths_of(config, name):
    """Where a configuration holds a setting, as paths from its top; [] where the column is all there is."""
    found = layers(config)
    counting, outer = copies_in(found, name) if found else ((), ())
    return [list(path) for path, _ in (*counting, *outer)]


def in_step(config, values):
    """An expression for the column `config` in which the settings it holds become `values`; None if it holds none.

    It is worked out by the database, on what is stored: other keys, and numbers with all their digits, stay.
    """
    places = [
        (path, value) for name, value in values.items() if name in SETTINGS for path in paths_of(config, name)
    ]
    return written(places)


def written(places):
    """An expression for the column `config` with these [(path, value)]; None takes the key away. None for no places.

    The object that holds the last key of a path has to be there; [] as a path replaces the whole.
    """
    expression = models.F("config")
    for path, value in places:
        if value is None:
            expression = models.Func(
                expression, text_array(path), template="(%(expressions)s)", arg_joiner=" #- "
            )
            continue
        if not hasattr(value, "resolve_expression"):
            value = models.Value(as_json(value), output_field=models.JSONField())
        expression = models.Func(expression, text_array(path), value, function="jsonb_set") if path else value
    return models.ExpressionWrapper(expression, output_field=models.JSONField()) if places else None


def text_array(path):
    return models.Value([str(key) for key in path], output_field=ArrayField(models.TextField()))


def as_json(value):
    return json.loads(str(value)) if isinstance(value, Decimal) else value
