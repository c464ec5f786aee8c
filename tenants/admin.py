from django.contrib import admin

from backoffice.admin_site import RecordAdmin
from tenants import views
from tenants.health import KINDS
from tenants.models import AttentionItem, Note, Organization, UserProfile


@admin.register(Organization)
class OrganizationAdmin(RecordAdmin):
    list_page, record_page = views.OrganizationList, views.OrganizationRecord
    add_page, edit_page, delete_page = (
        views.OrganizationCreate,
        views.OrganizationUpdate,
        views.OrganizationDelete,
    )
    columns = ["name", "owner", "credits_balance", "created_at"]
    search_help_text = "An id, or a part of a name, the owner's name or mail address."


@admin.register(UserProfile)
class UserProfileAdmin(RecordAdmin):
    list_page, record_page = views.UserProfileList, views.UserProfileDetail
    add_page, edit_page, delete_page = (
        views.UserProfileCreate,
        views.UserProfileUpdate,
        views.UserProfileDelete,
    )
    columns = ["email", "full_name", "company_name", "subscription_tier", "created_at"]
    list_filter = ["subscription_tier"]
    search_help_text = "An id, a Stripe id, a telephone number, or a part of a name or mail address."


@admin.register(Note)
class NoteAdmin(RecordAdmin):
    """Changed and deleted on the staff pages alone, which know whose note it is."""

    list_page, record_page, add_page = views.NoteList, views.NoteDetail, views.NoteCreate
    columns = ["text", "organization", "author_name", "created_at"]
    search_help_text = "Beginnings of words of the note."


class KindFilter(admin.SimpleListFilter):
    """By the kinds there are, rather than by those that stand in the table, which would have to be read for that."""

    title = "sign"
    parameter_name = "kind"

    def lookups(self, request, model_admin):
        return [(name, kind.label) for name, kind in KINDS.items()]

    def queryset(self, request, queryset):
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(AttentionItem)
class AttentionItemAdmin(RecordAdmin):
    list_page, record_page = views.AttentionList, views.AttentionDetail
    columns = ["organization_name", "kind", "text", "first_seen_at", "done_at", "gone_at"]
    list_filter = [KindFilter]
