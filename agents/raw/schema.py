"""What is wrong with a configuration, by path: types, ranges and known values of the keys that are known.

Only what was changed is looked at, so that older values may stay. Unknown keys are allowed.
"""

from agents.effective import BUILDER_PATHS, DEPTH, SETTINGS, at, layers, resolve, same, where
from agents.extras import extras
from agents.validation import fault_of, is_storable, voice_faults


def yes_no(value):
    return "" if isinstance(value, bool) else "It must be true or false."


def text(value):
    return "" if isinstance(value, str) else "It must be a text."


def texts(value):
    is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return "" if is_list else "It must be a list of texts."


def an_object(value):
    return "" if isinstance(value, dict) else "It must be an object."


def number(low, high, *, is_whole=False):
    def check(value):
        right = isinstance(value, int) or (isinstance(value, float) and not is_whole)
        if isinstance(value, bool) or not right:
            return f"It must be a {'whole ' if is_whole else ''}number."
        return "" if low <= value <= high else f"It must be from {low} to {high}."

    return check


def one_of(*known):
    def check(value):
        return "" if value in known else f"It must be one of {', '.join(known)}."

    return check


# Keys beside the settings, as the platform's builder and widget have them.
SCHEMA = {
    ("id",): text,
    ("greeting",): text,
    ("knowledgeContext",): text,
    ("tools",): texts,
    ("quickReplies",): texts,
    ("voice",): an_object,
    ("voice", "enabled"): yes_no,
    ("voice", "language"): text,
    ("voice", "pitch"): number(0.5, 2),
    ("voice", "phoneCallEnabled"): yes_no,
    ("sip",): an_object,
    ("sip", "enabled"): yes_no,
    ("sip", "username"): text,
    ("sip", "password"): text,
    ("sip", "domain"): text,
    ("sip", "port"): number(1, 65535, is_whole=True),
    ("theme",): an_object,
    ("theme", "mode"): one_of("light", "dark"),
    ("theme", "fontFamily"): one_of("inter", "roboto", "mono"),
    ("theme", "fontStyle"): one_of("thin", "regular", "medium"),
    ("theme", "radius"): one_of("none", "sm", "md", "lg", "xl", "2xl", "full"),
    ("theme", "avatarIcon"): one_of("sparkles", "bot", "flower", "user", "help", "star"),
    ("theme", "sendButtonIcon"): one_of("send", "arrow", "plane", "sparkle"),
    ("theme", "primaryColor"): text,
    ("theme", "customCss"): text,
    ("theme", "showBranding"): yes_no,
}


def faults_of(agent, new):
    """["config → sip.port: It must be …"] of what a new configuration changes in an Agent."""
    in_layers = layers(new)
    if not in_layers:
        return [f"It has more than {DEPTH - 1} envelopes (“config” in “config”), which nobody unwraps."]
    found = [(path, "It holds a character that the database cannot store.") for path in unstorable(new)]
    for depth, layer in enumerate(in_layers):
        prefix = ("config",) * depth
        is_inner = depth == len(in_layers) - 1
        for path, check in checks(agent, is_inner):
            value = at(layer, path)
            whole = (*prefix, *path)
            if value is not None and differs(value, at(agent.config, whole)) and (fault := check(value)):
                found.append((whole, fault))
    wrong = {path for path, _ in found}
    settings = resolve(new, {name: getattr(agent, name) for name in SETTINGS})
    before = resolve(agent.config, {name: getattr(agent, name) for name in SETTINGS})
    changed = {
        name: one.value
        for name, one in settings.items()
        if one.path not in wrong and not same(name, one.value, before[name].value)
    }
    for name, fault in voice_faults(agent, changed):
        found.append((settings[name].path, fault))
    return [f"{where(path)}: {fault}" for path, fault in found]


def checks(agent, is_inner):
    """(path, check) of the keys of one layer; the builder's keys mean something in the innermost only."""
    for name in SETTINGS:
        yield (name,), lambda value, name=name: fault_of(agent, name, value)
    if is_inner:
        for name, path in BUILDER_PATHS.items():
            yield path, lambda value, name=name: fault_of(agent, name, value)
        yield from SCHEMA.items()


def differs(one, other):
    return one != other or isinstance(one, bool) != isinstance(other, bool)


def unstorable(value, path=()):
    """Paths of texts and keys that the database cannot hold."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not is_storable(key):
                yield (*path, "(a key)")
            else:
                yield from unstorable(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from unstorable(item, (*path, place))
    elif isinstance(value, str) and not is_storable(value):
        yield path


def new_unknown_keys(old, new):
    """Places of keys that nobody knows and that were not there before."""
    before = {extra.where for extra in extras(old)}
    return [
        extra.where for extra in extras(new) if extra.note == "not a known key" and extra.where not in before
    ]
