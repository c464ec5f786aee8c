import django_filters
from django import forms
from django.db.models import Q

from backoffice.filters import (
    ChannelFilter,
    DateInput,
    DayFilter,
    FilterSet,
    ModelNameFilter,
    MonthFilter,
    NoMonthFilter,
    RowFilter,
    UtcDayFilter,
)
from backoffice.forms import AmountField
from backoffice.models import User
from billing.models import (
    Adoption,
    BulkPosting,
    CreditLimit,
    CreditRequest,
    CreditTransaction,
    Price,
    SettledRow,
    Settlement,
    SettlementDay,
    Statement,
    UsageLog,
)
from tenants.forecast import HAS_CREDIT, NOT_A_NUMBER, days_left
from tenants.models import Organization


class AmountFilter(django_filters.NumberFilter):
    field_class = AmountField


class CreditTransactionFilter(FilterSet):
    search_fields = ["organization_name", "reference", "reason", "organization_id__id"]
    rare = ("kind", "reversed", "amount_from", "amount_to", "who", "db_role", "month")
    outside = django_filters.ChoiceFilter(
        method="by_outside",
        choices=[
            ("unexplained", "Nobody stands for it"),
            ("adopted", "Somebody stands for it"),
            ("any", "All from outside"),
        ],
        label="From outside",
        empty_label="Any",
    )
    direction = django_filters.ChoiceFilter(
        method="by_direction",
        choices=[("in", "Adds"), ("out", "Takes")],
        label="Amount",
        empty_label="Adds or takes",
    )
    since = DayFilter("created_at", label="From")
    until = DayFilter("created_at", label="Until", until=True)
    amount_from = AmountFilter("amount", "gte", label="Amount from")
    amount_to = AmountFilter("amount", "lte", label="Amount to")
    month = MonthFilter("created_at", label="Month (UTC)")
    reversed = django_filters.ChoiceFilter(
        method="by_reversed",
        choices=[("yes", "Something of it"), ("wholly", "All of it"), ("no", "Nothing of it")],
        label="Reversed",
        empty_label="Any",
    )
    who = django_filters.CharFilter("actor", "icontains", label="By")
    db_role = django_filters.CharFilter("db_role", "exact", label="Database role")
    kind = django_filters.MultipleChoiceFilter(
        choices=CreditTransaction.Kind.choices,
        distinct=False,
        widget=forms.CheckboxSelectMultiple,
        label="Kind",
    )

    class Meta:
        model = CreditTransaction
        fields = ["organization"]

    def by_outside(self, queryset, name, value):
        return {
            "unexplained": queryset.unexplained,
            "adopted": queryset.adopted,
            "any": queryset.outside,
        }[value]()

    def by_direction(self, queryset, name, value):
        return queryset.filter(amount__gt=0) if value == "in" else queryset.filter(amount__lt=0)

    def by_reversed(self, queryset, name, value):
        condition = queryset.reversal(wholly=value == "wholly")
        return queryset.filter(~condition if value == "no" else condition)


class AdoptionFilter(FilterSet):
    search_fields = ["organization_name", "reference", "reason", "organization_id__id"]
    since = DayFilter("created_at", label="From")
    until = DayFilter("created_at", label="Until", until=True)

    class Meta:
        model = Adoption
        fields = ["organization"]


# {value: (label, the rule in words, condition)}; NaN, which PostgreSQL takes for more than any number, is in none but
# its own and the empty ones.
BALANCES = {
    "gone": (
        "At or under zero",
        "The balance is zero or less: calls are refused (402).",
        Q(credits_balance__lte=0),
    ),
    "negative": ("Under zero", "The balance is less than zero.", Q(credits_balance__lt=0)),
    "empty": (
        "Empty",
        "The balance is exactly zero, not set, or no number: calls are refused, or end in a server error.",
        Q(credits_balance=0) | Q(credits_balance=None) | Q(credits_balance=NOT_A_NUMBER),
    ),
    "null": (
        "Not set",
        "The balance is not set (NULL) or no number (NaN): calls end in a server error.",
        Q(credits_balance=None) | Q(credits_balance=NOT_A_NUMBER),
    ),
    "positive": ("Above zero", "The balance is more than zero: calls are taken.", HAS_CREDIT),
}


class BalanceFilter(FilterSet):
    search_fields = ["words", "owner__words", "owner_id__id"]
    balance = django_filters.ChoiceFilter(
        method="by_balance",
        choices=[(name, label) for name, (label, _, _) in BALANCES.items()],
        label="Balance",
        empty_label="Any",
    )
    under = AmountFilter("credits_balance", "lt", label="Balance under")
    days28 = AmountFilter(method="by_days", label="Days left (28) under")
    days7 = AmountFilter(method="by_days", label="Days left (7) under")
    spends = django_filters.ChoiceFilter(
        method="by_spending",
        choices=[("yes", "In the last 28 days"), ("no", "Not in the last 28 days")],
        label="Spent something",
        empty_label="Any",
    )

    class Meta:
        model = Organization
        fields = []

    def by_balance(self, queryset, name, value):
        return queryset.filter(BALANCES[value][2])

    def by_days(self, queryset, name, value):
        return queryset.alias(**{name: days_left(int(name.removeprefix("days")))}).filter(
            **{f"{name}__lt": value}
        )

    def by_spending(self, queryset, name, value):
        return queryset.filter(forecast__isnull=value == "no")


class SettledRowsFilter(FilterSet):
    """Usage records or calls (`source`) by how they were settled: with which settlement or day, for which day, and
    whether at an estimate. What is given holds together, of one row of a settlement.
    """

    source = ""
    from_day = UtcDayFilter("created_at", label="From day (UTC)")
    to_day = UtcDayFilter("created_at", label="Until day (UTC)", until=True)
    settlement = django_filters.NumberFilter(
        method="together", label="Settlement", min_value=1, max_value=2**63 - 1, decimal_places=0
    )
    settled_on = django_filters.DateFilter(
        method="together", label="Settled with day (UTC)", widget=DateInput
    )
    settled_day = django_filters.DateFilter(
        method="together", label="Settled for day (UTC)", widget=DateInput
    )
    estimated = django_filters.ChoiceFilter(
        method="together",
        choices=[("yes", "As an estimate"), ("no", "At its cost")],
        label="Settled as",
        empty_label="Any",
    )

    def together(self, queryset, name, value):
        return queryset

    def filter_queryset(self, queryset):
        queryset = super().filter_queryset(queryset)
        values = self.form.cleaned_data
        rows = {
            "settlement": values.get("settlement"),
            "settlement__day": values.get("settled_on"),
            "day": values.get("settled_day"),
            "is_estimated": {"yes": True, "no": False}.get(values.get("estimated")),
        }
        rows = {name: value for name, value in rows.items() if value is not None}
        if not rows:
            return queryset
        settled = SettledRow.objects.filter(source=self.source, **rows)
        return queryset.filter(pk__in=settled.values("row_id"))


class UsageLogFilter(SettledRowsFilter):
    source = SettledRow.Source.USAGE
    search_fields = ["model_used__named", "session_id__id", "organization_id__id", "agent_id__id"]
    priced = django_filters.ChoiceFilter(
        method="by_price",
        choices=[
            ("no", "Without cost"),
            ("none", "Tokens, no cost recorded"),
            ("yes", "With cost"),
            ("odd", "Below zero, or not a number"),
        ],
        label="Cost",
        empty_label="Any",
    )
    since = DayFilter("created_at", label="From")
    until = DayFilter("created_at", label="Until", until=True)
    month = MonthFilter("created_at", label="Month (UTC)")
    model = ModelNameFilter("model_used", label="Model")
    channel = ChannelFilter("channel", choices=UsageLog.Channel.choices, label="Channel")
    time = NoMonthFilter("created_at")
    settled = django_filters.ChoiceFilter(
        method="by_settlement",
        choices=[("waiting", "Not yet, of days that are over"), ("yes", "Settled")],
        label="Settled",
        empty_label="Any",
    )

    class Meta:
        model = UsageLog
        fields = ["organization", "agent"]

    rare = (
        "model",
        "time",
        "settled",
        "from_day",
        "to_day",
        "settlement",
        "settled_on",
        "settled_day",
        "estimated",
    )

    def by_price(self, queryset, name, value):
        named = {
            "no": queryset.unpriced,
            "none": queryset.uncosted,
            "yes": queryset.priced,
            "odd": queryset.odd_costs,
        }
        return named[value]()

    def by_settlement(self, queryset, name, value):
        return queryset.unsettled() if value == "waiting" else queryset.settled()


class StatementFilter(FilterSet):
    search_fields = ["organization_name", "sha256", "organization_id__id"]
    month = MonthFilter("month", label="Month")

    class Meta:
        model = Statement
        fields = ["organization"]


class BulkPostingFilter(FilterSet):
    WAITING_FOR_ME = "mine"

    search_fields = ["name", "reason", "requested_by_name", "decided_by_name"]
    status = django_filters.ChoiceFilter(
        method="by_state",
        choices=[(WAITING_FOR_ME, "Waiting for me"), *BulkPosting.Status.choices],
        label="Status",
        empty_label="Any",
    )
    since = DayFilter("requested_at", label="Checked from")
    until = DayFilter("requested_at", label="Until", until=True)

    class Meta:
        model = BulkPosting
        fields = ["kind"]

    def by_state(self, queryset, name, value):
        if value == self.WAITING_FOR_ME:
            return queryset.waiting_for(self.request.user)
        return queryset.in_state(value)


class CreditRequestFilter(FilterSet):
    """Without a state: what waits."""

    search_fields = ["organization_name", "reference", "reason", "organization_id__id"]
    rare = ("since", "until")
    state = django_filters.ChoiceFilter(
        method="by_state",
        choices=[
            ("mine", "Waiting, asked by me"),
            ("for_me", "Waiting, asked by others"),
            ("expired", "Expired"),
            *CreditRequest.Status.choices[1:],
            ("all", "All"),
        ],
        label="State",
        empty_label="Waiting",
    )
    requester = RowFilter(queryset=User.objects.all(), method="by_requester", label="Asked by")
    since = DayFilter("requested_at", label="Asked from")
    until = DayFilter("requested_at", label="Asked until", until=True)

    class Meta:
        model = CreditRequest
        fields = ["kind", "organization"]

    def filter_queryset(self, queryset):
        queryset = super().filter_queryset(queryset)
        return queryset if self.form.cleaned_data.get("state") else queryset.waiting()

    def by_state(self, queryset, name, value):
        if value == "mine":
            return queryset.waiting().filter(requested_by=self.request.user.pk)
        if value == "for_me":
            return queryset.decidable_by(self.request.user)
        if value == "expired":
            return queryset.expired()
        return queryset if value == "all" else queryset.filter(status=value)

    def by_requester(self, queryset, name, user):
        return queryset.filter(requested_by=user.pk)


class CreditLimitFilter(FilterSet):
    search_fields = ["name"]

    class Meta:
        model = CreditLimit
        fields = []


class SettlementDayFilter(FilterSet):
    state = django_filters.ChoiceFilter(
        method="by_state", choices=[("open", "Not finished"), ("late", "With rows of days before")],
        label="State", empty_label="Any",
    )  # fmt: skip
    since = django_filters.DateFilter("day", "gte", label="From", widget=DateInput)
    until = django_filters.DateFilter("day", "lte", label="Until", widget=DateInput)

    class Meta:
        model = SettlementDay
        fields = []

    def by_state(self, queryset, name, value):
        return queryset.filter(finished_at=None) if value == "open" else queryset.exclude(late_cost=0)


class SettlementFilter(FilterSet):
    search_fields = ["organization_name", "organization_id__id"]
    day = django_filters.DateFilter("day", label="Day", widget=DateInput)
    contains = django_filters.ChoiceFilter(
        method="by_content",
        choices=[
            ("late", "Rows of days before"),
            ("estimated", "Estimates"),
            ("back", "Credits given back"),
            ("nothing", "Nothing to post"),
        ],
        label="Contains",
        empty_label="Anything",
    )

    class Meta:
        model = Settlement
        fields = ["organization"]

    def by_content(self, queryset, name, value):
        return {
            "late": queryset.exclude(late_cost=0),
            "estimated": queryset.exclude(estimated_cost=0),
            "back": queryset.filter(amount__lt=0),
            "nothing": queryset.filter(amount=0),
        }[value]


class PriceFilter(FilterSet):
    search_fields = ["model"]

    class Meta:
        model = Price
        fields = []
