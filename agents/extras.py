"""What a configuration holds beside the settings: the SIP log-in, the widget's theme, keys that nobody knows."""

import json
from dataclasses import dataclass

from agents.effective import BUILDER_PATHS, SETTINGS, layers, where
from agents.known import NOT_USED
from backoffice.display import redact

SHOWN = 150  # rows on a page
LONGEST = 300  # characters of a value; images may be data URLs
# The keys of the simple builder and of the widget, from the platform's own editors.
KNOWN = {
    "id", "greeting", "knowledgeContext", "tools", "quickReplies", "voice.enabled", "voice.language", "voice.pitch",
    "voice.phoneCallEnabled", "sip.enabled", "sip.username", "sip.password", "sip.domain", "sip.port",
}  # fmt: skip


@dataclass(frozen=True)
class Extra:
    """One value of the configuration that is no setting. `value` is short, and has no secret in it."""

    where: str
    value: object
    note: str  # "stored, not used", "not a known key" or ""


def extras(config):
    """[Extra] in the order of the configuration, at most SHOWN + 1."""
    found = []
    in_layers = layers(config)
    for depth, layer in enumerate(in_layers):
        prefix = ("config",) * depth
        is_inner = depth == len(in_layers) - 1
        for path, value in flat(redact(layer), is_inner):
            found.append(Extra(where((*prefix, *path)), shortened(value), note_of(path)))
            if len(found) > SHOWN:
                return found
    return found


def flat(layer, is_inner):
    """(path, value) of what is no setting; objects are taken apart once."""
    for key, value in layer.items():
        if (
            key in SETTINGS
            or (key == "config" and not is_inner)
            or (is_inner and (key,) in BUILDER_PATHS.values())
        ):
            continue
        if not isinstance(value, dict) or not value:
            yield (key,), value
            continue
        for inner, item in value.items():
            if not is_inner or (key, inner) not in BUILDER_PATHS.values():
                yield (key, inner), item


def note_of(path):
    if path[0] == "sip":
        return NOT_USED
    return "" if path[0] == "theme" or ".".join(path) in KNOWN else "not a known key"


def shortened(value):
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) and value else value
    if isinstance(text, str) and len(text) > LONGEST:
        return f"{text[:LONGEST]}… ({len(text):,} characters)"
    return text
