"""What the settings of an agent are typed into: lists line by line, kinds to tick, texts with suggestions, numbers."""

from decimal import Decimal

from django import forms
from django.utils.html import format_html, format_html_join


class ListField(forms.CharField):
    """A JSON list of texts, one per line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value):
        return "\n".join(str(item) for item in value) if isinstance(value, list) else value

    def to_python(self, value):
        if isinstance(value, list):
            return value
        return [line.strip() for line in (value or "").splitlines() if line.strip()]


class KindsField(forms.MultipleChoiceField):
    """A JSON list of texts, with a box to tick for each known one; what else is stored stays and is marked.

    The order in which they are stored stays; what is new comes after it.
    """

    widget = forms.CheckboxSelectMultiple

    def __init__(self, known, stored, **kwargs):
        self.stored = stored if isinstance(stored, list) else []
        unknown = dict.fromkeys(value for value in self.stored if value not in known)
        choices = [*known.items(), *((value, f"{value} (not a known value)") for value in unknown)]
        super().__init__(choices=choices, required=False, **kwargs)

    def to_python(self, value):
        ticked = super().to_python(value)
        return [
            *(old for old in self.stored if old in ticked),
            *(new for new in ticked if new not in self.stored),
        ]


class Suggesting(forms.TextInput):
    """A text field with suggestions, [(from whom, values)]; anything else can be typed as well."""

    def __init__(self, suggestions, attrs=None):
        super().__init__(attrs)
        self.suggestions = suggestions

    def render(self, name, value, attrs=None, renderer=None):
        listed = f"{(attrs or {}).get('id', name)}_known"
        control = super().render(name, value, {**(attrs or {}), "list": listed}, renderer)
        options = [(value, whose) for whose, values in self.suggestions for value in values]
        offered = format_html_join("", '<option value="{}" label="{}"></option>', options)
        return format_html('{}<datalist id="{}">{}</datalist>', control, listed, offered)


def number_widget(low, high, step, stored):
    """A number with its bounds. A stored NaN needs a field of text: a browser would make nothing of it."""
    if isinstance(stored, Decimal) and not stored.is_finite():
        return forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    return forms.NumberInput(attrs={"min": low, "max": high, "step": step, "autocomplete": "off"})
