from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.http import urlencode

from backoffice import generic
from backoffice.page_model import with_names
from backoffice.templatetags.ui import missing, time_tag, timeago_tag
from telephony import forms, services
from telephony.conflicts.shown import conflicts_of_trunk
from telephony.filters import SipTrunkFilter
from telephony.models import PhoneNumber, SipTrunk
from telephony.tables import SipTrunkTable
from telephony.trunks import MOST_COPIES, password_copies, password_event

SHOWN = 25


class SipTrunkList(generic.ListView):
    model = SipTrunk
    queryset = with_names(SipTrunk.objects.all(), "organization")
    table_class = SipTrunkTable
    filterset_class = SipTrunkFilter
    orders = {"created": generic.by_time()}

    def row_context(self, rows):
        return {"with_password": services.trunks_with_password(rows)}


class SipTrunkPassword(generic.ActionView):
    model = SipTrunk
    service = staticmethod(services.set_trunk_password)
    form_class = forms.TrunkPasswordForm
    label = "Replace password"
    icon = "key-round"
    explanation = "The trunk works with the new password from then on. Change it at the provider, too."
    success = "The password of {object} was replaced."

    def get_form(self, **kwargs):
        return super().get_form(trunk=self.object, **kwargs)


class SipTrunkRemovePassword(generic.ActionView):
    model = SipTrunk
    service = staticmethod(services.remove_trunk_password)
    label = "Remove password"
    icon = "key-square"
    danger = True
    explanation = (
        "Without a password nobody can sign in with this trunk. It cannot be put back: nobody can read it."
    )
    success = "The password of {object} was removed."

    @classmethod
    def applies_to(cls, obj):
        known = getattr(obj, "has_password", None)  # as its page read it
        return bool(services.trunks_with_password([obj])) if known is None else known


class SipTrunkDetail(generic.DetailView):
    model = SipTrunk
    queryset = SipTrunk.objects.select_related("organization")
    fields = ["provider", "sip_domain", "username", "password", "rotated", "organization", "created_at", "id"]

    @cached_property
    def has_password(self):
        self.object.has_password = bool(services.trunks_with_password([self.object]))
        return self.object.has_password

    def actions(self):
        return [
            ("telephony:siptrunk_password", SipTrunkPassword),
            ("telephony:siptrunk_remove_password", SipTrunkRemovePassword),
        ]

    @cached_property
    def event(self):
        return password_event(self.object)

    def show_password(self, trunk):
        return "Password", "set, not readable" if self.has_password else missing(None)

    def show_rotated(self, trunk):
        if self.event is None:
            return "Password last replaced", missing("", "not on record")
        deed = "removed " if self.event.new.get("password") is None else ""
        deed = "set with the trunk " if self.event.action == "insert" else deed
        return "Password last replaced", format_html(
            "{}{} ({}) by {}", deed, timeago_tag(self.event.at), time_tag(self.event.at), self.event.actor
        )

    def extra_context(self):
        user, trunk = self.request.user, self.object
        context = {"conflicts": conflicts_of_trunk(trunk, user)}
        if trunk.organization_id and user.has_perm("telephony.view_phonenumber"):
            numbers = PhoneNumber.objects.select_related("agent").filter(
                organization=trunk.organization_id, provider=trunk.provider
            )
            query = urlencode({"organization": trunk.organization_id, "provider": trunk.provider})
            context |= {
                "numbers": list(numbers.order_by("e164")[:SHOWN]),
                "numbers_url": f"{reverse('telephony:phonenumber_list')}?{query}",
            }
        if user.has_perm("agents.view_agent"):
            found = password_copies(trunk)
            context |= {"copies": found[:MOST_COPIES], "more_copies": len(found) > MOST_COPIES}
        return context

    def warnings(self):
        if self.object.organization_id is None:
            yield "This trunk is the platform's own: no tenant sees it."


class SipTrunkCreate(generic.CreateView):
    model = SipTrunk
    form_class = forms.SipTrunkForm


class SipTrunkUpdate(generic.UpdateView):
    model = SipTrunk
    form_class = forms.SipTrunkForm


class SipTrunkDelete(generic.DeleteView):
    model = SipTrunk
