from backoffice import display, generic, keyset
from backoffice.page_model import with_names
from backoffice.templatetags.ui import missing
from billing.views import PostCredit
from tenants import forms
from tenants.filters import OrganizationFilter
from tenants.models import Organization
from tenants.tables import OrganizationTable
from tenants.views.care import OrganizationAssign, OrganizationHandOver
from tenants.views.suspension import OrganizationRestore, OrganizationSuspend


class OrganizationList(generic.ListView):
    model = Organization
    queryset = with_names(Organization.objects.with_suspended(), "owner", owner=["subscription_tier"])
    table_class = OrganizationTable
    filterset_class = OrganizationFilter
    orders = {
        "created": generic.by_time(),
        "name": generic.Order(keyset.F("name"), rises_first=True),
        "balance": generic.Order(keyset.zero_if_null("credits_balance"), rises_first=True),
    }
    bulk = (OrganizationAssign, OrganizationHandOver, OrganizationSuspend, OrganizationRestore)


class OrganizationRecord(generic.DetailView):
    """The organization in Django admin; the staff's own page is the tabs (tabs.py)."""

    model = Organization
    queryset = Organization.objects.select_related("owner")
    fields = [
        ("Organization", ["name", "id", "credits_balance", "created_at", "updated_at"]),
        ("Owner", ["owner", "owner_name", "owner_tier", "owner_phone", "other_organizations"]),
    ]
    related = [
        ("Agents", "agents:agent_list", "organization", "agents"),
        ("Phone numbers", "telephony:phonenumber_list", "organization", "phone_numbers"),
        ("SIP trunks", "telephony:siptrunk_list", "organization", "sip_trunks"),
        ("Calls", "telephony:calllog_list", "organization", "calls"),
        ("Usage", "billing:usagelog_list", "organization", "usage_logs"),
        ("Credit ledger", "billing:credittransaction_list", "organization", "credit_transactions"),
    ]

    def actions(self):
        return [("billing:post_credit", PostCredit)]

    def warnings(self):
        if not self.object.has_credit:
            yield "The balance is not above zero: the platform refuses inbound calls to this tenant."
        if self.object.owner is None:
            yield "The owner's login has no profile."

    def of_owner(self, label, name):
        owner = self.object.owner
        return label, display.present(owner, name, self.request.user)["value"] if owner else missing(None)

    def show_owner_name(self, obj):
        return self.of_owner("Name", "full_name")

    def show_owner_tier(self, obj):
        return self.of_owner("Tier", "subscription_tier")

    def show_owner_phone(self, obj):
        return self.of_owner("Phone", "phone_number")

    def show_other_organizations(self, obj):
        others = Organization.objects.filter(owner_id=obj.owner_id).exclude(pk=obj.pk)[:10]
        return "Other organizations", display.links(others)


class OrganizationCreate(generic.CreateView):
    model = Organization
    form_class = forms.OrganizationAddForm


class OrganizationUpdate(generic.UpdateView):
    model = Organization
    form_class = forms.OrganizationForm


class OrganizationDelete(generic.DeleteView):
    model = Organization
