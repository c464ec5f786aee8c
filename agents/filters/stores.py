import django_filters
from django import forms
from django.db.models import Exists, OuterRef

from agents.models import Agent, AgentMessage, AgentSession, ChatMessage, ChatSession, Conversation
from agents.questions.conditions import Condition
from backoffice.figures.periods import use_since
from backoffice.filters import DayFilter, FilterSet, KnownValueFilter, RowFilter, UtcDayFilter
from backoffice.keyset import newest
from tenants.models import Organization


class TenantFilter(RowFilter):
    """Rows that belong to an organization through their agent."""

    def __init__(self, field_name):
        super().__init__(field_name=field_name, queryset=Organization.objects.all(), label="Organization")


class PublishedFilter(django_filters.ChoiceFilter):
    def __init__(self):
        choices = [("true", "Published"), ("false", "Draft")]
        super().__init__(field_name="is_published", choices=choices, label="Published", empty_label="Any")

    def filter(self, queryset, value):
        if not value:
            return queryset
        published = {self.field_name: True}
        return queryset.filter(**published) if value == "true" else queryset.exclude(**published)


def by_effect(queryset, name, value):
    """The agents that have a setting so, as it is in effect; its column may say something else."""
    condition = Condition(name, "empty") if value == "null" else Condition(name, "is", value)
    return queryset.filter(condition.expression())


class AgentFilter(FilterSet):
    search_fields = ["words", "organization__words", "organization_id__id"]
    rare = ("voice_provider", "stt_provider", "use")
    use = django_filters.ChoiceFilter(
        method="by_use",
        choices=[
            ("dead", "Published, without conversation for 30 days"),
            ("draft", "Draft, with conversations in 30 days"),
        ],
        label="Use",
        empty_label="Any",
    )
    is_published = PublishedFilter()
    llm_model = django_filters.CharFilter(label="Model", method=by_effect)
    voice_provider = KnownValueFilter(
        label="Voice provider", choices=Agent.VoiceProvider.choices, method=by_effect
    )
    stt_provider = KnownValueFilter(
        label="Speech-to-text provider", choices=Agent.SttProvider.choices, method=by_effect
    )

    class Meta:
        model = Agent
        fields = ["organization", "llm_model", "voice_provider", "stt_provider", "is_published"]

    def by_use(self, queryset, name, value):
        """As backoffice.figures.periods counts them."""
        since = use_since()
        began = Conversation.objects.alias(began=newest("started_at")).filter(
            agent=OuterRef("pk"), began__gte=since
        )
        if value == "draft":
            return queryset.exclude(is_published=True).filter(Exists(began))
        old = queryset.filter(is_published=True).alias(made=newest("created_at")).filter(made__lt=since)
        return old.filter(~Exists(began))


class AgentSessionFilter(FilterSet):
    search_fields = ["external_id__exact", "agent_id__id"]
    problem = django_filters.ChoiceFilter(
        method="by_problem", choices=[("stale", "Stale: never closed")], label="Problem", empty_label="Any"
    )
    organization = TenantFilter("agent__organization")
    since = DayFilter("created_at", label="From")
    until = DayFilter("created_at", label="Until", until=True)

    class Meta:
        model = AgentSession
        fields = ["status", "channel", "organization", "agent"]

    def by_problem(self, queryset, name, value):
        return queryset.stale()


class AgentMessageFilter(FilterSet):
    search_fields = ["session__external_id__exact", "session__id"]
    session = django_filters.UUIDFilter("session_id", widget=forms.HiddenInput)
    since = DayFilter("created_at", label="From")
    until = DayFilter("created_at", label="Until", until=True)
    latency = django_filters.ChoiceFilter(
        method="by_latency", choices=[("measured", "Measured")], label="Latency", empty_label="Any"
    )
    from_day = UtcDayFilter("created_at", label="From day (UTC)")
    to_day = UtcDayFilter("created_at", label="Until day (UTC)", until=True)
    rare = ("latency", "from_day", "to_day")

    class Meta:
        model = AgentMessage
        fields = ["role", "session"]

    def by_latency(self, queryset, name, value):
        return queryset.filter(latency_ms__gte=0)


class ChatSessionFilter(FilterSet):
    search_fields = ["agent_id__id", "profile_id__id"]
    organization = TenantFilter("agent__organization")
    since = DayFilter("created_at", label="From")
    until = DayFilter("created_at", label="Until", until=True)

    class Meta:
        model = ChatSession
        fields = ["organization", "agent", "profile"]


class ChatMessageFilter(FilterSet):
    search_fields = ["session_id__id"]
    session = django_filters.UUIDFilter("session_id", widget=forms.HiddenInput)
    since = DayFilter("timestamp", label="From")
    until = DayFilter("timestamp", label="Until", until=True)

    class Meta:
        model = ChatMessage
        fields = ["role", "session"]
