from backoffice import generic
from backoffice.templatetags.ui import missing
from telephony import forms, services
from telephony.filters import SipTrunkFilter
from telephony.models import SipTrunk
from telephony.tables import SipTrunkTable


class SipTrunkList(generic.ListView):
    model = SipTrunk
    queryset = SipTrunk.objects.select_related("organization")
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
    success = "The password of {object} was replaced."


class SipTrunkDetail(generic.DetailView):
    model = SipTrunk
    queryset = SipTrunk.objects.select_related("organization")
    fields = ["provider", "sip_domain", "username", "password", "organization", "created_at", "id"]

    def actions(self):
        return [("telephony:siptrunk_password", SipTrunkPassword)]

    def show_password(self, trunk):
        return "Password", "set, not readable" if services.trunks_with_password([trunk]) else missing(None)

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
