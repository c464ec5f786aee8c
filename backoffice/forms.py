"""Forms of staff pages: conflict check, reason, searching picker for foreign keys, errors beside their fields."""

import json
import re
import uuid
from decimal import Decimal
from functools import partial

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.expressions import DatabaseDefault
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.http import urlencode

from backoffice import kept, picker_html
from backoffice.addresses import fixed_address
from backoffice.model_fields import OpenChoiceField
from backoffice.page_model import only_names
from backoffice.roles import field_permission
from backoffice.search.probes import TEXTS
from backoffice.search.typed import LONGEST_WORDS
from backoffice.search.words import has_words
from backoffice.services import snapshot

REASON_HELP = "Kept in the history of the record."
PICKER_ROWS = 10
AMOUNT = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?", re.ASCII)


class PickerWidget(forms.Widget):
    """A search field that finds rows of another table, instead of a select that would load the whole table.

    What was typed comes as `<name>_search`, the choice as a radio button called `<name>`; picker_html.picker() has the
    contract, `views.picker.Picker` answers the search while one types.
    """

    template_name = "picker"  # by which widgets.WRITTEN knows it; there is no such template
    typed = ""
    nothing = "None"

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        queryset = self.field.queryset
        chosen = self.field.chosen_for(value)
        found = find_rows(self.field.offered(), self.typed)[:PICKER_ROWS] if self.typed else ()
        context["widget"] |= {
            "required": self.field.required,
            "url": fixed_address("pick", queryset.model._meta.label_lower) + self.field.narrowing(),
            "chosen": chosen,
            "search": self.typed,
            "beside": self.field.within[0] if self.field.within and self.field.beside else "",
            "found": picker_html.options(name, found, chosen=chosen) if self.typed else "",
            "noun": queryset.model._meta.verbose_name_plural,
            "nothing": self.nothing,
        }
        return context

    def value_from_datadict(self, data, files, name):
        self.typed = data.get(f"{name}_search", "").strip()
        return data.get(name)

    def value_omitted_from_data(self, data, files, name):
        return name not in data and f"{name}_search" not in data

    def id_for_label(self, id_):
        return id_


class PickerField(forms.ModelChoiceField):
    """A foreign key chosen by searching. Errors: unknown id, or text typed but nothing chosen.

    `offer_within()` narrows what the search finds to the rows of one parent, not what is accepted: a form says in a
    sentence of its own what is wrong with another. With `beside` the parent is a picker of the same form, and read
    from there while one types. `offers` names one of views.picker.OFFERS, beyond which the search finds nothing.
    """

    widget = PickerWidget
    chosen = None
    within = None
    beside = False
    offers = ""

    def offer_within(self, relation, parent_id):
        self.within = (relation, parent_id)

    def offered(self):
        if not self.within or not self.within[1]:
            return self.queryset
        relation, parent_id = self.within
        try:
            return self.queryset.filter(**{relation: parent_id})
        except (ValidationError, ValueError):  # no id
            return self.queryset.none()

    def narrowing(self):
        """The query string by which the search is narrowed; "" where it is not, or the form's own field says it."""
        if self.offers:
            return f"?{urlencode({'of': self.offers})}"
        return f"?{urlencode([self.within])}" if self.within and self.within[1] and not self.beside else ""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.widget.field = self

    def __deepcopy__(self, memo):
        copied = super().__deepcopy__(memo)
        copied.widget.field = copied
        return copied

    def to_python(self, value):
        self.chosen = super().to_python(value)
        return self.chosen

    def chosen_for(self, value):
        """The row of that id, or None; read once for a form that was checked before it is shown."""
        if self.chosen is not None and str(self.chosen.pk) == str(value):
            return self.chosen
        return picked(self.queryset, value)

    def clean(self, value):
        if not value and self.widget.typed:
            raise forms.ValidationError(
                f"Choose one of those found for “{self.widget.typed}”, or clear the search."
            )
        return super().clean(value)


def picked(queryset, value):
    """The row with that id, or None."""
    if not value:
        return None
    try:
        return next(iter(as_offered(queryset).filter(pk=getattr(value, "pk", value)).order_by()), None)
    except (ValidationError, ValueError):
        return None


def as_offered(queryset):
    """With what the names and the hints beside them are made of."""
    return only_names(queryset, getattr(queryset.model, "picker_related", ()))


def find_rows(queryset, text):
    """At most PICKER_ROWS + 1 rows that a person means by `text`, as a list.

    By id, by the beginnings of words in names, or by the texts in the model's `search_fields`; without text, the first
    rows in the model's order.
    """
    if "\0" in text:  # no text of the database holds it
        return []
    model = queryset.model

    def first_rows(condition):
        found = queryset.filter(condition).order_by(*model._meta.ordering)
        return as_offered(found)[: PICKER_ROWS + 1]

    try:
        return list(first_rows(models.Q(pk=uuid.UUID(text))))
    except ValueError:
        pass
    if text and model._meta.label_lower in TEXTS:
        if queryset.query.where:
            return list(first_rows(has_words(model, text)))
        # Asked for with every letter that somebody types.
        return kept.rows(
            ("found", model), lambda words: first_rows(has_words(model, words)), text[:LONGEST_WORDS]
        )
    condition = models.Q()
    for name in model.search_fields:
        condition |= models.Q(**{f"{name}__icontains": text})
    return list(first_rows(condition))


class YesNoSelect(forms.NullBooleanSelect):
    """Yes, no or not set."""

    def __init__(self, attrs=None):
        super().__init__(attrs)
        self.choices = [("unknown", "not set"), ("true", "Yes"), ("false", "No")]


class AmountField(forms.DecimalField):
    """A decimal number as people write one: digits, a point, commas between thousands. No 1e5, no 1_000."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def to_python(self, value):
        if isinstance(value, str):
            value = value.replace("\N{MINUS SIGN}", "-")  # as pages show it, and so as it is copied
            if value.strip() and not AMOUNT.fullmatch(value.strip()):
                raise ValidationError("Enter a number such as 1,250.50.", code="invalid")
            value = value.replace(",", "")
        return super().to_python(value)


def form_field(field, **kwargs):
    """The form field of a model field, as staff pages want it (a `formfield_callback`)."""
    if isinstance(field, models.ForeignKey):
        kwargs |= {"form_class": PickerField}
        return field.formfield(**kwargs)
    if isinstance(field, OpenChoiceField):
        return forms.ChoiceField(
            choices=[("", "not set"), *field.choices] if field.null else field.choices,
            required=not field.blank,
            label=field.verbose_name.capitalize() if field.verbose_name.islower() else field.verbose_name,
            help_text=field.help_text,
        )
    if isinstance(field, models.DecimalField):
        kwargs |= {"form_class": AmountField}
    if isinstance(field, models.TextField):
        kwargs["widget"] = forms.Textarea(attrs={"rows": 4})
    if isinstance(field, models.BooleanField) and field.null:
        return forms.NullBooleanField(
            label=field.verbose_name.capitalize(),
            help_text=field.help_text,
            widget=YesNoSelect,
        )
    return field.formfield(**kwargs)


class StaffForm(forms.ModelForm):
    """A form over one record, with a reason and the values as they were when it was opened.

    `opened_values()` gives these for `services.save(opened=…)`; they travel signed, so that they cannot be altered.
    A field named in the model's `field_permissions` is left out for those who lack the permission, and every
    other field for those who hold nothing but such a permission.
    """

    reason_required = False

    opened = forms.CharField(widget=forms.HiddenInput, required=False)
    reason = forms.CharField(
        required=False,
        max_length=500,
        help_text=REASON_HELP,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    class Meta:
        formfield_callback = form_field

    def __init__(self, *args, actor, **kwargs):
        super().__init__(*args, **kwargs)
        self.actor = actor
        self.limit_fields()
        for name, field in self.fields.items():
            self.keep_unknown_value(name, field)
            if isinstance(field, PickerField):  # what the page has read along need not be read for the picker
                field.chosen = self.instance._state.fields_cache.get(name)
        self.fields["reason"].required = self.reason_required
        for name in ("reason", "opened"):  # last, whatever the fields of the form
            self.fields[name] = self.fields.pop(name)
        if self.instance._state.adding:
            del self.fields["opened"]
            self.initial = {name: known_default(value) for name, value in self.initial.items()}
        elif not self.is_bound:
            self.initial.setdefault("opened", partial(self.sign, self.instance))

    @classmethod
    def editable(cls, instance, actor):
        """The names of the fields that a form of this row has for the actor, who may not write any other. Pages that
        show the row ask for them, and make no form.
        """
        model, action = cls._meta.model, "add" if instance._state.adding else "change"
        left_out = {"reason", "opened", *cls.left_out(instance, actor)}
        return [
            name
            for name in cls.base_fields
            if name not in left_out and actor.has_perm(field_permission(model, name, action))
        ]

    @classmethod
    def left_out(cls, instance, actor):
        """Names of the fields that a form of this row is without, whatever the actor's rights."""
        return ()

    def limit_fields(self):
        editable = self.editable(self.instance, self.actor)
        for name in self.own_fields():
            if name not in editable:
                del self.fields[name]

    def own_fields(self):
        return [name for name in self.fields if name not in ("reason", "opened")]

    def keep_unknown_value(self, name, field):
        """A value outside the known set stays choosable on its own row, and is marked."""
        if not isinstance(field, forms.ChoiceField) or isinstance(field, forms.ModelChoiceField):
            return
        value = getattr(self.instance, name, None)
        if isinstance(value, str) and value not in [key for key, _ in field.choices]:
            field.choices = [*field.choices, (value, f"{value} (not a known value)")]

    def seen_in(self, instance):
        """The snapshot() of this form's columns in `instance`. It travels with the form, where anybody can read it."""
        columns = {field.name for field in instance._meta.concrete_fields}
        return snapshot(instance, [name for name in self.own_fields() if name in columns])

    def sign(self, instance):
        """The values of this form's columns in `instance`, to travel with the form."""
        return signing.dumps(self.seen_in(instance), salt="opened", compress=True)

    def opened_values(self):
        """The snapshot that came with the form; {} if it was not opened from us, in which case nothing can be saved."""
        try:
            return signing.loads(self.data.get(self.add_prefix("opened"), ""), salt="opened")
        except signing.BadSignature:
            return {}

    def opened_value(self, name):
        """What a field held when the form was opened; None if it did not come with the form."""
        return json.loads(self.opened_values().get(name, "null"))

    def _clean_fields(self):
        super()._clean_fields()
        # A value that the platform stored stays as it is, even if it could not be typed here.
        for name in set(self._errors) & set(self.unchanged_fields()):
            del self._errors[name]
            self.cleaned_data[name] = getattr(self.instance, name)

    def _get_validation_exclusions(self):
        return super()._get_validation_exclusions() | set(self.unchanged_fields())

    def changes(self):
        """Whether there is anything to save."""
        return self.instance._state.adding or bool(set(self.changed_data) & set(self.own_fields()))

    def unchanged_fields(self):
        """Fields of an existing row in which nothing was changed."""
        if self.instance._state.adding:
            return []
        return [name for name in self.own_fields() if name not in self.changed_data]

    def clean(self):
        cleaned = super().clean()
        if self.is_bound and not self.instance._state.adding and not self.opened_values():
            raise forms.ValidationError("This form is out of date. Open the record again.")
        return cleaned

    def _post_clean(self):
        for field in self.instance._meta.concrete_fields:
            value = self.cleaned_data.get(field.name, 0)
            if value is None or isinstance(value, str):
                self.cleaned_data[field.name] = self.as_stored(field, value)
        super()._post_clean()

    def as_stored(self, field, text):
        """A text as the column shall hold it: untouched as it was, else an empty one as NULL, the
        platform's "not set".
        """
        stored = getattr(self.instance, field.attname)
        if not self.instance._state.adding and isinstance(stored, str) and plain(stored) == plain(text):
            return stored
        return None if not text and field.null else text and text.replace("\r\n", "\n")

    @cached_property
    def changed_data(self):
        """Fields that hold something else than the row. What a form alone alters in a text does not count."""
        return [
            name
            for name in super().changed_data
            if not isinstance(self[name].data, str)
            or not isinstance(self.initial.get(name), str | Decimal)
            or plain(self[name].data) != plain(str(self.initial[name]))
        ]


def plain(text):
    """A text without what a form alters in it: line breaks, and spaces around it."""
    return (text or "").replace("\r\n", "\n").strip()


def known_default(value):
    """What the database will put into a column that is left out, where we can tell beforehand."""
    if isinstance(value, DatabaseDefault):
        return getattr(value.expression, "value", None)
    return value


class ReasonForm(forms.Form):
    """What every action asks: why."""

    reason = forms.CharField(
        max_length=500, help_text=REASON_HELP, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class DeleteForm(ReasonForm):
    """Asks to type the name of what goes for good. `expected` is that name."""

    confirm = forms.CharField(label="Type the name", widget=forms.TextInput(attrs={"autocomplete": "off"}))
    field_order = ["confirm", "reason"]

    def __init__(self, *args, expected, **kwargs):
        super().__init__(*args, **kwargs)
        self.expected = expected
        self.fields["confirm"].help_text = format_html("Type {} to confirm.", expected)

    def clean_confirm(self):
        if self.cleaned_data["confirm"].strip() != self.expected.strip():
            raise ValidationError(f"This is not the name: {self.expected}")
        return self.cleaned_data["confirm"]
