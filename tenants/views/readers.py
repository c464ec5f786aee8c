import datetime

from django.db.models import F
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from backoffice import keyset
from backoffice.audit_links import sees_people
from backoffice.keyset import BadCursor
from backoffice.models import ReadLog
from tenants.desk.readers import PAGE, SUMMED, readers_of, readings_of
from tenants.views.tabs import VIEW, OrganizationTab

DAYS = 90


class OrganizationReaders(OrganizationTab):
    """Who read of this tenant: transcripts, reveals, recordings, exports and searches. For all who see the tenant, as
    the readers of a conversation are; what was searched or exported is told to those who see all readings.
    """

    slug = "readers"
    label = "Readers"
    permission = VIEW
    template_name = "tenants/organization_readers.html"

    def get(self, request, pk):
        try:
            return super().get(request, pk)
        except BadCursor:
            return HttpResponseRedirect(request.path)

    def context(self):
        params = self.request.GET
        kind = params.get("kind", "") if params.get("kind") in ReadLog.Kind.values else ""
        person = params.get("by", "").replace("\0", "")[:310]
        readings = readings_of(self.object, kind=kind, person=person)
        page = keyset.read_page(readings, F("at"), descending=True, size=PAGE, params=params)
        chosen = {name: value for name, value in (("kind", kind), ("by", person)) if value}
        sees_all = self.request.user.has_perm("backoffice.view_readlog")
        return {
            "page": page,
            "readers": readers_of(self.object, timezone.now() - datetime.timedelta(days=DAYS)),
            "days": DAYS,
            "summed": SUMMED,
            "kinds": [
                {"label": label, "url": query(chosen | {"kind": value}), "current": value == kind}
                for value, label in ReadLog.Kind.choices
            ],
            "kind": kind,
            "person": person,
            "all_kinds_url": query({"by": person} if person else {}) or self.request.path,
            "all_people_url": query({"kind": kind} if kind else {}) or self.request.path,
            "sees_all": sees_all,
            "sees_people": sees_people(self.request.user),
            "list_url": f"{reverse('backoffice:readlog_list')}?organization={self.object.pk}"
            if sees_all
            else "",
            "next_url": place(chosen, page.next),
            "previous_url": place(chosen, page.previous),
        }


def query(chosen):
    return f"?{urlencode(chosen)}" if chosen else ""


def place(chosen, token):
    return f"?{urlencode(chosen)}{'&' if chosen else ''}{token}" if token else ""
