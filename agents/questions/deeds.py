"""What a change does to one setting, and what it would do to one agent."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models

from agents.effective import SETTINGS, effective, fits, paths_of, same
from agents.questions.conditions import LABELS
from agents.questions.excerpts import excerpts, shown
from agents.validation import faults
from backoffice.display import URL_SECRET

# Settings that can be changed in many agents at once: not the names, and no secrets.
CHANGEABLE = [name for name in SETTINGS if name not in ("name", "description", "custom_headers")]
HOW = {
    "set": "Set to",
    "replace": "Find and replace in it",
    "add": "Add to the list",
    "remove": "Take off the list",
    "clear": "Clear: not set",
}
# Parts of an address that are secret: nothing is looked for in them.
LOGIN = re.compile(r"//[^/?#]*@")
TOO_DEEP = "The configuration is nested too deeply to be changed here."


def ways_of(name):
    """The names in HOW that a setting can be changed by."""
    model_field = SETTINGS[name]
    if isinstance(model_field, models.JSONField):
        return ["set", "add", "remove", "clear"]
    is_text = isinstance(model_field, models.CharField | models.TextField) and not model_field.choices
    return ["set", "replace", "clear"] if is_text else ["set", "clear"]


@dataclass(frozen=True)
class Deed:
    """`value` is of the type of the setting's column; texts of "add" and "remove" are lists; "replace" has `find`."""

    setting: str
    how: str
    value: object = None
    find: str = ""

    def __str__(self):
        label, value = LABELS[self.setting], shown(self.setting, self.value)
        return {
            "set": f"{label} set to {value}",
            "clear": f"{label} cleared",
            "replace": f"{label}: “{shown(self.setting, self.find)}” replaced by “{value or ''}”",
            "add": f"{label}: {value} added",
            "remove": f"{label}: {value} taken off",
        }[self.how]

    def to_json(self):
        found = asdict(self)
        if isinstance(self.value, Decimal):
            found["value"] = str(self.value)
        return found

    @classmethod
    def from_json(cls, found):
        deed = cls(**found)
        if isinstance(SETTINGS[deed.setting], models.DecimalField) and deed.value is not None:
            object.__setattr__(deed, "value", Decimal(deed.value))
        return deed

    def apply(self, value):
        """The new value; the one given where the deed finds nothing to do. Raises ValidationError."""
        if self.how == "set":
            return self.value
        if self.how == "clear":
            return None
        if self.how == "replace":
            return self.replaced(value)
        items = [] if value in (None, "") else value
        if not isinstance(items, list):
            raise ValidationError("It holds no list; it is changed on the agent's own page.")
        if self.how == "add":
            return [*items, *(one for one in self.value if one not in items)]
        return [one for one in items if one not in self.value]

    def replaced(self, value):
        if value in (None, ""):
            return value
        if not isinstance(value, str):
            raise ValidationError("It holds no text; it is changed on the agent's own page.")
        return "".join(
            piece if is_secret else piece.replace(self.find, self.value or "")
            for piece, is_secret in pieces(self.setting, value)
        )


def pieces(setting, text):
    """(piece, whether it is secret) of a text; joined they are the text."""
    if setting != "webhook_url":
        return [(text, False)]
    spans = sorted(match.span() for pattern in (LOGIN, URL_SECRET) for match in pattern.finditer(text))
    found, at = [], 0
    for start, end in spans:
        if start >= at:
            found += [(text[at:start], False), (text[start:end], True)]
            at = end
    return [*found, (text[at:], False)]


@dataclass
class Outlook:
    """What deeds would do to one agent: `changes` {setting: new value}; `problem` says why they must not."""

    changes: dict = field(default_factory=dict)
    lines: list = field(default_factory=list)
    seen: dict = field(default_factory=dict)
    problem: str = ""

    @property
    def state(self):
        return "blocked" if self.problem else "ready" if self.changes else "already"


def outlook(agent, deeds):
    """The Outlook of an Agent, from what is in effect in it."""
    try:
        return look(agent, deeds)
    except RecursionError:
        return Outlook(problem=TOO_DEEP)


def look(agent, deeds):
    settings = effective(agent)
    found, problems = Outlook(), []
    for deed in deeds:
        name = deed.setting
        setting, places = settings[name], paths_of(agent.config, name)
        found.seen[name] = digest([setting.value, str(setting.column), places])
        try:
            value = deed.apply(setting.value)
        except ValidationError as error:
            problems.append(f"{LABELS[name]}: {' '.join(error.messages)}")
            continue
        if is_same(name, setting.value, value):
            continue
        if not fits(SETTINGS[name], setting.value) and is_same(name, setting.column, value):
            problems.append(f"{LABELS[name]}: The configuration holds something else than the setting takes.")
            continue
        found.changes[name] = value
        before, after = excerpts(name, setting.value, value)
        keys = [".".join(["config", *path]) for path in places]
        found.lines.append(
            {"setting": name, "before": before, "after": after, "places": [f"column {name}", *keys]}
        )
    if found.changes:
        for name, messages in faults(agent, found.changes).items():
            problems.append(f"{LABELS.get(name, name)}: {' '.join(messages)}")
    found.problem = " ".join(problems)
    return found


def is_same(name, one, other):
    """Whether a change from one to the other is none."""
    if isinstance(one, list | dict) or isinstance(other, list | dict):
        return one == other
    return same(name, one, other)


def digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
