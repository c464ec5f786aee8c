"""The configuration as text, without its secrets; and back."""

import json
from math import isfinite

from agents.effective import where
from backoffice.display import HIDDEN, redact

PLACEHOLDER = "[secret]"
MOST_CHARACTERS = 1_500_000
MOST_LEVELS = 100
EMPTY = "Write {} for an empty configuration."
NOT_HERE = f"No secret is stored at this place: type the value instead of {PLACEHOLDER}, or take the key out."


class Faults(Exception):
    """What is wrong with a text or a configuration: `messages`, each with its place."""

    def __init__(self, messages):
        super().__init__("; ".join(messages))
        self.messages = messages


def masked(stored):
    """A JSON value with a placeholder instead of each secret; what is nested too deeply to look into is one as well."""
    return marked(stored, redact(stored))


def marked(stored, shown):
    if isinstance(shown, dict):
        return {key: marked(stored[key], value) for key, value in shown.items()}
    if isinstance(shown, list):
        return [marked(old, value) for old, value in zip(stored, shown, strict=True)]
    return shown.replace(HIDDEN, PLACEHOLDER) if isinstance(shown, str) and shown != stored else shown


def text_of(config):
    """What is put into the text area; "{}" for no configuration, and for one that is no object and so hidden whole."""
    shown = masked(config) if isinstance(config, dict) else {}
    text = json.dumps(shown, indent=2, ensure_ascii=False)
    return text if len(text) < MOST_CHARACTERS else json.dumps(shown, ensure_ascii=False)


def parse(text):
    """The object that a text is the JSON of. Raises Faults, with line and column where there is one."""
    if len(text) > MOST_CHARACTERS:
        raise Faults([f"It has {len(text):,} characters; {MOST_CHARACTERS:,} are possible."])
    if not text.strip():
        raise Faults([EMPTY])
    too_deep = Faults([f"It is nested more than {MOST_LEVELS} levels deep."])
    try:
        value = json.loads(
            text,
            object_pairs_hook=no_key_twice,
            parse_constant=no_number,
            parse_int=whole,
            parse_float=finite,
        )
    except json.JSONDecodeError as error:
        raise Faults([f"Line {error.lineno}, column {error.colno}: {error.msg}."]) from None
    except RecursionError:
        raise too_deep from None
    if not isinstance(value, dict):
        raise Faults(["It has to be an object: { … }."])
    if depth_of(value) > MOST_LEVELS:
        raise too_deep
    return value


def no_key_twice(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        seen = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise Faults([f"The key “{twice[:60]}” stands twice in one object."])
    return found


def no_number(name):
    raise Faults([f"{name} is no number in JSON."])


def whole(digits):
    return int(digits) if len(digits) < 400 else no_number(f"{digits[:20]}…")


def finite(digits):
    value = float(digits)
    return value if isfinite(value) and len(digits) < 400 else no_number(digits[:20])


def depth_of(value):
    """Levels of objects and lists; counted without recursion."""
    deepest, left = 0, [(value, 1)]
    while left:
        item, level = left.pop()
        if isinstance(item, dict | list):
            deepest = max(deepest, level)
            left += [(inner, level + 1) for inner in (item.values() if isinstance(item, dict) else item)]
    return deepest


def with_secrets(typed, stored):
    """What was typed with each placeholder replaced by the secret stored at the same path. Raises Faults."""
    faults = []
    value = restored(typed, stored, masked(stored) if isinstance(stored, dict) else None, (), faults)
    if faults:
        raise Faults([f"{where(path)}: {NOT_HERE}" for path in faults])
    return value


def restored(typed, stored, shown, path, faults):
    if isinstance(shown, str) and typed == shown:
        return stored
    if isinstance(typed, dict):
        known = shown if isinstance(shown, dict) else {}
        return {
            key: restored(value, stored[key] if key in known else None, known.get(key), (*path, key), faults)
            for key, value in typed.items()
        }
    if isinstance(typed, list):
        return [
            restored(value, *pair, (*path, place), faults)
            for place, (value, pair) in enumerate(zip(typed, stored_items(typed, stored, shown), strict=True))
        ]
    if isinstance(typed, str) and PLACEHOLDER in typed:
        faults.append(path)
    return typed


def stored_items(typed, stored, shown):
    """[(stored, shown)] for each item of a list that was typed: none where items were added, removed or moved."""
    if not isinstance(shown, list) or len(shown) != len(typed):
        return [(None, None)] * len(typed)
    return [
        (None, None) if item != shown[place] and item in shown else (stored[place], shown[place])
        for place, item in enumerate(typed)
    ]
