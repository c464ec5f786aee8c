from django.contrib import admin

from backoffice.admin_site import RecordAdmin
from billing import views
from billing.models import (
    Adoption,
    BulkPosting,
    CreditLimit,
    CreditRequest,
    CreditTransaction,
    Price,
    ReconciliationRun,
    Settlement,
    SettlementDay,
    Statement,
    UsageLog,
)


@admin.register(UsageLog)
class UsageLogAdmin(RecordAdmin):
    list_page, record_page = views.UsageLogList, views.UsageLogDetail
    columns = [
        "id",
        "organization",
        "agent",
        "model_used",
        "channel",
        "tokens_used",
        "cost_usd",
        "created_at",
    ]
    list_filter = ["channel"]
    search_help_text = "A model's whole name, or the id of a record, session, organization or agent."


@admin.register(CreditTransaction)
class CreditTransactionAdmin(RecordAdmin):
    list_page, record_page = views.CreditTransactionList, views.CreditTransactionDetail
    columns = ["id", "organization_name", "kind", "amount", "balance_after", "reason", "actor", "created_at"]
    list_filter = ["kind"]
    search_help_text = "An organization's id, or a part of its name, a reference or a reason."


@admin.register(Adoption)
class AdoptionAdmin(RecordAdmin):
    list_page, record_page = views.AdoptionList, views.AdoptionDetail
    columns = ["id", "organization_name", "reason", "reference", "actor", "created_at"]
    search_help_text = "An organization's id, or a part of its name, a reference or a reason."


@admin.register(Statement)
class StatementAdmin(RecordAdmin):
    list_page, record_page = views.StatementList, views.StatementDetail
    columns = ["id", "organization_name", "month", "opening", "closing", "sha256", "actor", "created_at"]
    search_help_text = "An organization's id or a part of its name, or a fingerprint."


@admin.register(BulkPosting)
class BulkPostingAdmin(RecordAdmin):
    list_page, record_page = views.BulkPostingList, views.BulkPostingDetail
    columns = [
        "name",
        "status",
        "kind",
        "row_count",
        "left_out",
        "amount",
        "requested_by_name",
        "requested_at",
    ]
    list_filter = ["status", "kind"]
    search_help_text = "A part of the file's name, its reason, or the name of who checked or decided."


@admin.register(CreditRequest)
class CreditRequestAdmin(RecordAdmin):
    list_page, record_page = views.CreditRequestList, views.CreditRequestDetail
    columns = [
        "id",
        "organization_name",
        "kind",
        "amount",
        "reason",
        "requested_by_name",
        "status",
        "requested_at",
    ]
    list_filter = ["status", "kind"]
    search_help_text = "An organization's id, or a part of its name, a reference or a reason."


@admin.register(CreditLimit)
class CreditLimitAdmin(RecordAdmin):
    list_page, record_page = views.CreditLimitList, views.CreditLimitDetail
    edit_page = views.CreditLimitUpdate
    columns = ["name", "per_posting", "per_day"]
    search_help_text = "A part of the role's name."


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(RecordAdmin):
    list_page, record_page = views.ReconciliationRunList, views.ReconciliationRunDetail
    columns = ["id", "as_of", "actor_name", "drift", "organizations", "ledger_rows", "seconds"]
    search_help_text = "A part of the name of who asked for it."


@admin.register(SettlementDay)
class SettlementDayAdmin(RecordAdmin):
    list_page, record_page = views.SettlementDayList, views.SettlementDayDetail
    columns = ["day", "finished_at", "organizations", "usage_cost", "call_cost", "amount", "actor"]


@admin.register(Settlement)
class SettlementAdmin(RecordAdmin):
    list_page, record_page = views.SettlementList, views.SettlementDetail
    columns = ["id", "organization_name", "day", "usage_cost", "call_cost", "late_cost", "amount"]
    search_help_text = "An organization's id, or a part of its name."


@admin.register(Price)
class PriceAdmin(RecordAdmin):
    list_page, record_page = views.PriceList, views.PriceDetail
    add_page, edit_page = views.PriceCreate, views.PriceUpdate
    columns = ["model", "valid_from", "usd_per_1000"]
    search_help_text = "A part of a model's name."
