import django_filters
from django.db.models import Exists, OuterRef

from agents.models import Label, Sample, SampleItem
from backoffice.filters import DayFilter, FilterSet


class LabelFilter(FilterSet):
    search_fields = ["name", "meaning"]
    state = django_filters.ChoiceFilter(
        method="by_state",
        choices=[("offered", "Offered"), ("retired", "Retired")],
        label="State",
        empty_label="Any",
    )

    class Meta:
        model = Label
        fields = []

    def by_state(self, queryset, name, value):
        return queryset.filter(is_retired=value == "retired")


class SampleFilter(FilterSet):
    search_fields = ["name", "seed__exact"]
    state = django_filters.ChoiceFilter(
        method="by_state",
        choices=[("open", "With conversations to review"), ("done", "All reviewed")],
        label="State",
        empty_label="Any",
    )
    since = DayFilter("created_at", label="From")
    until = DayFilter("created_at", label="Until", until=True)

    class Meta:
        model = Sample
        fields = []

    def by_state(self, queryset, name, value):
        waiting = Exists(SampleItem.objects.filter(sample=OuterRef("pk"), reviewed_at=None))
        return queryset.filter(waiting if value == "open" else ~waiting)
