"""Filters of the lists of changes and readings: each is answered by an index of schema audit (db/backoffice.sql)."""

import uuid

import django_filters
from django.apps import apps
from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection, models
from django.db.models import Exists, Func, OuterRef, Q
from django.utils.text import capfirst

from backoffice.audit_models import AuditEvent, ReadLog, audit_name
from backoffice.filters import DayFilter, FilterSet, KnownValueFilter, SearchFilter
from backoffice.page_model import PageModel
from backoffice.search.typed import LONGEST_WORDS
from backoffice.search.words import Condition, EqualsAny

MOST_NAMES = 50
# Tables that have no model of their own: rights of accounts, and what retention writes about the logs themselves.
OTHERS = [
    ("audit.event", "Changes removed by age"),
    ("audit.read_log", "Readings removed by age"),
    ("backoffice.backoffice_user_groups", "Roles of staff accounts"),
    ("backoffice.backoffice_user_user_permissions", "Rights of staff accounts"),
]


SPLIT = str.maketrans("@.+-_/:()", " " * 9)
TEXT = "translate(left({text}, 2000), '@.+-_/:()', '         ')"
WORDS_OF = f"to_tsvector('pg_catalog.simple', {TEXT}) @@ to_tsquery('pg_catalog.simple', %s)"
BOTH = "coalesce({row_label}, '') || ' ' || coalesce({reason}, '')"
# Of the newest entries so many are looked at, and more than this share of them is much.
SAMPLE, MUCH = 400, 0.04


def has_words(text, of=BOTH):
    """Entries in whose label or reason each word of the text is the beginning of a word; that of both has an index."""
    words = text[:LONGEST_WORDS].replace("\0", " ").translate(SPLIT).split()[:10]
    query = " & ".join("'{}':*".format(word.replace("\\", "\\\\").replace("'", "''")) for word in words)
    columns = [name for name in ("row_label", "reason") if f"{{{name}}}" in of]
    return Condition(WORDS_OF.replace("{text}", of), columns, [query])


class NotByIndex(Func):
    """A condition that is computed for each row that is read, whatever index there is."""

    template = "(%(expressions)s) is true"
    output_field = models.BooleanField()
    conditional = True


def wisely(queryset, condition):
    """The entries that meet a condition with a GIN index.

    Its index does not know the order of time, and row security keeps the planner from knowing how many there are. So a
    look at the newest entries decides: where many meet it, the list is read in its order until a page is full; where
    few do, the index gives all of them.
    """
    newest = queryset.model.objects.order_by("-at", "-id").values("pk")[:SAMPLE]
    sample = queryset.model.objects.filter(EqualsAny(models.F("pk"), ArraySubquery(newest)))
    if sample.filter(NotByIndex(condition)).order_by().count() > SAMPLE * MUCH:
        return queryset.filter(NotByIndex(condition))
    found = queryset.model.objects.filter(condition).order_by().values("pk")
    return queryset.filter(EqualsAny(models.F("pk"), ArraySubquery(found)))


class LogSearchFilter(SearchFilter):
    """An id finds the entries about its record or tenant, a number its entry too, words the records and reasons."""

    def filter(self, queryset, value):
        if not value:
            return queryset
        try:
            found = uuid.UUID(value)
            return queryset.filter(Q(row_id=str(found)) | Q(organization_id=found))
        except ValueError:
            pass
        condition = Q(row_id=value)
        if value.isascii() and value.isdigit() and int(value) < 2**63:
            condition |= Q(pk=int(value))
        exact = queryset.model.objects.filter(condition).order_by().values("pk")
        if exact.exists():
            return queryset.filter(EqualsAny(models.F("pk"), ArraySubquery(exact)))
        return wisely(queryset, has_words(value))


class ReasonFilter(django_filters.CharFilter):
    def filter(self, queryset, value):
        if not value:
            return queryset
        queryset = queryset.filter(NotByIndex(has_words(value, "coalesce({reason}, '')")))
        return wisely(queryset, has_words(value))


class ActorFilter(django_filters.CharFilter):
    """Who it was, by a part of the name. Of a name that is typed whole, only that person's."""

    def filter(self, queryset, value):
        if not value:
            return queryset
        names = actors_named(queryset.model, value)
        return queryset.filter(actor=names[0]) if len(names) == 1 else queryset.filter(actor__in=names)


def actors_named(model, text):
    """The names in a log that contain the text, MOST_NAMES at the most; the index is read once for each name."""
    text = text.replace("\0", " ")
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            with recursive names as (
              (select actor from {table} order by actor limit 1)
              union all
              select (select t.actor from {table} t where t.actor > n.actor order by t.actor limit 1)
              from names n where n.actor is not null)
            select actor from names where strpos(lower(actor), lower(%s)) > 0 limit %s
            """,
            [text, MOST_NAMES],
        )
        names = [name for (name,) in cursor.fetchall()]
    return [text] if text in names else names


class FieldNameFilter(django_filters.CharFilter):
    """Changes that wrote the field, by the column's name or the words that pages use for it."""

    def filter(self, queryset, value):
        if not value:
            return queryset
        names = columns_called(value.strip())
        # The index holds updates alone: a created record has all fields.
        return wisely(queryset, Q(HasField(names), action=AuditEvent.Action.UPDATE))


class HasField(Func):
    """Whether an entry wrote one of these columns, in the words of the index event_fields."""

    output_field = models.BooleanField()
    conditional = True
    keys = "jsonb_path_query_array({new}, '$.keyvalue().key', '{{}}', true)"

    def __init__(self, names):
        super().__init__(models.F("new"))
        self.names = names

    def as_sql(self, compiler, connection, **context):
        new, params = compiler.compile(self.get_source_expressions()[0])
        return f"({self.keys.format(new=new)} ?| %s::text[])", [*params, self.names]


def columns_called(text):
    """The names of columns that a text may mean: itself, and those of fields that pages call so."""
    text = text.replace("\0", " ")
    names = {text, text.lower().replace(" ", "_")}
    for model in logged_models():
        names |= {
            field.column
            for field in model._meta.concrete_fields
            if str(field.verbose_name).lower() == text.lower()
        }
    return sorted(names)


class BatchesFilter(django_filters.ChoiceFilter):
    """Of all that ran under one request or job, the first entry alone, which stands for the others."""

    def __init__(self):
        super().__init__(label="Batches", choices=[("one", "One entry of each")], empty_label="All entries")

    def filter(self, queryset, value):
        if not value:
            return queryset
        earlier = AuditEvent.objects.filter(request_id=OuterRef("request_id"), pk__lt=OuterRef("pk"))
        return queryset.exclude(Exists(earlier.order_by()))


def logged_models():
    """Models whose rows may be in the audit."""
    return [
        model
        for model in apps.get_models()
        if (issubclass(model, PageModel) or model._meta.managed)
        and not model._meta.auto_created
        and model._meta.app_label not in ("procrastinate", "admin", "contenttypes", "sessions")
        and audit_name(model) not in ("audit.event", "audit.read_log")
    ]


class TableFilter(KnownValueFilter):
    """The tables by what their rows are called; a table that has no model is found by its name in the address."""

    def __init__(self, extra=()):
        super().__init__(field_name="table_name", label="Table", choices=lambda: [*tables(), *extra])


def tables():
    found = {audit_name(model): capfirst(model._meta.verbose_name_plural) for model in logged_models()}
    return sorted(found.items(), key=lambda pair: pair[1].lower())


class LogFilter(FilterSet):
    """What both lists can be narrowed by."""

    search_fields = ["row_id__exact", "row_label", "reason"]
    by = ActorFilter(label="By")
    reason = ReasonFilter(label="Reason")
    record = django_filters.CharFilter(field_name="row_id", label="Record id")
    batch = django_filters.CharFilter(field_name="request_id", label="Request or job")
    since = DayFilter("at", label="From")
    until = DayFilter("at", label="Until", until=True)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.filters["q"] = LogSearchFilter(self.search_fields)
        self.filters["q"].parent = self
        self.filters["q"].model = self.queryset.model
        self.filters = {"q": self.filters["q"], **self.filters}


class AuditEventFilter(LogFilter):
    rare = ("reason", "field", "record", "action", "source", "batches", "batch")
    table_name = TableFilter(OTHERS)
    field = FieldNameFilter(label="Field changed")
    batches = BatchesFilter()

    class Meta:
        model = AuditEvent
        fields = ["by", "table_name", "action", "source", "organization"]


class ReadLogFilter(LogFilter):
    rare = ("table_name", "reason", "record", "batch")
    table_name = TableFilter()

    class Meta:
        model = ReadLog
        fields = ["by", "kind", "table_name", "organization"]
