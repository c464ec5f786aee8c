from backoffice import display, generic, keyset
from backoffice.export import ListExport
from backoffice.templatetags.ui import missing
from billing.views import PostCredit
from tenants import forms
from tenants.filters import OrganizationFilter, UserProfileFilter
from tenants.models import Organization, UserProfile
from tenants.tables import OrganizationTable, UserProfileTable


class OrganizationList(generic.ListView):
    model = Organization
    queryset = Organization.objects.select_related("owner")
    table_class = OrganizationTable
    filterset_class = OrganizationFilter
    orders = {
        "created": generic.by_time(),
        "name": generic.Order(keyset.F("name"), rises_first=True),
        "balance": generic.Order(keyset.zero_if_null("credits_balance"), rises_first=True),
    }


class OrganizationExport(ListExport):
    list_view = OrganizationList


class OrganizationDetail(generic.DetailView):
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


class UserProfileList(generic.ListView):
    model = UserProfile
    table_class = UserProfileTable
    filterset_class = UserProfileFilter
    orders = {
        "created": generic.by_time(),
        "email": generic.Order(keyset.F("email"), rises_first=True),
    }


class UserProfileExport(ListExport):
    list_view = UserProfileList


class UserProfileDetail(generic.DetailView):
    model = UserProfile
    fields = [
        ("Person", ["email", "full_name", "company_name", "phone_number", "avatar_url", "id"]),
        ("Plan", ["subscription_tier", "stripe_customer_id", "stripe_subscription_id"]),
        ("Times", ["created_at", "updated_at", "organizations"]),
    ]
    related = [("Legacy chats", "agents:chatsession_list", "profile", "chat_sessions")]

    def may_edit(self):
        return self.can("change") or self.request.user.has_perm("tenants.change_tier")

    def show_organizations(self, obj):
        return "Owns", display.links(obj.organizations.all()[:20])

    def warnings(self):
        if self.object.organizations.count() > 1:
            yield "This person owns several organizations: the tier stands here, the credits on each organization."
        if self.object.subscription_tier == UserProfile.Tier.ENTERPRISE:
            yield "The platform's own quota check knows only “pro”: enterprise gets the free limit."


class UserProfileCreate(generic.CreateView):
    model = UserProfile
    form_class = forms.UserProfileAddForm


class UserProfileUpdate(generic.UpdateView):
    """Support changes the person, finance the plan, admins both: the form leaves out what is not one's own."""

    model = UserProfile
    form_class = forms.UserProfileForm

    def may_open(self, user):
        return super().may_open(user) or user.has_perm("tenants.change_tier")


class UserProfileDelete(generic.DeleteView):
    model = UserProfile
