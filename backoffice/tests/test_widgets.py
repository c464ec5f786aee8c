"""Controls of forms are what Django's own templates make of them."""

import pytest
from django import forms
from django.forms.renderers import TemplatesSetting
from django.template.loader import render_to_string
from django.test.html import parse_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from backoffice.forms import YesNoSelect
from backoffice.widgets import Renderer

HOSTILE = "\"><script>alert('1')</script>&amp; \N{MINUS SIGN}\n"
CHOICES = [
    ("", "not set"),
    (1, "one"),
    (HOSTILE, HOSTILE),
    (HOSTILE, [("a", gettext_lazy("Yes")), ("b", mark_safe("<b>B</b>"))]),
]
ATTRS = {"id": "id_it", "class": HOSTILE, "required": True, "disabled": False, "maxlength": 12, "min": 0}
WIDGETS = {
    "text": (forms.TextInput(), HOSTILE),
    "text without value": (forms.TextInput(), None),
    "number": (forms.NumberInput(attrs={"step": 0.1}), 1234567.5),
    "mail": (forms.EmailInput(), "a@b.test"),
    "address": (forms.URLInput(), mark_safe("https://x.test/?a=1&amp;b=2")),
    "password": (forms.PasswordInput(), "never shown"),
    "hidden": (forms.HiddenInput(), HOSTILE),
    "date": (forms.DateInput(), "2026-02-30"),
    "box": (forms.CheckboxInput(), True),
    "box, off": (forms.CheckboxInput(), False),
    "long text": (forms.Textarea(attrs={"rows": 4}), HOSTILE),
    "long text without value": (forms.Textarea(), None),
    "select": (forms.Select(choices=CHOICES), HOSTILE),
    "select, nothing chosen": (forms.Select(choices=CHOICES), None),
    "select of several": (forms.SelectMultiple(choices=CHOICES), ["1", "b"]),
    "yes or no": (YesNoSelect(), "true"),
    "boxes": (forms.CheckboxSelectMultiple(choices=CHOICES), ["1", "a"]),
    "radio buttons": (forms.RadioSelect(choices=CHOICES), "b"),
}


@pytest.mark.parametrize("attrs", [ATTRS, {}], ids=["attributes", "bare"])
@pytest.mark.parametrize("name", WIDGETS)
def test_a_control_is_as_django_writes_it(name, attrs):
    widget, value = WIDGETS[name]
    field_name = f"field-{name}"
    written = widget.render(field_name, value, attrs, renderer=Renderer())
    expected = widget.render(field_name, value, attrs, renderer=TemplatesSetting())
    assert parse_html(written) == parse_html(expected)
    assert "<script>" not in written


class Every(forms.Form):
    """A field of each shape that components/field.html knows."""

    text = forms.CharField(label=HOSTILE, help_text=mark_safe('Some <span class="status">help</span>'))
    number = forms.IntegerField(required=False)
    box = forms.BooleanField(required=False, help_text="Ticked or not.")
    several = forms.MultipleChoiceField(choices=[("a", "A")], widget=forms.CheckboxSelectMultiple)
    one = forms.ChoiceField(choices=[("a", "A")], required=False, help_text="One", widget=forms.RadioSelect)
    hidden = forms.CharField(widget=forms.HiddenInput)


@pytest.mark.parametrize("data", [None, {"number": HOSTILE, "one": "b"}], ids=["opened", "with errors"])
@pytest.mark.parametrize("name", Every.base_fields)
def test_a_field_is_as_its_component_writes_it(name, data):
    field = Every(data)[name]
    expected = render_to_string("components/field.html", {"field": field})
    assert parse_html(field.as_field_group()) == parse_html(expected)
    assert "<script>" not in expected
