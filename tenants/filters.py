import django_filters
from django.db.models import Q

from backoffice.filters import DayFilter, FilterSet
from backoffice.models import User
from tenants.models import Note, Organization, UserProfile

BALANCES = [("positive", "Above zero"), ("zero", "Zero or below"), ("null", "Not set")]
BALANCE_CONDITIONS = {
    "positive": Q(credits_balance__gt=0),
    "zero": Q(credits_balance__lte=0),
    "null": Q(credits_balance=None),
}


class OrganizationFilter(FilterSet):
    search_fields = ["name", "owner__email", "owner__full_name", "owner_id__id"]
    tier = django_filters.ChoiceFilter(
        field_name="owner__subscription_tier",
        choices=UserProfile.Tier.choices,
        label="Tier",
        empty_label="Any",
    )
    balance = django_filters.ChoiceFilter(
        method="by_balance", choices=BALANCES, label="Balance", empty_label="Any"
    )
    since = DayFilter("created_at", label="Created from")
    until = DayFilter("created_at", label="Created until", until=True)

    class Meta:
        model = Organization
        fields = []

    def by_balance(self, queryset, name, value):
        return queryset.filter(BALANCE_CONDITIONS[value])


class UserProfileFilter(FilterSet):
    search_fields = [
        "email",
        "full_name",
        "company_name",
        "phone_number__digits",
        "stripe_customer_id__exact",
    ]
    since = DayFilter("created_at", label="Created from")

    class Meta:
        model = UserProfile
        fields = ["subscription_tier"]


class NoteFilter(FilterSet):
    q = django_filters.CharFilter(method="by_words", label="Search")
    author = django_filters.ModelChoiceFilter(
        queryset=User.objects.order_by("first_name", "last_name", "email"),
        label="Written by",
        empty_label="Anybody",
    )
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
