"""What the settings of an agent are typed into: lists line by line, kinds to tick, texts with suggestions, numbers."""

from decimal import Decimal

from django import forms


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

    template_name = "components/suggesting.html"

    def __init__(self, suggestions, attrs=None):
        super().__init__(attrs)
        self.suggestions = suggestions

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        listed = f"{context['widget']['attrs'].get('id', name)}_known"
        context["widget"]["attrs"]["list"] = listed
        context["widget"] |= {
            "listed": listed,
            "suggestions": [(value, whose) for whose, values in self.suggestions for value in values],
        }
        return context


def number_widget(low, high, step, stored):
    """A number with its bounds. A stored NaN needs a field of text: a browser would make nothing of it."""
    if isinstance(stored, Decimal) and not stored.is_finite():
        return forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    return forms.NumberInput(attrs={"min": low, "max": high, "step": step, "autocomplete": "off"})
