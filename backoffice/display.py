"""How the value of a field is shown on a record's page: links, times, statuses, secrets masked, nothing that raises."""

import difflib
import json
import re

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import models
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.text import capfirst

from backoffice.model_fields import OpenChoiceField
from backoffice.templatetags import ui
from backoffice.texts import short

# As in audit.redact (db/backoffice.sql): names of secrets, and of objects all of whose values are.
SECRET_KEY = re.compile(
    r"(password|passwd|passphrase|pwd|secret|authorization|bearer|credential|signature|headers$"
    r"|(api|private|access)[_-]?key|(^|[_-]|sip|user)pass$|(^|[_-])auth$|token$"
    r"|(access|refresh|auth|api|secret|id)[_-]?tokens$)",
    re.I,
)
URL_LOGIN = re.compile(r"//[^/@]*@")
URL_SECRET = re.compile(r"([?&][^=&#]*(?:token|secret|key|pass|pwd|signature|auth)[^=&#]*=)[^&#]*", re.I)
# JSON that cannot be read, such as one cut off at the length of its column, and names a secret.
CUT_OFF_SECRET = re.compile(
    r'^\s*[{\[].*"[^"]*(pass|pwd|secret|token|auth|key|credential)[^"]*"\s*:', re.I | re.S
)
WORDS = re.compile(r"\s+|\w+|[^\w\s]")
HIDDEN = "••••••"
# Open value sets that are a state or a kind of the row; the others are settings, and shown in words.
PILLS = {"status", "kind", "subscription_tier", "action", "source", "channel", "direction"}


def redact(value, hide=False, levels=100):
    """A JSON value with everything secret in it replaced, known by the key under which it stands (as in audit.redact).

    What is nested deeper than `levels` is replaced too.
    """
    if not levels:
        return HIDDEN
    if isinstance(value, dict):
        return {
            key: redact(item, hide or bool(SECRET_KEY.search(str(key))), levels - 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [redact(item, hide, levels - 1) for item in value]
    if hide and value not in (None, "", True, False):
        return HIDDEN
    return redact_text(value) if isinstance(value, str) else value


def redact_text(text):
    """A text that may be JSON itself (a doubly encoded configuration, a name that a builder wrote as JSON), or an
    address with a log-in or a token in it.
    """
    if text.startswith(("https://", "http://")):
        return URL_SECRET.sub(rf"\1{HIDDEN}", URL_LOGIN.sub(f"//{HIDDEN}@", text))
    if parsed := parse_json(text):
        return json.dumps(redact(parsed), ensure_ascii=False)
    return HIDDEN if CUT_OFF_SECRET.search(text) else text


def parse_json(text):
    """The object or list that a text is the JSON of; None if it is none."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def hide_whole(field_name, value):
    """Whether a JSON column holds nothing but secrets: headers, and a configuration without keys to know them by."""
    if field_name == "config":
        return not isinstance(parse_json(value) if isinstance(value, str) else value, dict)
    return bool(SECRET_KEY.search(field_name))


def present(obj, name, user):
    """{name, label, value} of one field, for `components/detail.html`; value is safe to print."""
    field = obj._meta.get_field(name)
    label = str(field.verbose_name)
    return {
        "name": name,
        "label": label if label[:1].isupper() else capfirst(label),
        "value": value_of(obj, field, user),
    }


def side(field, value, names=None):
    """One side of a comparison, for `diff_value`: secrets hidden, related rows by name, times in the reader's zone.

    `names` is what names_of() gives for many values at once; without it a related row is read by itself.
    """
    if value is None or value == "":
        return value
    if isinstance(field, models.ForeignKey):
        if names is None:
            names = names_of([(field, value)])
        name = names.get((field.related_model, str(value)))
        return name or f"{value} (no such record)"
    if isinstance(field, models.DateTimeField) and not isinstance(value, str):
        return ui.time_tag(value)
    if isinstance(field, models.JSONField):
        value = redact(value, hide_whole(field.name, value))
        return "\n".join(value) if is_lines(value) else value
    if isinstance(field, OpenChoiceField):
        return dict(field.flatchoices).get(value, value)
    return redact_text(value) if isinstance(value, str) else value


LONG = 60  # characters from which on only the differences of a text are worth reading
MOST_COMPARED = 30_000


MOST_AT_A_GLANCE = 12_000  # where many changes are listed


def is_long_pair(old, new):
    """Whether two values in a list of changes are better told by their differences: long, and not too long for that."""
    texts = [json_or_text(value) for value in (old, new)]
    size = sum(map(len, texts))
    return (
        all(texts) and texts[0] != texts[1] and max(map(len, texts)) >= 4 * LONG and size <= MOST_AT_A_GLANCE
    )


def differences(old, new):
    """`new` with what differs from `old` marked, both as side() gives them; short values and huge ones as they are."""
    texts = [json_or_text(value) for value in (old, new)]
    if (
        not all(texts)
        or max(map(len, texts)) < LONG
        or sum(map(len, texts)) > MOST_COMPARED
        or texts[0] == texts[1]
    ):
        return new
    before, after = (WORDS.findall(text) for text in texts)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=len(after) > 2000)
    parts = []
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            parts.append(("{}", (shortened("".join(before[a:b])),)))
            continue
        if a < b:
            parts.append(("<del>{}</del>", ("".join(before[a:b]),)))
        if c < d:
            parts.append(("<ins>{}</ins>", ("".join(after[c:d]),)))
    # Each part was escaped by format_html.
    return mark_safe("".join(format_html(html, *args) for html, args in parts))


def json_or_text(value):
    """A value as the text that a page shows; "" for what is none."""
    if isinstance(value, dict | list):
        return ui.pretty_json(value)
    return value if isinstance(value, str) and not hasattr(value, "__html__") else ""


def shortened(text):
    """An unchanged piece: its ends only, where it is long."""
    if len(text) < 4 * LONG:
        return text
    return format_html('{} <span class="compare__skip">… as it was …</span> {}', text[:LONG], text[-LONG:])


def is_lines(value):
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) and item for item in value)


def names_of(pairs):
    """{(model, id as text): name} of the related rows in [(field, value)], with one query per model."""
    wanted = {}
    for field, value in pairs:
        if isinstance(field, models.ForeignKey) and value not in (None, ""):
            wanted.setdefault(field.related_model, set()).add(str(value))
    found = {}
    for model, ids in wanted.items():
        for row in model._base_manager.filter(pk__in=[pk for pk in ids if is_id(model, pk)]):
            found[model, str(row.pk)] = str(row)
    return found


def is_id(model, text):
    try:
        model._meta.pk.to_python(text)
    except ValidationError:
        return False
    return True


def value_of(obj, field, user):
    if isinstance(field, models.ForeignKey):
        return link(obj, field, user)
    value = getattr(obj, field.attname)
    if value is None or value == "":
        return ui.missing(value)
    if isinstance(field, models.UUIDField):
        return format_html('<span class="mono">{}</span> {}', value, ui.copy_button(value))
    if isinstance(field, models.DateTimeField):
        return format_html('{} <span class="muted">({})</span>', ui.time_tag(value), ui.timeago_tag(value))
    if isinstance(field, models.DateField):
        return ui.time_tag(value)
    if isinstance(field, OpenChoiceField):
        return ui.status_pill(value) if field.name in PILLS else getattr(obj, f"get_{field.name}_display")()
    if isinstance(field, models.BooleanField):
        return ui.missing(value)
    if isinstance(field, models.JSONField):
        hide = hide_whole(field.name, value)
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value) and not hide:
            return ", ".join(value)
        return (
            format_html('<pre class="code" tabindex="0">{}</pre>', ui.pretty_json(redact(value, hide)))
            if value
            else ui.missing(value)
        )
    if isinstance(field, models.DecimalField):
        return ui.money(value, field.decimal_places)
    if isinstance(field, models.IntegerField):
        return ui.number(value)
    if isinstance(field, models.TextField):
        return format_html('<div class="prose" dir="auto">{}</div>', redact_text(value))
    return redact_text(value) if isinstance(value, str) else value


def link(obj, field, user):
    """The related row by name, linked where the reader may open it; its id where the row is gone."""
    pk = getattr(obj, field.attname)
    if pk is None:
        return ui.missing(None)
    try:
        related = getattr(obj, field.name)
    except ObjectDoesNotExist:
        related = None
    if related is None:
        return format_html('<span class="mono">{}</span> <span class="missing">no such record</span>', pk)
    meta = related._meta
    if not hasattr(related, "get_absolute_url") or not user.has_perm(
        f"{meta.app_label}.view_{meta.model_name}"
    ):
        return str(related)
    return format_html('<a href="{}">{}</a>', related.get_absolute_url(), related)


def cell_of(obj, field):
    """One value in a list: whatever the column holds, it is shown, short, and raises nothing. `obj` None: not set."""
    value = None if obj is None else getattr(obj, field.attname)
    if value is None or value == "":
        return ui.missing(value)
    if isinstance(field, models.ForeignKey):
        try:
            related = getattr(obj, field.name)
        except ObjectDoesNotExist:
            related = None
        return ui.short_id(value) if related is None else short(str(related), 60)
    if field.choices:
        known = str(value).lower() in ui.TONE_OF
        return ui.status_pill(value) if known else getattr(obj, f"get_{field.name}_display")()
    if isinstance(field, models.DateTimeField):
        return ui.timeago_tag(value)
    if isinstance(field, models.DecimalField):
        return ui.money(value, field.decimal_places)
    if isinstance(field, models.BooleanField):
        return ui.missing(value)
    if isinstance(field, models.IntegerField) and not field.primary_key:
        return ui.number(value)
    if isinstance(field, models.UUIDField):
        return ui.short_id(value)
    return short(redact_text(str(value)), 80)


def links(rows):
    """Rows by name, each linked to its page; "none" for no rows."""
    found = [(row.get_absolute_url(), row) for row in rows]
    return format_html_join(", ", '<a href="{}">{}</a>', found) if found else ui.missing("", "none")


def audio(url):
    """A player that fetches nothing until it is asked to play."""
    return format_html('<audio controls preload="none" src="{}"></audio>', url)
