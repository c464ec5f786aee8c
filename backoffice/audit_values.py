"""What an entry of the audit says, for people: fields by the model's own names, values short or whole, where from.

The database has taken out secrets and what was said when it wrote the entry. Texts about conversations are masked here
too, for everybody: revealing is done in the conversation, with a reason, and logged.
"""

import contextlib
import json
from dataclasses import dataclass, field
from functools import cache, lru_cache

from django.db import connections, models, router
from django.db.models import Func
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst

from backoffice.audit_models import AuditEvent, models_by_table
from backoffice.display import names_of, redact_text, side
from backoffice.lines import lines_between
from backoffice.masking import mask, mask_beginning
from backoffice.templatetags import ui
from backoffice.texts import short

SHORT = 60  # characters of a value in a list
MOST_SHORT = 4  # fields of an entry in a list
MOST_FIELDS = 200
MOST_PATHS = 200  # differing places of one JSON value that are shown
MOST_LEAVES = 20_000  # of one JSON value that are compared
DEEPEST = 60
ROOT = "the value itself"
LONGEST = 20_000  # characters of a value that are shown whole
SECRET = ("[secret]", "[secret, changed]")
UNITS = {"_seconds": "seconds", "_ms": "milliseconds", "_usd": "USD", "_days": "days", "_hours": "hours"}


# The first fields of entries with the beginnings of their values, as JSON, and how many fields there are: a few hundred
# bytes, however much an entry holds.
BRIEFS = f"""
    select id, jsonb_build_object('count', (select cardinality(audit.field_names(old, new))), 'fields', (
      select jsonb_agg(jsonb_build_array(key, left(old ->> key, {SHORT + 20}), left(new ->> key, {SHORT + 20}))
        order by key)
      from (select key from unnest(audit.field_names(old, new)) key order by key limit {MOST_SHORT}) k))::text
    from audit.event where id = any(%s)"""


class BeforeAndAfter(Func):
    """The same for a file, as one text: values of fields that are plain, up to 200 characters of each."""

    output_field = models.TextField()
    VALUE = (
        "case when {side} is null then '' when jsonb_typeof({side} -> key) in ('object', 'array')"
        " or {side} ->> key ~ '^\\s*([{{]|\\[(?!secret|content|nested))' then '[JSON]'"
        " else coalesce(left({side} ->> key, 200), 'not set') end"
    )
    template = (
        "(case when action <> 'update' then '' when table_name = any(%(masked)s) then '[not exported]' else"
        f" (select string_agg(key || ': ' || ({VALUE.format(side='old')}) || ' → ' || ({VALUE.format(side='new')}),"
        " '; ' order by key) from unnest(audit.field_names(old, new)) key) end)"
    )

    def __init__(self):
        super().__init__()

    def as_sql(self, compiler, connection, **context):
        # Names of our own tables, none of which has a quote in it.
        names = ", ".join(f"'{name}'" for name in sorted(masked_tables()))
        return self.template.replace("%(masked)s", f"array[{names}]::text[]").replace("%", "%%"), []


@cache
def masked_tables():
    return {name for name, model in models_by_table().items() if getattr(model, "holds_conversation", False)}


def model_of(table):
    return models_by_table().get(table)


@cache
def fields_of(model):
    """{column: field} of a model."""
    return {field.column: field for field in model._meta.concrete_fields}


def field_of(table, column):
    model = model_of(table)
    return fields_of(model).get(column) if model else None


@lru_cache(maxsize=2000)  # a page asks for the same few two hundred times
def label_of(table, column):
    """The model's word for a column, with its unit; the column's own name where no model has it."""
    found = field_of(table, column)
    if found is None:
        return short(column.replace("_", " "), 80)
    label = capfirst(str(found.verbose_name))
    unit = next((unit for ending, unit in UNITS.items() if column.endswith(ending)), "")
    known = unit.lower() in label.lower() or f"({unit[:1]}" in label
    return label if known or not unit else f"{label} ({unit})"


def briefs(events):
    """{id: (changes, more)} of the entries of a page, as brief_changes() gives them, in one query."""
    with connections[router.db_for_read(AuditEvent)].prepared_cursor() as cursor:
        cursor.execute(BRIEFS, [[event.pk for event in events]])
        by_id = {pk: json.loads(brief) for pk, brief in cursor.fetchall()}
    return {event.pk: brief_changes(event, by_id.get(event.pk)) for event in events}


def brief_changes(event, brief):
    """([(label, old, new)], each side a short text or None, how many more fields) of what BRIEFS gave for an entry."""
    brief = brief if isinstance(brief, dict) else {}
    masked = event.table_name in masked_tables()
    fields = [
        (
            label_of(event.table_name, name),
            brief_value(event.table_name, name, old, masked),
            brief_value(event.table_name, name, new, masked),
        )
        for name, old, new in brief.get("fields") or ()
    ]
    return fields, max((brief.get("count") or 0) - len(fields), 0)


def brief_value(table, column, text, masked):
    if text is None or text == "":
        return text
    found = field_of(table, column)
    if choices := getattr(found, "flatchoices", None):
        text = str(dict(choices).get(text, text))
    if isinstance(found, models.UUIDField | models.ForeignKey) and len(text) == 36:
        return f"{text[:8]}…"
    if isinstance(found, models.DateTimeField) and len(text) > 16:
        return text[:16].replace("T", " ")
    if len(text) > 2 and text[0] in "{[" and text not in SECRET:
        return "JSON"
    text = mask_beginning(text, SHORT + 20) if masked else redact_text(text)
    return short(" ".join(text.split()), SHORT)


@dataclass(frozen=True)
class Change:
    """One field of an entry. `old` and `new` are as display.diff_value takes them; of a long text there are `lines`, of
    JSON there are `paths` [(path, old, new)], of which `more` are left out.
    """

    label: str
    column: str = ""
    old: object = None
    new: object = None
    lines: list = field(default_factory=list)
    paths: list = field(default_factory=list)
    more: int = 0
    is_secret: bool = False


def changes_of(event):
    """([Change] of an entry, how many fields are left out); related rows by name, one query for each table."""
    sides = event.changes
    columns = sorted(sides)[:MOST_FIELDS]
    fields = {column: field_of(event.table_name, column) for column in columns}
    names = names_of([(fields[column], value) for column in columns for value in sides[column]])
    masked = event.table_name in masked_tables()
    both = event.action == "update"
    found = [
        change_of(
            label_of(event.table_name, column), column, fields[column], sides[column], names, masked, both
        )
        for column in columns
    ]
    return found, len(sides) - len(columns)


def change_of(label, column, model_field, sides, names, masked, both):
    old, new = (hide(value) if masked else value for value in sides)
    if SECRET[1] in sides or (both and old in SECRET and new in SECRET):
        return Change(label, column, is_secret=True)
    if both and (isinstance(old, dict | list) or isinstance(new, dict | list)):
        paths, more = differing_paths(old, new)
        if paths:
            return Change(label, column, paths=paths, more=more)
    old, new = (shown(model_field, value, names) for value in (old, new))
    if both and (lines := lines_between(plain(old), plain(new))):
        return Change(label, column, lines=lines)
    return Change(label, column, cut(old), cut(new))


def shown(model_field, value, names):
    if isinstance(model_field, models.DateTimeField) and isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = parse_datetime(value) or value
    return side(model_field, value, names)


def hide(value, levels=DEEPEST):
    """A value without what is personal in its texts."""
    if isinstance(value, str):
        return mask(value[:LONGEST])
    if not levels:
        return "[nested too deep]"
    if isinstance(value, dict):
        return {key: hide(item, levels - 1) for key, item in value.items()}
    return [hide(item, levels - 1) for item in value] if isinstance(value, list) else value


def plain(value):
    return value if isinstance(value, str) and not hasattr(value, "__html__") else None


def cut(value):
    """A value that a page can bear."""
    if isinstance(value, dict | list):
        value = ui.pretty_json(value)
    if isinstance(value, str) and not hasattr(value, "__html__") and len(value) > LONGEST:
        return f"{value[:LONGEST]} … ({len(value):,} characters)"
    return value


def differing_paths(old, new):
    """([(path, old, new)] of what differs between two JSON values, how many more there are)."""
    before, after = (dict(leaves(value)) for value in (old, new))
    paths = [path for path in {**before, **after} if before.get(path) != after.get(path)]
    if all(isinstance(value, dict | list) for value in (old, new)):
        paths = [path for path in paths if path != ROOT]  # one of them is empty: it has nothing at its paths
    found = [(path, leaf(before.get(path)), leaf(after.get(path))) for path in paths[:MOST_PATHS]]
    return found, len(paths) - len(found)


def leaves(value):
    """(path such as "voice → speed", value) of what has no parts, in the order of the value; MOST_LEAVES at most."""
    waiting, count = [("", value, 0)], 0
    while waiting and count < MOST_LEAVES:
        path, item, level = waiting.pop()
        parts = (
            item.items() if isinstance(item, dict) else enumerate(item, 1) if isinstance(item, list) else ()
        )
        parts = list(parts)[:MOST_LEAVES]
        if parts and level < DEEPEST:
            waiting += [
                (f"{path} → {key}" if path else str(key), part, level + 1) for key, part in reversed(parts)
            ]
        else:
            count += 1
            yield path[:300] or ROOT, item


def leaf(value):
    text = redact_text(value) if isinstance(value, str) else value
    return cut(text) if not isinstance(text, str) or len(text) <= 2000 else f"{text[:2000]} …"


# Where a change came from

WORDS = {
    "authenticated": "a tenant by its browser app",
    "anon": "a visitor's browser, not signed in",
    "service_role": "the platform's runtime",
    "authenticator": "the platform's runtime",
    "supabase_auth_admin": "Supabase, at a sign-up or a change of a login",
    "postgres": "a person in SQL, or an upgrade of the schema",
    "supabase_admin": "Supabase's own administration",
    "dashboard_user": "a person in Supabase's dashboard",
    "backoffice": "the back office",
    "backoffice_preview": "the back office, looking as a tenant",
}


def origin(event):
    """In words who was at the other end: "a tenant by its browser app"."""
    if event.source == "app":
        return WORDS["backoffice"]
    return WORDS.get(event.db_role) or f"a person or program in SQL, as role {event.db_role}"
