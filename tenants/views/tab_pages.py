"""The tabs of the tenant page, in the order of their bar (TABS)."""

from django.http import HttpResponseRedirect

from backoffice import generic, keyset
from backoffice.audit import history
from backoffice.keyset import newest
from tenants.forms import NoteAddForm
from tenants.models import Note, Organization
from tenants.views.tabs import OrganizationTab

SHOWN = 25


class OrganizationOverview(OrganizationTab):
    slug = "overview"
    label = "Overview"
    template_name = "tenants/organization_overview.html"

    def context(self):
        others = Organization.objects.filter(owner_id=self.object.owner_id).exclude(pk=self.object.pk)
        return {
            "others": others[:10],
            "events": history(self.object, user=self.request.user),
            "related": self.facts.related(self.object, self.may_list),
        }


class OrganizationAgents(OrganizationTab):
    slug = "agents"
    label = "Agents"
    permission = "agents.view_agent"

    def context(self):
        rows = list(self.object.agents.order_by(newest().desc(), "-id")[:SHOWN])
        return {"sections": [self.section("Agents", rows, "agents", "agents:agent_list", "No agent yet.")]}


class OrganizationNumbers(OrganizationTab):
    slug = "numbers"
    label = "Numbers"
    permission = "telephony.view_phonenumber"

    def context(self):
        order = [newest().desc(), "-id"]
        numbers = list(self.object.phone_numbers.select_related("agent").order_by(*order)[:SHOWN])
        sections = [
            self.section(
                "Phone numbers", numbers, "numbers", "telephony:phonenumber_list", "No phone number yet."
            )
        ]
        if self.request.user.has_perm("telephony.view_siptrunk"):
            trunks = list(self.object.sip_trunks.order_by(*order)[:SHOWN])
            sections.append(
                self.section("SIP trunks", trunks, "trunks", "telephony:siptrunk_list", "No SIP trunk yet.")
            )
        return {"sections": sections}


class OrganizationCalls(OrganizationTab):
    slug = "calls"
    label = "Calls"
    permission = "telephony.view_calllog"

    def context(self):
        rows = list(self.object.calls.select_related("agent", "phone_number")[:SHOWN])
        return {"sections": [self.section("Calls", rows, "calls", "telephony:calllog_list", "No call yet.")]}


class OrganizationLedger(OrganizationTab):
    slug = "ledger"
    label = "Ledger"
    permission = "billing.view_credittransaction"

    def context(self):
        rows = list(self.object.credit_transactions.all()[:SHOWN])
        empty = "No posting yet: the balance never changed."
        section = self.section("Postings", rows, "ledger", "billing:credittransaction_list", empty)
        return {"sections": [section]}


class OrganizationNotes(OrganizationTab):
    """Pinned notes on top, the others newest first, a page at a time; the form to add one right there."""

    slug = "notes"
    label = "Notes"
    permission = "tenants.view_note"
    template_name = "tenants/organization_notes.html"

    def get(self, request, pk):
        try:
            return super().get(request, pk)
        except keyset.BadCursor:
            return HttpResponseRedirect(request.path)

    def context(self):
        notes = Note.objects.of(self.object)
        order = generic.Order(keyset.F("created_at"), by_time=True)
        page = keyset.read_page(
            notes.filter(pinned_at=None),
            order.key,
            descending=True,
            size=SHOWN,
            params=self.request.GET,
        )
        user = self.request.user
        pinned = list(notes.pinned()) if page.is_first else []
        for note in [*pinned, *page.rows]:
            note.is_mine = note.may_be_changed_by(user)
        may_add = user.has_perm("tenants.add_note")
        return {
            "pinned": pinned,
            "notes": page.rows,
            "previous_url": f"?{page.previous}" if page.previous else "",
            "next_url": f"?{page.next}" if page.next else "",
            "may_pin": user.has_perm("tenants.change_note"),
            "note_form": NoteAddForm(actor=user, instance=Note(organization=self.object))
            if may_add
            else None,
        }


TABS = (
    OrganizationOverview,
    OrganizationAgents,
    OrganizationNumbers,
    OrganizationCalls,
    OrganizationLedger,
    OrganizationNotes,
)
