import django_filters

from backoffice.filters import DayFilter, FilterSet
from billing.models import CreditTransaction, UsageLog


class CreditTransactionFilter(FilterSet):
    search_fields = ["organization_name", "reference", "reason", "organization_id__id"]
    since = DayFilter("created_at", label="From")
    until = DayFilter("created_at", label="Until", until=True)

    class Meta:
        model = CreditTransaction
        fields = ["organization", "kind"]


class UsageLogFilter(FilterSet):
    search_fields = ["model_used__exact", "session_id__id", "organization_id__id", "agent_id__id"]
    priced = django_filters.ChoiceFilter(
        method="by_price",
        choices=[("no", "Without cost"), ("yes", "With cost")],
        label="Cost",
        empty_label="Any",
    )
    since = DayFilter("created_at", label="From")
    until = DayFilter("created_at", label="Until", until=True)

    class Meta:
        model = UsageLog
        fields = ["organization", "agent", "channel"]

    def by_price(self, queryset, name, value):
        return queryset.unpriced() if value == "no" else queryset.filter(cost_usd__gt=0)
