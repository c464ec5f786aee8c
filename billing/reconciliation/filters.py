import django_filters
from django.db.models import Exists, OuterRef

from backoffice.filters import DayFilter, FilterSet
from billing.models import ReconciliationFinding, ReconciliationRun
from billing.reconciliation.rules import DRIFT, RULES
from billing.reconciliation.runs import latest_run
from tenants.models import Organization

RULE_CHOICES = [("drift", "Drift of any kind")] + [
    (name, rule.label) for name, rule in RULES.items() if name != "outside"
]


def by_rule(findings, rule):
    return findings.filter(rule__in=DRIFT) if rule == "drift" else findings.filter(rule=rule)


class ReconciledFilter(FilterSet):
    """Organizations, by what the last check found at them."""

    search_fields = ["words", "owner__words"]
    found = django_filters.ChoiceFilter(
        method="by_found", choices=RULE_CHOICES, label="Found by the last check", empty_label="Any"
    )

    class Meta:
        model = Organization
        fields = []

    def by_found(self, queryset, name, value):
        findings = ReconciliationFinding.objects.filter(run=latest_run(), organization=OuterRef("pk"))
        return queryset.filter(Exists(by_rule(findings, value)))


class ReconciliationFindingFilter(FilterSet):
    """Findings of the last check, unless another one is named by its number."""

    search_fields = ["organization_name", "organization_id__id"]
    rule = django_filters.ChoiceFilter(
        method="by_rule", choices=RULE_CHOICES, label="Rule", empty_label="Any"
    )
    run = django_filters.NumberFilter(
        method="by_run", label="Check number", min_value=1, max_value=2**63 - 1, decimal_places=0
    )

    class Meta:
        model = ReconciliationFinding
        fields = ["organization"]

    def by_rule(self, queryset, name, value):
        return by_rule(queryset, value)

    def by_run(self, queryset, name, value):
        return queryset.filter(run=int(value))

    def filter_queryset(self, queryset):
        queryset = super().filter_queryset(queryset)
        if self.form.cleaned_data.get("run") is None:
            queryset = queryset.filter(run=latest_run())
        return queryset


class ReconciliationRunFilter(FilterSet):
    search_fields = ["actor_name"]
    drift = django_filters.ChoiceFilter(
        method="by_drift",
        choices=[("yes", "With drift"), ("no", "Without")],
        label="Drift",
        empty_label="Any",
    )
    since = DayFilter("as_of", label="From")
    until = DayFilter("as_of", label="Until", until=True)

    class Meta:
        model = ReconciliationRun
        fields = []

    def by_drift(self, queryset, name, value):
        return queryset.filter(drift__gt=0) if value == "yes" else queryset.filter(drift=0)
