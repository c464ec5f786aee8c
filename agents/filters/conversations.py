"""Filters of the list of all conversations."""

import datetime

import django_filters
from django.db import models
from django.utils import timezone

from agents.models import Conversation, Flag, Label
from agents.models.conversations import Outcome
from backoffice.filters import ChannelFilter, DayFilter, FilterSet, NoMonthFilter, RowFilter, UtcDayFilter
from backoffice.keyset import newest

REVIEWED = [("yes", "Reviewed"), ("no", "Not reviewed yet"), *Outcome.choices]


class Overlaps(models.Func):
    """Whether a conversation took place at some moment of [since, until); the index conversation_span answers it."""

    template = (
        "(tstzrange(coalesce(started_at, '-infinity'), coalesce(greatest(started_at, last_at), '-infinity'), '[]')"
        " && tstzrange(%(expressions)s, '[)'))"
    )
    output_field = models.BooleanField()
    conditional = True

    def __init__(self, since, until):
        moments = [models.Value(moment, models.DateTimeField(null=True)) for moment in (since, until)]
        super().__init__(*[models.functions.Cast(moment, models.DateTimeField()) for moment in moments])


class FromTo(django_filters.NumberFilter):
    """One end of a range of a figure, both ends included."""

    def __init__(self, field_name, label, *, end, **kwargs):
        lookup = {"from": "gte", "to": "lte"}[end]
        super().__init__(field_name=field_name, lookup_expr=lookup, label=label, **kwargs)
        self.extra["min_value"], self.extra["max_value"] = 0, 10**12


class LabelFilter(RowFilter):
    """Conversations with a label, on themselves or on one of their turns."""

    def filter(self, queryset, value):
        return queryset.filter(labels__contains=[value.pk]) if value else queryset


class ConversationFilter(FilterSet):
    """`since` and `until` find what took place in between, also what began before or ended after."""

    search_fields = [
        "external_id__exact", "source_id__id", "agent_id__id", "organization_id__id", "organization__found",
        "caller__digits",
    ]  # fmt: skip
    rare = (
        "caller", "length_from", "length_to", "stored_from", "stored_to", "tokens_from", "tokens_to",
        "cost_from", "cost_to", "from_day", "to_day", "failed", "shared", "time",
    )  # fmt: skip

    channel = ChannelFilter(
        "channel", choices=Conversation._meta.get_field("channel").choices, label="Channel"
    )
    flag = django_filters.ChoiceFilter(
        method="by_flag", choices=[*Flag.choices, ("none", "Nothing odd")], label="Flag", empty_label="Any"
    )
    since = DayFilter("started_at", label="From")
    until = DayFilter("last_at", label="Until", until=True)
    review = django_filters.ChoiceFilter(
        method="by_review", choices=REVIEWED, label="Review", empty_label="Any"
    )
    label = LabelFilter(field_name="labels", queryset=Label.objects.all(), label="Label")
    caller = django_filters.ChoiceFilter(
        method="by_caller",
        choices=[("yes", "With caller"), ("no", "Without caller")],
        label="Caller",
        empty_label="Any",
    )
    from_day = UtcDayFilter("started_at", label="Began from day (UTC)")
    to_day = UtcDayFilter("started_at", label="Began until day (UTC)", until=True)
    time = NoMonthFilter("started_at")
    failed = django_filters.ChoiceFilter(
        method="by_failure",
        choices=[("yes", "Never began, or an error as reply")],
        label="Failed",
        empty_label="Any",
    )
    shared = django_filters.ChoiceFilter(
        method="by_shared",
        choices=[("no", "Of one tenant alone"), ("yes", "Of no single tenant")],
        label="Shared",
        empty_label="Any",
    )
    length_from = FromTo("length_seconds", "Length from (s)", end="from")
    length_to = FromTo("length_seconds", "Length to (s)", end="to")
    stored_from = FromTo("stored", "Messages from", end="from")
    stored_to = FromTo("stored", "Messages to", end="to")
    tokens_from = FromTo("tokens", "Tokens from", end="from")
    tokens_to = FromTo("tokens", "Tokens to", end="to")
    cost_from = FromTo("cost_usd", "Cost from (USD)", end="from", decimal_places=4)
    cost_to = FromTo("cost_usd", "Cost to (USD)", end="to", decimal_places=4)

    class Meta:
        model = Conversation
        fields = ["channel", "status", "organization", "agent"]

    def filter_queryset(self, queryset):
        since, until = (self.form.cleaned_data.pop(name, None) for name in ("since", "until"))
        if since and until and until < since:
            self.form.add_error(
                "until", "This day is before “From”: nothing can have taken place in between."
            )
            since = until = None
        queryset = super().filter_queryset(queryset)
        self.form.cleaned_data |= {"since": since, "until": until}
        if since or until:
            since, until = midnight(since), midnight(until, days=1)
            queryset = queryset.alias(overlaps=Overlaps(since, until)).filter(overlaps=True)
            if until:  # said again in the words of the list's order, so that reading begins there
                queryset = queryset.alias(began=newest("started_at")).filter(began__lt=until)
            if since:  # what has no time at all took place at none
                queryset = queryset.exclude(started_at=None, last_at=None)
        return queryset

    def by_flag(self, queryset, name, value):
        if value == "none":
            return queryset.filter(flags=[]).not_stale()
        return queryset.flagged(value)

    def by_review(self, queryset, name, value):
        if value in ("yes", "no"):
            return queryset.filter(outcome__isnull=value == "no")
        return queryset.filter(outcome=value)

    def by_failure(self, queryset, name, value):
        return queryset.filter(flags__overlap=[Flag.FAILED_START, Flag.ERRORS])

    def by_shared(self, queryset, name, value):
        shared = models.Q(flags__contains=[Flag.SHARED])
        return queryset.filter(shared | models.Q(organization=None) if value == "yes" else ~shared)

    def by_caller(self, queryset, name, value):
        return queryset.filter(caller__isnull=value == "no")


def midnight(day, days=0):
    """The beginning of a day in the reader's zone, or of one so many days later; None for None, and for days that no
    time has.
    """
    if day is None:
        return None
    try:
        day += datetime.timedelta(days=days)
        return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))
    except (OverflowError, ValueError):
        return None
