"""Controls of forms are what Django's own templates make of them."""

import re
from html import escape

import pytest
from django import forms
from django.forms.renderers import TemplatesSetting
from django.test.html import parse_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from backoffice.forms import YesNoSelect
from backoffice.widgets import Renderer, whole_field

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
    """A field of each shape."""

    text = forms.CharField(label=HOSTILE, help_text=mark_safe('Some <span class="status">help</span>'))
    number = forms.IntegerField(required=False)
    box = forms.BooleanField(required=False, help_text="Ticked or not.")
    one = forms.ChoiceField(choices=[("a", "A")], required=False, help_text="One", widget=forms.RadioSelect)
    hidden = forms.CharField(widget=forms.HiddenInput)


LABEL = escape(HOSTILE)
OPTIONAL = '<span class="field__optional">optional</span>'
SHOWN = {
    "text": f"""<div class="field"><label for="id_text">{LABEL}</label>
        <input type="text" name="text" required aria-describedby="id_text_helptext" id="id_text">
        <div class="field__help" id="id_text_helptext">Some <span class="status">help</span></div></div>""",
    "number": f"""<div class="field"><label for="id_number">Number {OPTIONAL}</label>
        <input type="number" name="number" id="id_number"></div>""",
    "box": """<div class="field"><div class="check"><input type="checkbox" name="box" aria-describedby="id_box_helptext"
        id="id_box"><label for="id_box">Box</label></div>
        <div class="field__help" id="id_box_helptext">Ticked or not.</div></div>""",
    "one": f"""<fieldset class="field" aria-describedby="id_one_helptext"><legend>One {OPTIONAL}</legend>
        <div id="id_one"><div><label for="id_one_0"><input type="radio" name="one" value="a" id="id_one_0"> A</label></div>
        </div><div class="field__help" id="id_one_helptext">One</div></fieldset>""",
    "hidden": '<input type="hidden" name="hidden" id="id_hidden">',
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_field_stands_with_its_label_and_help(name):
    assert parse_html(whole_field(Every()[name])) == parse_html(SHOWN[name])


def test_errors_stand_beside_their_field_and_the_control_names_them():
    shown = whole_field(Every({"number": HOSTILE})["number"], "filters__wide", plain=True)
    assert '<div class="field filters__wide">' in shown and "optional" not in shown
    assert 'aria-describedby="id_number_error"' in shown and 'aria-invalid="true"' in shown
    assert re.search(
        r'<ul class="field__error" id="id_number_error"><li><svg.*</svg>Enter a whole number.</li>', shown
    )
    assert f'value="{LABEL}"' in shown and "<script>" not in shown


def test_a_hidden_field_tells_its_errors():
    shown = whole_field(Every({})["hidden"])
    assert shown.startswith('<input type="hidden"') and "This field is required." in shown
