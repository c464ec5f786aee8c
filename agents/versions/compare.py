"""Two agents, or two versions of one, side by side: what is in effect."""

import uuid
from dataclasses import dataclass

from agents.models import Agent
from agents.versions import rows
from agents.versions.changes import FIELDS, difference, in_effect, is_same, label_of, shape_of, side
from agents.versions.secrets import has_marks, plain

SIDES = ("a", "b")


@dataclass(frozen=True)
class Side:
    """One of the two: an agent as it is stored now, or one of its versions. `row` is as in rows.Version."""

    agent: Agent
    row: dict
    version: rows.Version | None = None

    @property
    def name(self):
        """As the address has it."""
        return str(self.agent.pk) if self.version is None else f"{self.agent.pk}@{self.version.key}"

    @property
    def words(self):
        """Which version, in words."""
        if self.version is None:
            return "as stored now"
        return (
            f"after change {self.version.key}" if self.version.event else "before the first change on record"
        )

    @property
    def shape(self):
        return shape_of(self.row.get("config"))


@dataclass(frozen=True)
class Comparison:
    """`difference` from the first to the second; `equal` settings as [(label, value)]; `secrets` are not compared."""

    difference: object
    equal: list
    secrets: bool


def parse(text):
    """(id of an agent, key of a version or None) of "<id>" or "<id>@<version>"; (None, None) for what is neither."""
    name, _, version = text.partition("@")
    try:
        pk = uuid.UUID(name.strip())
    except ValueError:
        return None, None
    return pk, int(version) if version.isascii() and version.isdigit() and len(version) < 19 else None


def side_of(agent, key):
    """The Side of an agent at a version (None: as stored now); None if the agent has no such version."""
    now = rows.stored_row(agent.pk)
    if now is None:
        return None
    if key is None:
        return Side(agent, now)
    version = rows.version_of(agent, key, now)
    return version and Side(agent, version.row, version)


def compare(one, other):
    first, second = in_effect(plain(one.row)), in_effect(plain(other.row))
    equal = [
        (label_of(field), side(field, first[name]))
        for name, field in FIELDS.items()
        if is_same(name, first[name], second[name])
    ]
    return Comparison(
        difference(one.row, other.row),
        equal,
        has_marks(one.row) and has_marks(other.row) and one.name != other.name,
    )
