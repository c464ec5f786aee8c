"""An agent's settings as they were when a conversation began, beside what they are now.

Nobody stores them with the conversation: the changes that the audit has since are undone one by one, newest first.
"""

import datetime
import json
from dataclasses import dataclass, field

from agents.conversations.bubbles import is_finite
from agents.effective import SETTINGS, resolve, same, unwrap
from agents.models import Agent
from backoffice.display import side
from backoffice.models import AuditEvent

# What counts beside the settings.
ALSO = {name: Agent._meta.get_field(name) for name in ("organization", "is_published", "version")}
SECRET, SECRET_CHANGED = "[secret", "[secret, changed]"


@dataclass(frozen=True)
class Difference:
    """One setting; `then` and `now` as backoffice.display.side gives them. Of a secret only that it was changed."""

    label: str
    then: object
    now: object
    is_secret: bool = False


@dataclass(frozen=True)
class Comparison:
    """The settings that differ between `at` and now.

    `at` is when the conversation began, or where the history starts if that is later (`is_earliest`); None where
    there is no history, or where it is not known when the conversation began (`is_undated`). `changes` counts what was
    undone.
    """

    at: datetime.datetime | None = None
    is_earliest: bool = False
    is_undated: bool = False
    changes: int = 0
    differences: list = field(default_factory=list)


def then_and_now(agent, began):
    """The Comparison of an Agent, for a conversation that began then (aware, or None)."""
    if not is_finite(began):
        return Comparison(is_undated=True)
    known_since = history_starts(agent)
    if known_since is None:
        return Comparison()
    at = max(began, known_since)
    events = list(AuditEvent.objects.of(agent).filter(at__gt=at, action=AuditEvent.Action.UPDATE))
    now = {one.column: getattr(agent, one.attname) for one in Agent._meta.concrete_fields}
    then = dict(now)
    for event in events:
        then.update({column: old for column, (old, _) in event.changes.items() if column in then})
    return Comparison(
        at,
        is_earliest=began < known_since,
        changes=len(events),
        differences=list(differing(then, now, events)),
    )


def history_starts(agent):
    """From when on all changes of an agent are on record: its creation, or else the oldest entry of all; or None."""
    first = AuditEvent.objects.of(agent).order_by("id").first()
    if first is None or first.action != AuditEvent.Action.INSERT:
        first = AuditEvent.objects.order_by("id").first()
    return first.at if first else None


def differing(then, now, events):
    """The Differences between two rows, as {column: value}; what is in effect counts, not the column alone."""
    before, after = in_effect(then), in_effect(now)
    for name, one in {**ALSO, **SETTINGS}.items():
        old, new = before[name], after[name]
        if SECRET in json.dumps(old, default=str):
            if secret_changed(name, events):
                yield Difference(label_of(one), None, None, is_secret=True)
        elif not (same(name, old, new) or (name in ALSO and str(old) == str(new))):
            yield Difference(label_of(one), side(one, old), side(one, new))


def in_effect(row):
    columns = {name: row[one.column] for name, one in SETTINGS.items()}
    found = {name: setting.value for name, setting in resolve(row["config"], columns).items()}
    return {**found, **{name: row[one.column] for name, one in ALSO.items()}}


def secret_changed(name, events):
    """Whether one of the events wrote another secret into a setting: the audit says so, and keeps no value."""
    return any(
        SECRET_CHANGED in json.dumps(value, default=str)
        for event in events
        if isinstance(event.new, dict)
        for value in (event.new.get(SETTINGS[name].column), unwrap(event.new.get("config")).get(name))
    )


def label_of(one):
    label = str(one.verbose_name)
    return label[:1].upper() + label[1:]
