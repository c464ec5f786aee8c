"""The bar of a question: up to three conditions, tenant, published; and whose values the overview counts."""

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.utils.choices import BaseChoiceIterator, normalize_choices
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from agents.filters.stores import PublishedFilter
from agents.models import Agent
from agents.questions.conditions import ASKED, COMPARISONS, GROUPS, LABELS, Condition
from backoffice.filters import FilterSet, RowFilter
from backoffice.widgets import control
from tenants.models import Organization

WHERE = ("where", "and_", "and_also")


def setting_choices(names=LABELS):
    for group, members in GROUPS:
        options = [(name, LABELS[name]) for name in members if name in names]
        yield from [(group, options)] if group and options else options


class Fixed(BaseChoiceIterator):
    """Choices that stay what they are, so that no form that is made copies each of them, as it does with a list."""

    def __init__(self, choices):
        self.choices = normalize_choices(choices)

    def __iter__(self):
        return iter(self.choices)

    def __deepcopy__(self, memo):
        return self


SETTINGS = Fixed([("", "Any"), *setting_choices()])
NAMES = Fixed(list(LABELS.items()))
COMPARED = Fixed(list(COMPARISONS.items()))


class ConditionWidget(forms.MultiWidget):
    """The three controls of a condition, in one row."""

    use_fieldset = True

    def __init__(self):
        super().__init__(
            {
                "setting": forms.Select(attrs={"aria-label": "Setting"}, choices=SETTINGS),
                "is": forms.Select(attrs={"aria-label": "Comparison"}, choices=COMPARED),
                "value": forms.TextInput(attrs={"aria-label": "Value", "placeholder": "value"}),
            }
        )

    def render(self, name, value, attrs=None, renderer=None):
        parts = self.get_context(name, value, attrs)["widget"]["subwidgets"]
        return format_html('<div class="condition">{}</div>', mark_safe("".join(map(control, parts))))

    def decompress(self, value):
        return [value.setting, value.comparison, value.value] if value else [None, None, None]


class ConditionField(forms.MultiValueField):
    """A Condition out of three controls; None where no setting is chosen."""

    widget = ConditionWidget

    def __init__(self, **kwargs):
        fields = [
            forms.ChoiceField(choices=NAMES, required=False),
            forms.ChoiceField(choices=COMPARED, required=False),
            forms.CharField(required=False, max_length=2000),
        ]
        super().__init__(fields, require_all_fields=False, **kwargs)

    def compress(self, values):
        setting, comparison, value = [*values, "", "", ""][:3]
        if not setting:
            if value:
                raise ValidationError("Choose the setting whose value this is.")
            return None
        return Condition(setting, comparison or "is", value)


class ConditionFilter(django_filters.Filter):
    field_class = ConditionField

    def filter(self, queryset, value):
        return queryset.filter(value.expression()) if value else queryset


class ValuesFilter(django_filters.ChoiceFilter):
    """Whose values the overview counts; narrows nothing."""

    def __init__(self):
        super().__init__(label="Values of", choices=list(setting_choices(ASKED)), empty_label="Not shown")

    def filter(self, queryset, value):
        return queryset


class QuestionFilter(FilterSet):
    search_fields = ["words", "organization__words", "organization_id__id"]
    where = ConditionFilter(label="Where")
    and_ = ConditionFilter(label="and")
    and_also = ConditionFilter(label="and")
    values = ValuesFilter()
    organization = RowFilter(
        field_name="organization", queryset=Organization.objects.all(), label="Organization"
    )
    is_published = PublishedFilter()

    class Meta:
        model = Agent
        fields = []
