"""Two rows of an agent compared as people mean it: by what is in effect, then by what else stands in `config`.

A setting may be stored in three places; what counts is told once, and where it was written beside it. What was
written without changing anything in effect (a column brought in step) is kept apart.
"""

import json
from dataclasses import dataclass, field

from agents.effective import BUILDER_PATHS, NAMES, SETTINGS, at, paths_of, resolve, same
from agents.models import Agent
from agents.versions.secrets import CHANGED, NAME, envelopes, has_marks, marked, plain, spelled
from backoffice import display
from backoffice.lines import lines_between

# What counts beside the settings.
ALSO = {name: Agent._meta.get_field(name) for name in ("organization", "is_published", "version")}
FIELDS = {**ALSO, **SETTINGS}
MOST_KEYS = 100


@dataclass(frozen=True)
class Change:
    """One value. `old` and `new` as display.side gives them, `lines` of long texts (lines.Line).

    `name` is that of a setting, or the path of a key; `places` says where a setting was written. Of a secret that
    was replaced there is nothing but that.
    """

    name: str
    label: str
    old: object = None
    new: object = None
    places: str = ""
    lines: list = field(default_factory=list)
    is_secret: bool = False


@dataclass(frozen=True)
class Difference:
    """What differs between two rows, as Changes: settings in effect, other keys of `config` (of which `more` are left
    out), and what was written without an effect.
    """

    settings: list
    keys: list
    unfelt: list
    more: int = 0

    @property
    def count(self):
        return len(self.settings) + len(self.keys) + self.more

    @property
    def is_empty(self):
        return not (self.settings or self.keys or self.unfelt)

    @property
    def shown(self):
        return [*self.settings, *self.keys]


def in_effect(row):
    """{name: value} of a row: its settings as the resolver has them, name and description as their columns do."""
    columns = {name: row.get(one.column) for name, one in SETTINGS.items()}
    found = {name: setting.value for name, setting in resolve(row.get("config"), columns).items()}
    found |= {name: columns[name] for name in NAMES}
    return {**{name: row.get(one.column) for name, one in ALSO.items()}, **found}


def difference(before, after, replaced=(), most_lines=400):
    """The Difference between two rows. `replaced` are the paths (column first) of secrets that became others."""
    replaced = set(replaced)
    same_config = before.get("config") is after.get("config")  # most changes leave it as it is
    before, after = plain(before), plain(after)
    was, is_now = in_effect(before), in_effect(after)
    settings, told = [], set()
    for name, one in FIELDS.items():
        stays = is_same(name, was[name], is_now[name])
        if stays and not replaced:
            continue  # as nearly all do
        paths = {(one.column,)} | places_of(before, name) | places_of(after, name)
        if stays:
            secret = any(is_under(path, paths) for path in replaced)
            if secret and has_marks(is_now[name]):
                settings.append(Change(name, label_of(one), is_secret=True))
                told |= paths
            continue
        written = {path for path in paths if at(before, path) != at(after, path)}
        told |= paths
        settings.append(change(name, label_of(one), one, was[name], is_now[name], most_lines, words(written)))
        settings += replaced_within(name, label_of(one), paths, replaced)
    keys, unfelt, listed = [], [], set()
    for path, old, new in () if same_config else differing_keys(before, after):
        if is_under(path, told):
            continue
        found = key_change(path, old, new, most_lines)
        (unfelt if is_setting(path) else keys).append(found)
        listed.add(path)
    shapes = [] if same_config else [shape_of(row.get("config")) for row in (before, after)]
    if len(set(shapes)) > 1 and (keys or unfelt or settings):
        unfelt.insert(0, Change("config", "Shape of the configuration", *shapes))
    for path in sorted(replaced):
        if path[0] == "config" and not is_under(path, told | listed):
            keys.append(Change(named(path), named(path), is_secret=True))
    for name, one in SETTINGS.items():
        if (one.column,) not in told and before.get(one.column) != after.get(one.column):
            label = f"{label_of(one)} (the column)"
            unfelt.append(change(name, label, one, before.get(one.column), after.get(one.column), most_lines))
    return Difference(settings, keys[:MOST_KEYS], unfelt[:MOST_KEYS], more=max(len(keys) - MOST_KEYS, 0))


def replaced_within(name, label, paths, replaced):
    """A Change for each key of a setting whose secret was replaced, beside what else was changed of it."""
    keys = {path[-1] for path in replaced if is_under(path, paths) and path not in paths}
    return [Change(name, f"{label} → {key}", is_secret=True) for key in sorted(keys, key=str)]


def replaced_by(event):
    """The paths (column first) of the secrets that an audit event says were replaced by others."""
    new = event.new if isinstance(event.new, dict) and event.action == "update" else {}
    return {(column, *path) for column, value in new.items() for path in marked(value, what=(CHANGED,))}


def is_under(path, places):
    """Whether a path is one of the places, or leads into one."""
    return any(path[: len(place)] == place for place in places)


def is_same(name, old, new):
    return same(name, old, new) if name in SETTINGS else str(old) == str(new)


def places_of(row, name):
    """The paths (column first) at which a row's configuration holds a setting."""
    if name not in SETTINGS:
        return set()
    return {("config", *path) for path in paths_of(row.get("config"), name)}


def words(paths):
    """Where a setting was written, in words: the column, keys of the configuration."""
    if not any(path[0] == "config" for path in paths):
        return ""
    columns = ["the column"] if any(path[0] != "config" for path in paths) else []
    return ", ".join([*columns, *sorted(named(path) for path in paths if path[0] == "config")])


def is_setting(path):
    """Whether a key of the configuration is one more place of a setting."""
    inner = path[1:]
    while inner[:1] == ("config",):
        inner = inner[1:]
    names = {(name,) for name in SETTINGS if name not in NAMES} | set(BUILDER_PATHS.values())
    return inner in names


def differing_keys(before, after):
    """[(path, old, new)] of the keys of two configurations; None for what is not there.

    Where one of them stands in an envelope, what is inside is compared.
    """
    configs = before.get("config"), after.get("config")
    (outer_old, old), (outer_new, new) = (split(config) for config in configs)
    if len(outer_old) == len(outer_new) or old in (None, {}) or new in (None, {}):
        old, new, top = *configs, ()
    else:
        top = NAME * len(outer_new)
    old, new = flat(old, top), flat(new, top)
    for path in sorted({**old, **new}):
        if (path in old) != (path in new) or exact(old.get(path)) != exact(new.get(path)):
            yield path, old.get(path), new.get(path)


def split(config):
    return envelopes(config) if isinstance(config, dict) else ([], config)


def exact(value):
    """To compare by: 1, 1.0 and true are not the same."""
    return json.dumps(value, sort_keys=True)


def flat(config, top=()):
    """{path: value} of a configuration that stands at `top` of the column, objects taken apart."""
    if not isinstance(config, dict):
        return {} if config is None else {NAME: config}
    found = {}
    collect(config, (*NAME, *top), found)
    return found


def collect(value, path, found):
    if isinstance(value, dict) and value:
        for key, item in value.items():
            collect(item, (*path, key), found)
    else:
        found[path] = value


def key_change(path, old, new, most_lines):
    name = named(path)
    hide = any(display.SECRET_KEY.search(key) for key in path)
    sides = ["" if value in ([], {}) else display.redact(value, hide) for value in (old, new)]
    return Change(name, name, *sides, lines=lines_between(*sides, most_lines))


def change(name, label, one, old, new, most_lines, places=""):
    sides = [side(one, value) for value in (old, new)]
    return Change(name, label, *sides, places=places, lines=lines_between(*sides, most_lines))


def side(one, value):
    """As display.side; an empty list or object is empty, a value of another type than its column has is JSON."""
    if value == [] or value == {}:
        return ""
    if isinstance(value, dict | list) and one.get_internal_type() != "JSONField":
        return display.redact(value, display.hide_whole(one.name, value))
    return display.side(one, value)


def named(path):
    """A path of keys, the column first, in words: "config → theme.mode"."""
    return spelled(path[0], path[1:])


def label_of(one):
    label = str(one.verbose_name)
    return label[:1].upper() + label[1:]


def shape_of(config):
    """How a configuration is written, in words."""
    if not isinstance(config, dict):
        return "not set" if config is None else "not an object"
    outer, inner = envelopes(config)
    by_column = bool((SETTINGS.keys() - NAMES) & inner.keys())
    by_builder = any(at(inner, path) is not None for path in BUILDER_PATHS.values())
    words = {(True, True): "merged", (True, False): "flat", (False, True): "simple builder"}
    found = words.get((by_column, by_builder), "other keys")
    return f"{found}, in an envelope" if outer else found
