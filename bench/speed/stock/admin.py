"""A ModelAdmin per table, with the options that everybody sets, and none that minds how large the tables are."""

import csv
import io
from itertools import islice

from django.contrib import admin
from django.http import StreamingHttpResponse

from bench.speed.stock import models

EXPORTED = 100_000


@admin.action(description="Export as CSV")
def export_csv(modeladmin, request, queryset):
    """The newest rows as a file. Stock Django has no export; this is the action that people add, streamed, and with
    the plain values of the columns, so that it has no query per row.
    """
    names = [field.attname for field in queryset.model._meta.fields]
    rows = islice(queryset.values_list(*names).iterator(), EXPORTED)
    return StreamingHttpResponse(parts(rows), content_type="text/csv")


def parts(rows):
    while some := list(islice(rows, 1_000)):
        text = io.StringIO()
        csv.writer(text).writerows(some)
        yield text.getvalue()


class Stock(admin.ModelAdmin):
    list_per_page = 50
    ordering = ["-created_at", "-id"]
    actions = [export_csv]


@admin.register(models.Organization)
class OrganizationAdmin(Stock):
    list_display = ["name", "owner_id", "credits_balance", "created_at"]
    search_fields = ["name"]
    date_hierarchy = "created_at"


@admin.register(models.UserProfile)
class UserProfileAdmin(Stock):
    list_display = ["email", "full_name", "company_name", "phone_number", "subscription_tier", "created_at"]
    list_filter = ["subscription_tier"]
    search_fields = ["email", "full_name"]


@admin.register(models.Agent)
class AgentAdmin(Stock):
    list_display = [
        "name",
        "organization",
        "llm_model",
        "voice_provider",
        "is_published",
        "version",
        "created_at",
    ]
    list_filter = ["is_published", "llm_model", "organization"]
    search_fields = ["name"]


class MessageInline(admin.TabularInline):
    model = models.AgentMessage
    extra = 0
    ordering = ["created_at", "id"]


@admin.register(models.AgentSession)
class AgentSessionAdmin(Stock):
    list_display = [
        "session_id", "agent", "agent__organization", "channel", "status", "message_count", "last_activity_at",
        "created_at",
    ]  # fmt: skip
    list_filter = ["channel", "status", "agent__organization"]
    search_fields = ["session_id"]
    date_hierarchy = "created_at"
    inlines = [MessageInline]


@admin.register(models.AgentMessage)
class AgentMessageAdmin(Stock):
    list_display = ["created_at", "session", "role", "content", "tokens_used", "latency_ms", "model_used"]
    list_filter = ["role", "model_used"]
    search_fields = ["content"]
    date_hierarchy = "created_at"


@admin.register(models.CallLog)
class CallLogAdmin(Stock):
    list_display = [
        "created_at", "caller_number", "phone_number", "organization", "agent", "direction", "status",
        "duration_seconds", "cost",
    ]  # fmt: skip
    list_filter = ["direction", "status", "organization"]
    search_fields = ["caller_number"]
    date_hierarchy = "created_at"


@admin.register(models.UsageLog)
class UsageLogAdmin(Stock):
    list_display = ["created_at", "organization", "agent", "channel", "model_used", "tokens_used", "cost_usd"]
    list_filter = ["channel", "model_used", "organization"]
    date_hierarchy = "created_at"


@admin.register(models.CreditTransaction)
class CreditTransactionAdmin(Stock):
    list_display = [
        "id",
        "organization_name",
        "kind",
        "amount",
        "balance_after",
        "reason",
        "actor",
        "created_at",
    ]
    list_filter = ["kind"]
    search_fields = ["organization_name", "reason"]
    ordering = ["-id"]
