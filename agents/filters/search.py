"""Filters of the search in what was said."""

import datetime

import django_filters
from django import forms
from django.core.exceptions import ValidationError

from agents.conversations.find import Wanted
from agents.conversations.hits import ROLES
from agents.conversations.words import LONGEST_QUERY, asked
from agents.filters.conversations import midnight
from agents.models import Conversation, IndexedTurn
from backoffice.filters import DayFilter, FilterSet, KnownValueField, KnownValueFilter


class WordsField(forms.CharField):
    """Gives a words.Asked, or None where nothing was typed."""

    def clean(self, value):
        query = asked(super().clean(value))
        if query.text and not query:
            raise ValidationError("There is no word in this: signs and emoji alone are not searched for.")
        return query or None


class WordsFilter(django_filters.Filter):
    field_class = WordsField


class RoleFilter(django_filters.ChoiceFilter):
    """A role of ROLES, or any other that stands in the JSON of a session."""

    field_class = KnownValueField


class TurnFilter(FilterSet):
    """Only its form is used: what it says becomes a find.Wanted."""

    q = WordsFilter(
        label="Words",
        help_text='All words have to occur in one message. Also: "a phrase", begin*, -without, a whole telephone number'
        " or mail address (which is logged).",
        widget=forms.TextInput(
            attrs={"type": "search", "dir": "auto", "autocomplete": "off", "spellcheck": "false",
                   "maxlength": LONGEST_QUERY}
        ),
    )  # fmt: skip
    channel = KnownValueFilter(choices=Conversation._meta.get_field("channel").choices, label="Channel")
    role = RoleFilter(field_name="role", choices=list(ROLES.items()), label="Said by", empty_label="Anybody")
    since = DayFilter("at", label="From")
    until = DayFilter("at", label="Until", until=True)

    class Meta:
        model = IndexedTurn
        fields = ["organization", "agent"]

    def wanted(self):
        """What the valid fields say, as a Wanted; None where no words are asked for."""
        self.form.is_valid()
        values = self.form.cleaned_data
        if not (query := values.get("q")):
            return None
        organization, agent = values.get("organization"), values.get("agent")
        return Wanted(
            query=query,
            organization=organization and organization.pk,
            agent=agent and agent.pk,
            channel=values.get("channel") or "",
            role=values.get("role") or "",
            since=midnight(values.get("since")),
            until=midnight(day_after(values.get("until"))),
        )


def day_after(day):
    """None for None, and for the last day there is."""
    return day + datetime.timedelta(days=1) if day and day < datetime.date.max else None
