"""The tabs of the tenant page, in the order of their bar (TABS)."""

import datetime

from django.conf import settings
from django.http import HttpResponseRedirect
from django.utils import timezone

from backoffice import generic, kept, keyset
from backoffice.addresses import fixed_address, row_address
from backoffice.keyset import BadCursor, newest
from backoffice.page_model import with_names
from billing.models import CreditTransaction, UsageLog
from telephony.call_check import check_dialled, check_number
from telephony.conflicts.shown import conflicts_of_tenant
from telephony.models import CallLog, SipTrunk
from tenants.desk.conversations import Conversation, conversations_of, conversations_read
from tenants.desk.facts import related_from, related_read
from tenants.desk.lines import agents_from, agents_read, calls_from, calls_read, numbers_from, numbers_read
from tenants.desk.timeline import KINDS as TIMELINE_KINDS
from tenants.desk.timeline import timeline_from, timeline_of, timeline_read
from tenants.desk.together import read_together
from tenants.desk.usage import usage_from, usage_of, usage_read
from tenants.forms import NoteAddForm
from tenants.health import KINDS
from tenants.models import Note
from tenants.views.readers import OrganizationReaders
from tenants.views.tabs import AGENTS_LOOKED_AT, VIEW, OrganizationTab

SHOWN = 25
FEW = 6
MANY_AGENTS = 50
SIGNS_OF_A_KIND = 4
NEWEST = [newest().desc(), "-id"]
CALLS = with_names(CallLog.objects.order_by(*NEWEST), "agent", "phone_number")
USAGE = with_names(UsageLog.objects.all(), "agent", agent=["organization"])
POSTINGS = CreditTransaction.objects.select_related("adoption")
TRUNKS = SipTrunk.objects.order_by(*NEWEST)


class OrganizationOverview(OrganizationTab):
    """The one page that support needs: a little of every tab, and what is wrong."""

    slug = "overview"
    label = "Overview"
    template_name = "tenants/organization_overview.html"

    def context(self):
        tenant, user = self.object, self.request.user
        reads = {
            "agents.view_agent": agents_read(tenant, FEW),
            "agents.view_agentsession": conversations_read(
                tenant, user, FEW, many_agents=has_many_agents(self)
            ),
            "telephony.view_phonenumber": numbers_read(tenant, FEW),
            "telephony.view_calllog": calls_read(tenant, FEW),
            "billing.view_usagelog": usage_read(tenant, self.kept),
            VIEW: timeline_read(tenant, user, limit=FEW),
        }
        reads = {permission: read for permission, read in reads.items() if user.has_perm(permission)}
        (related,), *rows = read_together([related_read(tenant), *reads.values()])
        found, related = dict(zip(reads, rows, strict=True)), related_from(related)
        sections = []
        if (rows := found.get("agents.view_agent")) is not None:
            sections.append(agents_section(self, agents_from(rows)))
        if (rows := found.get("telephony.view_phonenumber")) is not None:
            sections.append(numbers_section(self, numbers_from(rows)))
        if (rows := found.get("agents.view_agentsession")) is not None:
            sections.append(conversations_section(self, [Conversation(*row) for row in rows]))
        if (rows := found.get("telephony.view_calllog")) is not None:
            sections.append(calls_section(self, calls_from(rows)) | {"brief": True})
        usage = found.get("billing.view_usagelog")
        return {
            "sections": sections,
            "related": related.links(tenant, self.may_list),
            "other_organizations": related.others,
            "kinds": KINDS.values(),
            "sign_groups": grouped(self.signs),
            "agents_looked_at": AGENTS_LOOKED_AT,
            "agents_not_looked_at": self.facts.agents > AGENTS_LOOKED_AT,
            "usage": None if usage is None else usage_from(usage),
            "timeline": timeline_from(found[VIEW], user, FEW),
        }


class OrganizationAgents(OrganizationTab):
    slug = "agents"
    label = "Agents"
    permission = "agents.view_agent"

    def reads(self):
        return [agents_read(self.object, SHOWN)]

    def context(self):
        (rows,) = self.found
        return {"sections": [agents_section(self, agents_from(rows))]}


class OrganizationNumbers(OrganizationTab):
    slug = "numbers"
    label = "Numbers"
    permission = "telephony.view_phonenumber"

    def reads(self):
        return [numbers_read(self.object, SHOWN)]

    def context(self):
        (rows,) = self.found
        sections = [numbers_section(self, numbers_from(rows))]
        if self.request.user.has_perm("telephony.view_siptrunk"):
            sections.append(trunks_section(self))
        if self.request.user.has_perm("telephony.view_conflict"):
            sections.insert(0, conflicts_section(self))
        return {"sections": sections}


class OrganizationConversations(OrganizationTab):
    slug = "conversations"
    label = "Conversations"
    permission = "agents.view_agentsession"

    def context(self):
        many = has_many_agents(self)
        rows = conversations_of(self.object, self.request.user, SHOWN, many_agents=many)
        return {"sections": [conversations_section(self, rows)]}


class OrganizationCalls(OrganizationTab):
    slug = "calls"
    label = "Calls"
    permission = "telephony.view_calllog"

    def context(self):
        return {"sections": [calls_section(self, first_rows(self, CALLS))]}


class OrganizationCallCheck(OrganizationTab):
    """Why are calls refused: what callers of each number get, and one number step by step. Belongs to the calls."""

    slug = "call_check"
    label = "Why are calls refused?"
    in_bar_as = "calls"
    permission = "telephony.view_phonenumber"
    template_name = "tenants/organization_call_check.html"

    def context(self):
        typed = self.request.GET.get("number", "")[:60].replace("\0", "")
        check = check_dialled(typed) if typed.strip() else None
        numbers = self.object.phone_numbers.select_related("agent").order_by(*NEWEST)[: SHOWN + 1]
        checks = []
        for number in numbers:
            number.organization = self.object
            checks.append(check_number(number))
        lists = fixed_address("telephony:phonenumber_list")
        return {
            "typed": typed,
            "check": check,
            "elsewhere": bool(check and check.number and check.number.organization_id != self.object.pk),
            "checks": checks[:SHOWN],
            "more_url": f"{lists}?organization={self.object.pk}" if len(checks) > SHOWN else "",
        }


class OrganizationUsage(OrganizationTab):
    slug = "usage"
    label = "Usage"
    permission = "billing.view_usagelog"
    template_name = "tenants/organization_usage.html"

    def context(self):
        rows = first_rows(self, USAGE)
        section = self.section(
            "Usage records", rows, "usage", "billing:usagelog_list", "No usage recorded yet."
        )
        return {"usage": usage_of(self.object, self.kept), "sections": [section]}


class OrganizationLedger(OrganizationTab):
    slug = "ledger"
    label = "Ledger"
    permission = "billing.view_credittransaction"
    template_name = "tenants/organization_ledger.html"

    def context(self):
        rows = first_rows(self, POSTINGS)
        empty = "No posting yet: the balance never changed."
        section = self.section("Postings", rows, "ledger", "billing:credittransaction_list", empty)
        of_tenant = f"?organization={self.object.pk}"
        since = timezone.localdate() - datetime.timedelta(days=settings.HEALTH_SPENDING_DAYS)
        return {
            "sections": [section],
            "spending_days": settings.HEALTH_SPENDING_DAYS,
            "totals_url": fixed_address("billing:credittransaction_totals") + of_tenant,
            "deducted_url": f"{section['url']}&kind=settlement&kind=outside&direction=out&since={since}",
            "recorded_urls": [
                (label, f"{fixed_address(name)}{of_tenant}&since={since}")
                for label, name in (("usage", "billing:usagelog_list"), ("calls", "telephony:calllog_list"))
                if self.may_list(name)
            ],
            "unexplained_url": f"{section['url']}&outside=unexplained",
            "unexplained": keyset.kept_total("unexplained", unexplained_of, self.object.pk),
        }


def unexplained_of(tenant):
    return CreditTransaction.objects.filter(organization=tenant).unexplained()


class OrganizationTimeline(OrganizationTab):
    slug = "timeline"
    label = "Timeline"
    template_name = "tenants/organization_timeline.html"

    def get(self, request, pk):
        try:
            return super().get(request, pk)
        except BadCursor:
            return HttpResponseRedirect(request.path)

    def context(self):
        kind = self.request.GET.get("kind", "")
        kind = kind if kind in TIMELINE_KINDS else ""
        place = self.request.GET.get("after", "")
        timeline = timeline_of(self.object, self.request.user, kind=kind, place=place)
        here = f"?kind={kind}&" if kind else "?"
        return {
            "timeline": timeline,
            "kinds": [
                {"slug": slug, "label": label, "icon": icon, "current": slug == kind}
                for slug, (label, icon) in TIMELINE_KINDS.items()
            ],
            "kind": kind,
            "next_url": f"{here}after={timeline.next}" if timeline.next else "",
            "first_url": (f"?kind={kind}" if kind else self.request.path) if place else "",
        }


def first_rows(tab, queryset):
    """The first SHOWN rows of the tenant, in the order of the queryset."""

    def rows_of(tenant):
        return queryset.filter(organization=tenant)[:SHOWN]

    rows = kept.rows(("tab", type(tab), queryset.model), rows_of, tab.object.pk)
    for row in rows:
        row.organization = tab.object
    return rows


def agents_section(tab, rows):
    wrong = {}
    for sign in tab.signs:
        kind, _, cause = sign.cause.partition(":")
        if kind == "agent":
            wrong.setdefault(cause.partition(":")[0], []).append(sign)
    for row in rows:
        row.signs = wrong.get(str(row.pk), [])
    return tab.section("Agents", rows, "agents", "agents:agent_list", "No agent yet.")


def numbers_section(tab, rows):
    empty = "No phone number yet."
    return tab.section("Phone numbers", rows, "numbers", "telephony:phonenumber_list", empty)


def trunks_section(tab):
    rows = first_rows(tab, TRUNKS)
    return tab.section("SIP trunks", rows, "trunks", "telephony:siptrunk_list", "No SIP trunk yet.")


def conflicts_section(tab):
    rows = conflicts_of_tenant(tab.object, tab.request.user)
    empty = "Numbers and trunks do not contradict each other."
    return tab.section("Conflicts", rows, "conflicts", "telephony:conflict_list", empty)


def has_many_agents(tab):
    return tab.facts.agents > MANY_AGENTS


def conversations_section(tab, rows):
    empty = "No conversation yet, in none of the three stores."
    return tab.section("Conversations", rows, "conversations", "agents:conversation_list", empty)


def calls_section(tab, rows):
    section = tab.section("Calls", rows, "calls", "telephony:calllog_list", "No call yet.")
    if tab.request.user.has_perm("telephony.view_phonenumber"):
        url = row_address("tenants:organization_call_check", tab.object.pk)
        section["more"] = {"label": "Why are calls refused?", "url": url, "always": True}
    return section


def grouped(signs):
    """[(kind, its first signs, the others)], in the order of the signs; the least grave kind shows its first alone."""
    groups = {}
    for sign in signs:
        groups.setdefault(sign.kind, []).append(sign)
    shown = {kind: 1 if KINDS[kind].tone == "info" else SIGNS_OF_A_KIND for kind in groups}
    return [(KINDS[kind], signs[: shown[kind]], signs[shown[kind] :]) for kind, signs in groups.items()]


class OrganizationNotes(OrganizationTab):
    """Pinned notes on top, the others newest first, a page at a time; the form to add one right there."""

    slug = "notes"
    label = "Notes"
    permission = "tenants.view_note"
    template_name = "tenants/organization_notes.html"

    def get(self, request, pk):
        try:
            return super().get(request, pk)
        except BadCursor:
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
    OrganizationConversations,
    OrganizationCalls,
    OrganizationUsage,
    OrganizationLedger,
    OrganizationTimeline,
    OrganizationReaders,
    OrganizationNotes,
)
