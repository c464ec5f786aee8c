import django_filters

from backoffice.filters import DayFilter, FilterSet, MonthFilter, NoMonthFilter
from billing.filters import SettledRowsFilter
from telephony.conflicts.rules import PLACES, RULES
from telephony.corrections import corrected
from telephony.models import CallLog, Conflict, PhoneNumber, SipTrunk

CALL_PROBLEMS = [
    ("stale", "Stale: never closed"),
    ("never_closed", "Never closed, or marked so"),
    ("failed", "Failed or busy"),
    ("zero", "Duration zero"),
    ("no_cost", "Without cost"),
    ("corrected", "Corrected by staff"),
]
PROBLEMS = [("unassigned", "Without agent"), ("mismatched", "Another tenant's agent")]


class PhoneNumberFilter(FilterSet):
    search_fields = ["e164__digits", "provider_sid__exact", "organization__words"]
    problem = django_filters.ChoiceFilter(
        method="by_problem", choices=PROBLEMS, label="Problem", empty_label="Any"
    )

    class Meta:
        model = PhoneNumber
        fields = ["status", "provider", "organization", "agent"]

    def by_problem(self, queryset, name, value):
        return queryset.mismatched() if value == "mismatched" else queryset.filter(agent=None)


class SipTrunkFilter(FilterSet):
    search_fields = ["sip_domain", "username", "organization__words"]

    class Meta:
        model = SipTrunk
        fields = ["provider", "organization"]


class CallLogFilter(SettledRowsFilter):
    source = "call"
    search_fields = ["session_ref__exact", "caller_number__digits", "organization_id__id", "agent_id__id"]
    problem = django_filters.ChoiceFilter(
        method="by_problem", choices=CALL_PROBLEMS, label="Problem", empty_label="Any"
    )
    since = DayFilter("created_at", label="From")
    until = DayFilter("created_at", label="Until", until=True)
    month = MonthFilter("created_at", label="Month (UTC)")
    numbered = django_filters.ChoiceFilter(
        method="by_number", choices=[("no", "Without number")], label="Number on record", empty_label="Any"
    )
    time = NoMonthFilter("created_at")
    rare = ("numbered", "time", "from_day", "to_day", "settlement", "settled_on", "settled_day", "estimated")

    class Meta:
        model = CallLog
        fields = ["status", "direction", "organization", "agent", "phone_number"]

    def by_problem(self, queryset, name, value):
        return corrected(queryset) if value == "corrected" else getattr(queryset, value)()

    def by_number(self, queryset, name, value):
        return queryset.filter(phone_number=None)


class ConflictFilter(FilterSet):
    search_fields = ["label__digits", "organization_name", "organization_id__id", "subject_id__id"]
    rule = django_filters.ChoiceFilter(
        method="by_rule",
        choices=[(name, rule.label) for name, rule in RULES.items()],
        label="Rule",
        empty_label="Any",
    )

    class Meta:
        model = Conflict
        fields = ["organization"]

    def by_rule(self, queryset, name, value):
        return queryset.filter(place=PLACES[value])
