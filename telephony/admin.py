from django.contrib import admin

from backoffice.admin_site import RecordAdmin
from telephony import views
from telephony.conflicts import RULES
from telephony.models import CallLog, Conflict, PhoneNumber, SipTrunk


@admin.register(SipTrunk)
class SipTrunkAdmin(RecordAdmin):
    """The password is no field: it is replaced by an action of the record's page and read by nobody."""

    list_page, record_page = views.SipTrunkList, views.SipTrunkDetail
    add_page, edit_page, delete_page = views.SipTrunkCreate, views.SipTrunkUpdate, views.SipTrunkDelete
    columns = ["sip_domain", "username", "provider", "organization", "created_at"]
    list_filter = ["provider"]
    search_help_text = "An id, or a part of a domain, user name or organization."


@admin.register(PhoneNumber)
class PhoneNumberAdmin(RecordAdmin):
    list_page, record_page = views.PhoneNumberList, views.PhoneNumberDetail
    add_page, edit_page, delete_page = (
        views.PhoneNumberCreate,
        views.PhoneNumberUpdate,
        views.PhoneNumberDelete,
    )
    columns = ["e164", "organization", "agent", "provider", "status", "created_at"]
    list_filter = ["status", "provider"]
    search_help_text = "A number in any format, an id, or a part of an organization's name."


@admin.register(CallLog)
class CallLogAdmin(RecordAdmin):
    list_page, record_page = views.CallLogList, views.CallLogDetail
    columns = ["direction", "organization", "agent", "duration_seconds", "cost", "status", "created_at"]
    list_filter = ["status", "direction"]
    search_help_text = (
        "A session id, a caller as the carrier sent it, or the id of a call, organization or agent."
    )


class RuleFilter(admin.SimpleListFilter):
    """By the rules there are, rather than by those that stand in the table."""

    title = "rule"
    parameter_name = "rule"

    def lookups(self, request, model_admin):
        return [(name, rule.label) for name, rule in RULES.items()]

    def queryset(self, request, queryset):
        return queryset.filter(rule=self.value()) if self.value() else queryset


@admin.register(Conflict)
class ConflictAdmin(RecordAdmin):
    list_page, record_page = views.ConflictList, views.ConflictDetail
    columns = ["label", "rule", "organization_name", "text", "found_at"]
    list_filter = [RuleFilter]
    search_help_text = (
        "A number as it is stored, the id of a number, trunk or organization, or a part of a name."
    )
