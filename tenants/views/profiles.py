from backoffice import display, generic, keyset
from tenants import forms
from tenants.filters import UserProfileFilter
from tenants.models import UserProfile
from tenants.plans import mismatches_of
from tenants.tables import UserProfileTable
from tenants.views.erasures import UserProfileErase, UserProfileRequestErasure


class UserProfileList(generic.ListView):
    model = UserProfile
    table_class = UserProfileTable
    filterset_class = UserProfileFilter
    orders = {
        "created": generic.by_time(),
        "email": generic.Order(keyset.F("email"), rises_first=True),
    }


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

    def actions(self):
        if self.request.user.has_perm(UserProfileErase.permission):
            return [("tenants:userprofile_erase", UserProfileErase)]
        return [("tenants:userprofile_request_erasure", UserProfileRequestErasure)]

    def show_organizations(self, obj):
        return "Owns", display.links(obj.organizations.all()[:20])

    def warnings(self):
        if self.object.organizations.count() > 1:
            yield "This person owns several organizations: the tier stands here, the credits on each organization."
        yield from mismatches_of(self.object)


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
