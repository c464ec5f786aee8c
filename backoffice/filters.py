"""Filters of staff pages: django-filter, one search field, times in the user's zone, no select over a whole table."""

import copy
import datetime
import uuid
from urllib.parse import urlencode

import django_filters
from django import forms
from django.db import models
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from backoffice import kept, months
from backoffice.addresses import script_prefix
from backoffice.forms import PickerField, as_offered
from backoffice.keyset import newest
from backoffice.model_fields import OpenChoiceField
from backoffice.months import MonthField
from backoffice.search.typed import trimmed
from backoffice.search.words import has_number, has_words, parent_found, parent_has_words, parent_is
from backoffice.widgets import whole_field

LONGEST_SEARCH = 500  # characters; a longer address is refused by the server before we see it


class Query:
    """The query string of a page, to make the addresses of its neighbours from; order of parameters is kept."""

    def __init__(self, params=None):
        """`params` is a QueryDict; none without it."""
        self.values = dict(params.lists()) if params else {}

    @classmethod
    def of(cls, values):
        query = cls()
        query.values = values
        return query

    def without(self, *names):
        return self.of({name: values for name, values in self.values.items() if name not in names})

    def with_(self, **values):
        return self.of(self.values | {name: [value] for name, value in values.items()})

    def __str__(self):
        return f"?{urlencode(self.values, doseq=True)}"


class SearchFilter(django_filters.CharFilter):
    """One box over `fields`; an id finds its row, a text is looked for anywhere, whatever its case.

    `<column>__id` finds rows by the id of another one; so does `<relation>__id`, by its index, however many they are. A
    field name may end in `__exact` (big tables: only what an index answers), `__named` (the same, but not for an
    id) or `__digits` (telephone numbers in any format, by their last digits). `words` finds rows by the beginnings of
    words in their names, `<relation>__words` those that belong to such a row; `<relation>__found` is the same where
    many rows belong to one (backoffice.search.words).
    """

    def __init__(self, fields, *args, **kwargs):
        kwargs.setdefault("label", "Search")
        kwargs.setdefault("widget", forms.TextInput(attrs={"maxlength": LONGEST_SEARCH}))
        super().__init__(*args, **kwargs)
        self.fields = fields

    def filter(self, queryset, value):
        value = trimmed(value or "")
        if not value:
            return queryset
        try:
            key = uuid.UUID(value)
            condition = models.Q(pk=key)
            for name in [name.removesuffix("__id") for name in self.fields if name.endswith("__id")]:
                is_column = name == self.model._meta.get_field(name).attname
                condition |= models.Q(**{name: key}) if is_column else parent_is(self.model, name, pk=key)
            condition |= self.text_condition(value, exact_only=True)
            return queryset.filter(condition)
        except ValueError:
            return queryset.filter(self.text_condition(value))

    def text_condition(self, value, exact_only=False):
        condition = models.Q(pk=None) & ~models.Q(pk=None)  # nothing, until a field is added
        for name in self.fields:
            path, _, way = name.rpartition("__")
            if way == "id" or (exact_only and way != "exact"):
                continue
            if way in ("exact", "named"):
                condition |= self.equals(path, value)
            elif way == "digits":
                condition |= has_number(path, value)
            elif way == "found":
                condition |= parent_found(self.model, path, value)
            elif way == "words":
                condition |= (
                    parent_has_words(self.model, path, value)
                    if path
                    else models.Q(has_words(self.model, value))
                )
            else:
                condition |= models.Q(**{f"{name}__icontains": value})
        return condition

    def equals(self, path, value):
        relation, _, column = path.rpartition("__")
        return parent_is(self.model, relation, **{column: value}) if relation else models.Q(**{column: value})


class DateInput(forms.DateInput):
    input_type = "date"


class RowField(PickerField):
    def to_python(self, value):
        """As Django's, with less ado for what every page of a list asks that is filtered by a row."""
        model = self.queryset.model
        if (
            value in self.empty_values
            or self.queryset.query.where
            or not isinstance(model._meta.pk, models.UUIDField)
        ):
            return super().to_python(value)
        rows = kept.rows(("chosen", model), self.rows_of, model._meta.pk.to_python(value))
        if not rows:
            raise forms.ValidationError(
                self.error_messages["invalid_choice"], "invalid_choice", {"value": value}
            )
        (self.chosen,) = rows
        return self.chosen

    def rows_of(self, pk):
        return self.queryset.filter(pk=pk).order_by()


class RowFilter(django_filters.ModelChoiceFilter):
    """Rows of one parent, chosen by searching. The parent need not exist any more for its rows to be found."""

    field_class = RowField

    @property
    def field(self):
        field = super().field
        field.widget.nothing = "Any"
        field.queryset = as_offered(field.queryset)  # a filter shows the row's name, and goes by its id
        return field


class DayFilter(django_filters.DateFilter):
    """From or until a day in the user's zone, the day included, as a comparison that an index on the time answers."""

    def __init__(self, field_name, *, label, until=False):
        super().__init__(field_name=field_name, label=label, widget=DateInput(attrs={"max": "9998-12-31"}))
        self.until = until

    def filter(self, queryset, value):
        if value is None:
            return queryset
        try:
            day = value + datetime.timedelta(days=1) if self.until else value
            moment = timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))
        except (OverflowError, ValueError):
            return queryset
        # As the index has it: a time that may be missing counts as the beginning of all.
        nullable = queryset.model._meta.get_field(self.field_name).null
        key = newest(self.field_name) if nullable else models.F(self.field_name)
        queryset = queryset.alias(day_filter=key)
        if self.until:
            return queryset.filter(day_filter__lt=moment).exclude(**{self.field_name: None})
        return queryset.filter(day_filter__gte=moment)


class MonthFilter(django_filters.Filter):
    """Rows of a month in UTC, as a comparison that an index on the time answers; a date names its month itself."""

    field_class = MonthField

    def filter(self, queryset, value):
        if value is None:
            return queryset
        field = queryset.model._meta.get_field(self.field_name)
        if not isinstance(field, models.DateTimeField):
            return queryset.filter(**{self.field_name: value})
        since, until = months.bounds(value)
        key = newest(self.field_name) if field.null else models.F(self.field_name)
        return queryset.alias(month_filter=key).filter(month_filter__gte=since, month_filter__lt=until)


class NoMonthFilter(django_filters.ChoiceFilter):
    """Rows that belong to no month: without a time, or with one outside the calendar (backoffice.months)."""

    def __init__(self, field_name, **kwargs):
        choices = [("no", "Without a usable time")]
        super().__init__(field_name=field_name, choices=choices, label="Time", empty_label="Any", **kwargs)

    def filter(self, queryset, value):
        if not value:
            return queryset
        since, until = months.bounds(months.FIRST)[0], months.bounds(months.LAST)[1]
        queryset = queryset.alias(time_filter=newest(self.field_name))
        return queryset.filter(models.Q(time_filter__lt=since) | models.Q(time_filter__gte=until))


class FilterForm(forms.Form):
    """The form of a FilterSet. A list is mostly narrowed by one or two of a dozen filters: the fields of all others
    are neither copied nor written anew. `kept_html` belongs to the class: {what field_html() asks for: HTML}.
    """

    def __init__(self, *args, **kwargs):
        self.base_fields = {}  # Django copies them all
        super().__init__(*args, **kwargs)
        del self.base_fields
        lists = self.data.lists() if isinstance(self.data, MultiValueDict) else self.data.items()
        given = {name for name, value in lists if (any(value) if isinstance(value, list) else value)}
        # What the address says nothing to, which then neither holds nor shows anything of the request.
        self.idle = {
            name
            for name, field in self.base_fields.items()
            if given.isdisjoint(parameters_of(name, field.widget))
        }
        self.fields = {
            name: field if name in self.idle else copy.deepcopy(field)
            for name, field in self.base_fields.items()
        }
        for name in self.fields.keys() - self.idle:
            if isinstance(self.fields[name], KnownValueField):
                self.fields[name].offer(self.data.get(name))


def field_html(field, css=""):
    """A field of a filter bar with its label and errors; `css` is a class for what is around it."""
    form = field.form
    if field.name not in form.idle or field.errors:
        return whole_field(field, css, plain=True)
    key = (field.name, css, script_prefix())  # a picker holds the address of its search
    if key not in form.kept_html:
        form.kept_html[key] = whole_field(field, css, plain=True)
    return form.kept_html[key]


class FilterSet(django_filters.FilterSet):
    """`search_fields` gives the search box; open value sets become selects of the known values plus "not set".

    `rare` are filters that stand under "More filters", where pickers are too.
    """

    search_fields = []
    search_filter = SearchFilter
    rare = ()

    def __init__(self, *args, **kwargs):
        self.base_filters = {}
        super().__init__(*args, **kwargs)
        del self.base_filters
        # django-filter copies its filters with all that is in them, most of a millisecond per page. They are not
        # changed: each needs to know whose it is, no more.
        self.filters = {name: self.own(filter_) for name, filter_ in self.base_filters.items()}
        if self.search_fields:
            self.filters = {"q": self.own(self.search_filter(self.search_fields)), **self.filters}

    def own(self, filter_):
        """A copy of a filter that belongs to this set."""
        own = copy.copy(filter_)
        own.parent, own.model = self, self.queryset.model
        own.method = filter_.method  # bound to the copy
        return own

    def get_form_class(self):
        """Made once: a form has fields of its own where it needs them, and none of ours depends on the request."""
        made = vars(type(self)).get("form_class")
        if made is None:
            fields = {name: filter_.field for name, filter_ in self.filters.items()}
            made = type(f"{type(self).__name__}Form", (FilterForm,), fields | {"kept_html": {}})
            type(self).form_class = made
        return made

    @classmethod
    def filter_for_field(cls, field, field_name, lookup_expr=None):
        if isinstance(field, OpenChoiceField):
            return KnownValueFilter(field_name=field_name, choices=field.choices, label=label_of(field))
        if isinstance(field, models.ForeignKey):
            return RowFilter(
                field_name=field_name,
                queryset=field.related_model._default_manager.all(),
                label=label_of(field),
            )
        return super().filter_for_field(field, field_name, lookup_expr)

    @property
    def is_filtered(self):
        """Whether any filter narrows the list, or was meant to."""
        values = getattr(self.form, "cleaned_data", {}).values()
        return bool(self.form.errors) or any(value not in (None, "", []) for value in values)


def chips(filterset, query):
    """[{text, url}] of the filters that apply, each with the address without it.

    Broken values are no chips: their field says what is wrong.
    """
    form = filterset.form
    cleaned = getattr(form, "cleaned_data", {})
    return [
        {
            "text": f"{field.label}: {text}",
            "url": str(query.without(*parameters_of(field.name, field.field.widget))),
        }
        for field in form
        if (text := chip_text(field, cleaned.get(field.name)))
    ]


def parameters_of(name, widget):
    """The names in the address that belong to a filter: pickers and filters of several parts have more than one."""
    return [name, f"{name}_search", *(name + part for part in getattr(widget, "widgets_names", ()))]


def chip_text(field, value):
    """The value of a filter in the words that its field uses; "" where it does not narrow anything."""
    if value in (None, "", []):
        return ""
    if field.name == "q":
        return f"“{value}”"
    if isinstance(field.field, MonthField):
        return months.name_of(value)
    if isinstance(value, datetime.date):
        return f"{value.day} {value:%b} {value.year}"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    choices = getattr(field.field, "choices", None)
    if isinstance(value, models.Model) or choices is None:
        return str(value)
    values = value if isinstance(value, list | tuple) else [value]
    # A group of choices is (its heading, its choices).
    groups = [label if isinstance(label, list | tuple) else [(key, label)] for key, label in choices]
    labels = {str(key): str(label) for group in groups for key, label in group}
    return ", ".join(labels.get(str(item), str(item)) for item in values)


def label_of(field):
    text = str(field.verbose_name)
    return text[:1].upper() + text[1:]


class KnownValueField(django_filters.fields.ChoiceField):
    def valid_value(self, value):
        # An address may name a value that nobody listed; it simply filters by it. No text holds NUL.
        return "\0" not in value

    def offer(self, value):
        """The select has that value too: it would else say "Any" while the list is narrowed by it."""
        if value and self.valid_value(value) and value not in {str(key) for key, _ in self.widget.choices}:
            self.widget.choices = [*self.widget.choices, (value, value)]


class KnownValueFilter(django_filters.ChoiceFilter):
    """A select of the known values and "not set"; any other value in the address filters by that value."""

    field_class = KnownValueField

    def __init__(self, *args, **kwargs):
        super().__init__(*args, empty_label="Any", null_label="not set", null_value="null", **kwargs)


class ModelNameFilter(django_filters.CharFilter):
    """A model's whole name, to the letter; "null" finds what names none."""

    def __init__(self, field_name, **kwargs):
        super().__init__(field_name=field_name, strip=False, **kwargs)

    def filter(self, queryset, value):
        if value == "null":
            return queryset.filter(not_recorded(self.field_name))
        return super().filter(queryset, value)


class ChannelFilter(KnownValueFilter):
    def filter(self, queryset, value):
        if value == self.null_value:
            return queryset.filter(not_recorded(self.field_name))
        return super().filter(queryset, value)


def not_recorded(field_name):
    """An empty text, and the word that stands for nothing in addresses, count as nothing."""
    return models.Q(**{field_name: None}) | models.Q(**{f"{field_name}__in": ["", "null"]})


class UtcDayFilter(django_filters.DateFilter):
    """From or until a day in UTC, by which figures and settlements go, the day included."""

    def __init__(self, field_name, *, label, until=False):
        super().__init__(field_name=field_name, label=label, widget=DateInput(attrs={"max": "9998-12-31"}))
        self.until = until

    def filter(self, queryset, value):
        if value is None:
            return queryset
        moment = datetime.datetime.combine(value, datetime.time.min, datetime.UTC)
        queryset = queryset.alias(utc_day_filter=newest(self.field_name))
        if not self.until:
            return queryset.filter(utc_day_filter__gte=moment)
        if value == datetime.date.max:
            return queryset
        queryset = queryset.filter(utc_day_filter__lt=moment + datetime.timedelta(days=1))
        return queryset.exclude(**{self.field_name: None})
