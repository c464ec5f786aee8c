"""Secrets in rows out of the audit: marks stand instead of them, so a row is put together with those stored now.

Nothing here ever reads a secret: the database copies it from where it is stored to where it stays.
"""

from dataclasses import dataclass, field

from agents.effective import DEPTH

MARK, CHANGED, TOO_DEEP = "[secret]", "[secret, changed]", "[nested too deep]"
MOST_STEPS = 300
GONE = object()
NAME = ("config",)


@dataclass
class Plan:
    """How a column is put together. `value` is what will be stored, as the audit would keep it.

    `steps` are (verb, path there, path in what is stored now), done in order on the earlier value: "copy" a secret
    that stays, "empty" makes an object to hold one, "drop" what cannot be brought back. `problem`: why it cannot be.
    """

    value: object = None
    steps: list = field(default_factory=list)
    problem: str = ""

    @property
    def stays(self):
        return [path for verb, path, _ in self.steps if verb == "copy"]

    @property
    def lost(self):
        return [path for verb, path, _ in self.steps if verb == "drop"]

    @property
    def keeps_all(self):
        """Whether the column stays as it is, whole."""
        return any(verb == "copy" and not path for verb, path, _ in self.steps)


def is_mark(value):
    """Whether the audit kept a mark instead of a text, or in a part of it (an address, a JSON text)."""
    if not isinstance(value, str):
        return False
    if value in (MARK, CHANGED, TOO_DEEP):
        return True
    start = value.lstrip()[:8].lower()
    return "[secret" in value and start.startswith(("{", "[", "http://", "https://"))


def has_marks(value):
    if isinstance(value, dict):
        return any(has_marks(item) for item in value.values())
    if isinstance(value, list):
        return any(has_marks(item) for item in value)
    return is_mark(value)


def plain(value):
    """Without what the audit says of one change: a secret that changed is a secret."""
    if isinstance(value, str):
        return value.replace(CHANGED, MARK) if CHANGED in value and is_mark(value) else value
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def marked(value, path=(), what=(MARK, CHANGED, TOO_DEEP)):
    """The paths of keys under which a mark stands; a list counts whole."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from marked(item, (*path, key), what)
    elif isinstance(value, list):
        if any(True for item in value for _ in marked(item, (), what)):
            yield path
    elif is_mark(value) and any(mark[:-1] in value for mark in what):
        yield path


def put_together(column, then, now):
    """The Plan by which a column becomes what it was `then`, while every secret of `now` stays where it is."""
    plan = Plan()
    then, now = plain(then), plain(now)
    if column == "config":
        plan.value = merge_config(then, now, plan)
    else:
        plan.value = merge(then, now, (), (), plan.steps)
    if len(plan.steps) > MOST_STEPS:
        plan.problem = "It holds too many secrets to be put back from here."
    return plan


def merge_config(then, now, plan):
    """As merge(); secrets stay with their keys also where one of the two is wrapped in an envelope."""
    if then is None and isinstance(now, dict) and has_marks(now):
        then = {}
    if not (isinstance(then, dict) and isinstance(now, dict)):
        return merge(then, now, (), (), plan.steps)
    outer_then, inner_then = envelopes(then)
    outer_now, inner_now = envelopes(now)
    if len(outer_then) == len(outer_now) or not inner_then:
        return merge(then, now, (), (), plan.steps)
    if has_marks(outer_then) or has_marks(outer_now):
        plan.problem = "It was wrapped in another way, with secrets outside; change its JSON by hand."
        return now
    value = merge(inner_then, inner_now, NAME * len(outer_then), NAME * len(outer_now), plan.steps)
    for outer in reversed(outer_then):
        value = {**outer, "config": value}
    return value


def envelopes(config):
    """([what stands around it, from outside], the configuration itself), as agents.effective.unwrap finds it."""
    outer, inner = [], config
    while isinstance(inner.get("config"), dict):
        outer.append({key: item for key, item in inner.items() if key != "config"})
        inner = inner["config"]
    return (outer, inner) if len(outer) < DEPTH else ([], config)


def merge(then, now, target, source, steps):
    """What is stored afterwards. Lists that hold secrets stay whole: their items have no names to know them by."""
    if isinstance(then, dict) and isinstance(now, dict):
        result = {}
        for key, value in then.items():
            if key in now:
                result[key] = merge(value, now[key], (*target, key), (*source, key), steps)
            elif (value := without_secrets(value, (*target, key), steps)) is not GONE:
                result[key] = value
        for key in now.keys() - then.keys():
            if (value := only_secrets(now[key], (*target, key), (*source, key), steps)) is not GONE:
                result[key] = value
        return result
    if has_marks(then) or has_marks(now):
        steps.append(("copy", target, source))
        return now
    return then


def without_secrets(value, target, steps):
    """What an earlier value can be put back of; the rest is dropped."""
    if isinstance(value, dict):
        found = {key: without_secrets(item, (*target, key), steps) for key, item in value.items()}
        return {key: item for key, item in found.items() if item is not GONE}
    if has_marks(value):
        steps.append(("drop", target, ()))
        return GONE
    return value


def only_secrets(value, target, source, steps):
    """What stays of a value that the earlier one did not have: its secrets, under the same keys."""
    if not has_marks(value):
        return GONE
    if not isinstance(value, dict):
        steps.append(("copy", target, source))
        return value
    steps.append(("empty", target, ()))
    found = {key: only_secrets(item, (*target, key), (*source, key), steps) for key, item in value.items()}
    return {key: item for key, item in found.items() if item is not GONE}


def as_sql(column, base, params, steps):
    """(SQL, its parameters) of a JSON column: `base` with the steps done; secrets come out of `column` itself."""
    params = list(params)
    for verb, target, source in steps:
        if verb == "copy":
            base = f"jsonb_set({base}, %s::text[], {column} #> %s::text[])"
            params += [list(target), list(source)]
        elif verb == "empty":
            base = f"jsonb_set({base}, %s::text[], '{{}}'::jsonb)"
            params.append(list(target))
        else:
            base = f"({base} #- %s::text[])"
            params.append(list(target))
    return base, params


def spelled(column, path):
    """Where a value stands, in words, envelopes with arrows: "config → config → sip.password"."""
    envelopes = 0
    while envelopes < len(path) - 1 and path[envelopes] == "config":
        envelopes += 1
    keys = [".".join(path[envelopes:])] if path else []
    return " → ".join([column, *path[:envelopes], *keys])
