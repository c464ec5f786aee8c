import datetime

import django_filters
from django.db.models import Q

from backoffice.filters import DateInput, DayFilter, FilterSet, KnownValueFilter, RowFilter, UtcDayFilter
from backoffice.models import Figure, User
from tenants.forecast import HAS_CREDIT, NOT_A_NUMBER
from tenants.health import KINDS
from tenants.models import AttentionItem, Care, Erasure, Follow, Note, Organization, UserProfile
from tenants.plans import PLAN_MISMATCHES, STRIPE, any_mismatch

# NaN, which PostgreSQL takes for more than any number, is no balance.
BALANCES = [("positive", "Above zero"), ("zero", "Zero or below"), ("null", "Not set")]
BALANCE_CONDITIONS = {
    "positive": HAS_CREDIT,
    "zero": Q(credits_balance__lte=0),
    "null": Q(credits_balance=None) | Q(credits_balance=NOT_A_NUMBER),
}


def me(filterset):
    """The id of who looks at a list."""
    return filterset.request.user.pk


class OrganizationFilter(FilterSet):
    search_fields = ["words", "owner__words", "owner_id__id"]
    rare = ("suspended", "since", "until", "from_day", "to_day", "active_from", "active_to")
    tier = KnownValueFilter(
        field_name="owner__subscription_tier", choices=UserProfile.Tier.choices, label="Tier"
    )
    balance = django_filters.ChoiceFilter(
        method="by_balance", choices=BALANCES, label="Balance", empty_label="Any"
    )
    suspended = django_filters.ChoiceFilter(
        method="by_suspended",
        choices=[("yes", "Suspended"), ("no", "Not suspended")],
        label="Suspended",
        empty_label="Any",
    )
    since = DayFilter("created_at", label="Created from")
    until = DayFilter("created_at", label="Created until", until=True)
    from_day = UtcDayFilter("created_at", label="Created from day (UTC)")
    to_day = UtcDayFilter("created_at", label="Created until day (UTC)", until=True)
    active_from = django_filters.DateFilter(
        method="by_activity", label="Active from day (UTC)", widget=DateInput
    )
    active_to = django_filters.DateFilter(
        method="by_activity", label="Active until day (UTC)", widget=DateInput
    )
    desk = django_filters.ChoiceFilter(
        method="by_desk",
        choices=[
            ("mine", "Assigned to me"),
            ("followed", "Followed by me"),
            ("assigned", "Assigned to somebody"),
        ],
        label="Looked after",
        empty_label="Any",
    )

    class Meta:
        model = Organization
        fields = []

    def by_activity(self, queryset, name, value):
        return queryset

    def filter_queryset(self, queryset):
        """Active is who has usage, calls or conversations on one of the days, as the figures know it."""
        queryset = super().filter_queryset(queryset)
        first, last = (self.form.cleaned_data.get(name) for name in ("active_from", "active_to"))
        if not first and not last:
            return queryset
        days = {"day__gte": first or datetime.date.min, "day__lte": last or datetime.date.max}
        active = Figure.objects.of_active_tenants().filter(**days)
        return queryset.filter(pk__in=active.values("tenant_id"))

    def by_desk(self, queryset, name, value):
        if value == "followed":
            return queryset.filter(pk__in=Follow.objects.filter(user=me(self)).values("organization"))
        who = {"assignee": me(self)} if value == "mine" else {"assignee__isnull": False}
        return queryset.filter(pk__in=Care.objects.filter(**who).values("organization"))

    def by_suspended(self, queryset, name, value):
        return queryset.filter(is_suspended=value == "yes")

    def by_balance(self, queryset, name, value):
        return queryset.filter(BALANCE_CONDITIONS[value])


class UserProfileFilter(FilterSet):
    search_fields = [
        "words",
        "phone_number__digits",
        "stripe_customer_id__exact",
        "stripe_subscription_id__exact",
    ]
    stripe = django_filters.ChoiceFilter(
        method="by_stripe",
        choices=[
            ("subscription", "Subscription"),
            ("customer", "Customer, no subscription"),
            ("none", "Neither"),
        ],
        label="Stripe",
        empty_label="Any",
    )
    plan = django_filters.ChoiceFilter(
        method="by_plan",
        choices=[("any", "Any of these"), *((name, rule.label) for name, rule in PLAN_MISMATCHES.items())],
        label="Tier and Stripe differ",
        empty_label="Does not matter",
    )
    since = DayFilter("created_at", label="Created from")

    class Meta:
        model = UserProfile
        fields = ["subscription_tier"]

    def by_stripe(self, queryset, name, value):
        return queryset.filter(STRIPE[value])

    def by_plan(self, queryset, name, value):
        return queryset.filter(any_mismatch() if value == "any" else PLAN_MISMATCHES[value].condition)


class NoteFilter(FilterSet):
    q = django_filters.CharFilter(method="by_words", label="Search")
    author = RowFilter(queryset=User.objects.all(), label="Written by")
    pinned = django_filters.ChoiceFilter(
        method="by_pinned",
        choices=[("yes", "Pinned"), ("no", "Not pinned")],
        label="Pinned",
        empty_label="Any",
    )
    since = DayFilter("created_at", label="Written from")

    class Meta:
        model = Note
        fields = ["organization"]

    def by_words(self, queryset, name, value):
        return queryset.matching(value)

    def by_pinned(self, queryset, name, value):
        return queryset.filter(pinned_at__isnull=value == "no")


class AttentionFilter(FilterSet):
    """Without a state: what waits."""

    search_fields = ["organization_name", "text", "organization_id__id"]
    rare = ("followed",)
    kind = django_filters.ChoiceFilter(
        choices=[(name, kind.label) for name, kind in KINDS.items()], label="Sign", empty_label="Any"
    )
    assigned = django_filters.ChoiceFilter(
        method="by_assigned",
        choices=[("me", "Me"), ("nobody", "Nobody"), ("somebody", "Somebody")],
        label="Assigned to",
        empty_label="Anybody or nobody",
    )
    followed = django_filters.ChoiceFilter(
        method="by_followed", choices=[("me", "By me")], label="Followed", empty_label="Any"
    )
    state = django_filters.ChoiceFilter(
        method="by_state",
        choices=[("snoozed", "Snoozed"), ("done", "Done"), ("lasting", "All that last"), ("gone", "Gone")],
        label="State",
        empty_label="Waiting",
    )

    class Meta:
        model = AttentionItem
        fields = ["organization"]

    def filter_queryset(self, queryset):
        queryset = super().filter_queryset(queryset)
        return queryset if self.form.cleaned_data.get("state") else queryset.waiting()

    def by_assigned(self, queryset, name, value):
        return queryset.assigned_to(me(self)) if value == "me" else queryset.assigned(value == "somebody")

    def by_followed(self, queryset, name, value):
        return queryset.followed_by(me(self))

    def by_state(self, queryset, name, value):
        return getattr(queryset, value)()


class ErasureFilter(FilterSet):
    search_fields = ["subject", "reason"]
    status = django_filters.ChoiceFilter(choices=Erasure.Status.choices, label="Status", empty_label="Any")
    since = DayFilter("created_at", label="Asked for from")

    class Meta:
        model = Erasure
        fields = []
