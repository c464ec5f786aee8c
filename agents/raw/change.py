"""What a new configuration changes: key by key, and what it makes of the settings and their columns."""

from dataclasses import dataclass

from agents.effective import (
    SETTINGS,
    as_column,
    at,
    drifting,
    fits,
    resolve,
    same,
    where,
)
from agents.models import Agent
from agents.raw.schema import differs, new_unknown_keys
from agents.raw.text import PLACEHOLDER, masked
from backoffice.display import differences

ABSENT = object()
SHOWN = 200  # rows of a diff
LONG, AROUND = (
    4_000,
    200,
)  # characters of a text from which on only what differs is shown, with some around it


@dataclass(frozen=True)
class Row:
    """One line of the diff. `kind` is added, removed or changed; no secret is in `old` or `new`."""

    where: str
    kind: str
    old: object
    new: object


class Change:
    """From what an Agent holds to a new configuration, which is whole: with its secrets."""

    def __init__(self, agent, new):
        self.agent = agent
        self.new = new
        self.is_whole = not isinstance(agent.config, dict)  # what is stored is hidden and goes as a whole
        self.old = {} if self.is_whole else agent.config
        self.paths = list(paths(self.old, new))
        columns = {name: getattr(agent, name) for name in SETTINGS}
        self.before, self.settings = resolve(agent.config, columns), resolve(new, columns)

    def __bool__(self):
        return bool(self.paths) or (self.is_whole and self.agent.config is not None)

    @property
    def rows(self):
        """[Row], the first SHOWN."""
        shown_old, shown_new = masked(self.old), masked(self.new)
        return [row(path, of(shown_old, path), of(shown_new, path)) for path in self.paths[:SHOWN]]

    @property
    def more(self):
        return max(0, len(self.paths) - SHOWN)

    @property
    def columns(self):
        """{name: value} of the columns that are brought in step: those of settings that this changes, if they fit."""
        found = {}
        for name, setting in self.settings.items():
            field = Agent._meta.get_field(name)
            touched = (
                not same(name, setting.value, self.before[name].value)
                or setting.path != self.before[name].path
            )
            if (
                touched
                and setting.column_drifts
                and fits(field, setting.value)
                and (setting.value or field.null)
            ):
                found[name] = as_column(field, setting.value)
        return found

    @property
    def columns_written(self):
        return [self.settings[name].label for name in self.columns]

    @property
    def columns_that_count_again(self):
        """Labels of the settings that the new configuration leaves to their columns."""
        return [
            setting.label
            for name, setting in self.settings.items()
            if setting.source == "column" and self.before[name].source != "column"
        ]

    @property
    def still_drifting(self):
        columns = {name: getattr(self.agent, name) for name in SETTINGS} | self.columns
        return [setting.label for setting in drifting(resolve(self.new, columns))]

    @property
    def unknown_keys(self):
        return new_unknown_keys(self.agent.config, self.new)


def paths(old, new, path=()):
    """Where two JSON values differ, as paths of keys; a list counts as one value."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        if old is ABSENT or new is ABSENT or differs(old, new):
            yield path
        return
    for key in [*old, *(key for key in new if key not in old)]:
        yield from paths(old.get(key, ABSENT), new.get(key, ABSENT), (*path, key))


def of(value, path):
    """The value at a path; ABSENT where it leads nowhere."""
    parent = at(value, path[:-1])
    return parent.get(path[-1], ABSENT) if isinstance(parent, dict) else ABSENT


def row(path, old, new):
    kind = "added" if old is ABSENT else "removed" if new is ABSENT else "changed"
    old, new = (None if value is ABSENT else value for value in (old, new))
    if kind == "changed" and not differs(old, new):  # a secret that is another one now
        new = f"{PLACEHOLDER[:-1]}, changed]"
    old, new = around(old, new) if isinstance(old, str) and isinstance(new, str) else (cut(old), cut(new))
    return Row(where(path), kind, old, differences(old, new) if kind == "changed" else new)


def cut(text):
    return (
        f"{text[:LONG]}… ({len(text):,} characters)" if isinstance(text, str) and len(text) > LONG else text
    )


def around(old, new):
    """Two texts; of long ones what differs, with a little around it."""
    if max(len(old), len(new)) <= LONG:
        return old, new
    shorter = min(len(old), len(new))
    start = next((place for place in range(shorter) if old[place] != new[place]), shorter)
    end = next(
        (place for place in range(shorter - start) if old[-1 - place] != new[-1 - place]), shorter - start
    )
    begin, rest = max(0, start - AROUND), max(0, end - AROUND)
    return tuple(cut(("… " if begin else "") + text[begin : len(text) - rest]) for text in (old, new))
