"""Filters of the lists of changes and readings: each is answered by an index of schema audit (db/backoffice.sql)."""

import uuid
from functools import cache

import django_filters
from django.apps import apps
from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection, models
from django.db.models import Exists, OuterRef, Q
from django.utils.text import capfirst

from backoffice.audit_models import AuditEvent, ReadLog, audit_name
from backoffice.audit_reading import REASON, HasField, NotByIndex, has_words, looked_at_since, met
from backoffice.filters import DayFilter, FilterSet, KnownValueFilter, SearchFilter
from backoffice.page_model import PageModel
from backoffice.search.words import EqualsAny

MOST_NAMES = 50
# Tables that have no model of their own: rights of accounts, and what retention writes about the logs themselves.
OTHERS = [
    ("audit.event", "Changes removed by age"),
    ("audit.read_log", "Readings removed by age"),
    ("backoffice.backoffice_user_groups", "Roles of staff accounts"),
    ("backoffice.backoffice_user_user_permissions", "Rights of staff accounts"),
]


class ContentFilter(django_filters.CharFilter):
    """A filter by what an entry says, applied after all others (LogFilter.filter_queryset)."""

    def narrow(self, queryset, value):
        """(the entries, the condition that they have to meet beside, None for none)."""
        raise NotImplementedError


class LogSearchFilter(ContentFilter, SearchFilter):
    """An id finds the entries about its record or tenant, a number its entry too, words the records and reasons."""

    def narrow(self, queryset, value):
        try:
            found = uuid.UUID(value)
            return queryset.filter(Q(row_id=str(found)) | Q(organization_id=found)), None
        except ValueError:
            pass
        if not any(sign.isdigit() for sign in value):
            return queryset, has_words(value)  # no key of ours is without one
        condition = Q(row_id=value)
        if value.isascii() and value.isdigit() and int(value) < 2**63:
            condition |= Q(pk=int(value))
        exact = queryset.model.objects.filter(condition).order_by().values("pk")
        if exact.exists():
            return queryset.filter(EqualsAny(models.F("pk"), ArraySubquery(exact))), None
        return queryset, has_words(value)


class ReasonFilter(ContentFilter):
    def narrow(self, queryset, value):
        return queryset, Q(has_words(value)) & Q(NotByIndex(has_words(value, REASON)))


class FieldNameFilter(ContentFilter):
    """Changes that wrote the field, by the column's name or the words that pages use for it."""

    def narrow(self, queryset, value):
        # The index holds updates alone: a created record has all fields.
        return queryset, Q(HasField(columns_called(value.strip())), action=AuditEvent.Action.UPDATE)


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


@cache
def tables():
    found = {audit_name(model): capfirst(model._meta.verbose_name_plural) for model in logged_models()}
    return tuple(sorted(found.items(), key=lambda pair: pair[1].lower()))


class LogFilter(FilterSet):
    """What both lists can be narrowed by.

    `by_time` are the filters for which there is an index in the order of time, the narrowest first; of those in `few`
    for that value alone. `is_cut` says that the newest entries alone were looked at.
    """

    by_time = ("record", "batch", "by", "organization", "table_name")
    few = {}

    search_fields = ["row_id__exact", "row_label", "reason"]
    search_filter = LogSearchFilter
    by = ActorFilter(label="By")
    reason = ReasonFilter(label="Reason")
    record = django_filters.CharFilter(field_name="row_id", label="Record id")
    batch = django_filters.CharFilter(field_name="request_id", label="Request or job")
    since = DayFilter("at", label="From")
    until = DayFilter("at", label="Until", until=True)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.is_cut = False

    def filter_queryset(self, queryset):
        """One filter that has an index in the order of time gives the entries; all others are held against these."""
        values = {
            name: value for name, value in self.form.cleaned_data.items() if value not in (None, "", [])
        }
        for name in ("since", "until"):
            queryset = self.filters[name].filter(queryset, values.pop(name, None))
        first = next((name for name in self.by_time if self.is_by_time(name, values.get(name))), None)
        if first:
            queryset = self.filters[first].filter(queryset, values.pop(first))
        found, conditions = queryset, []
        for name, value in values.items():
            if isinstance(self.filters[name], ContentFilter):
                found, condition = self.filters[name].narrow(found, value)
                conditions += [condition] if condition is not None else []
            else:
                found = self.filters[name].filter(found, value)
        by_index = "q" in values and not conditions
        if conditions:
            found, by_index = met(found, conditions)
        if values and not by_index and not getattr(self.request, "whole_list", False):
            since = looked_at_since(queryset)
            self.is_cut = since is not None
            found = found.filter(at__gte=since) if self.is_cut else found
        return found

    def is_by_time(self, name, value):
        """Whether there is an index for this value of a filter: one for a kind of which there are few."""
        return value is not None and self.few.get(name, value) == value


class AuditEventFilter(LogFilter):
    rare = ("reason", "field", "record", "action", "source", "batches", "batch")
    by_time = (*LogFilter.by_time, "action", "source")
    few = {"action": "delete", "source": "outside"}
    table_name = TableFilter(OTHERS)
    field = FieldNameFilter(label="Field changed")
    batches = BatchesFilter()

    class Meta:
        model = AuditEvent
        fields = ["by", "table_name", "action", "source", "organization"]


class ReadLogFilter(LogFilter):
    rare = ("table_name", "reason", "record", "batch")
    by_time = ("record", "batch", "by", "organization", "kind", "table_name")
    table_name = TableFilter()

    class Meta:
        model = ReadLog
        fields = ["by", "kind", "table_name", "organization"]
