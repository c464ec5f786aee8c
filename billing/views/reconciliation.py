import datetime

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.http import urlencode

from backoffice import generic, keyset
from backoffice.templatetags.ui import money
from billing.models import ReconciliationFinding, ReconciliationRun
from billing.reconciliation.check import KEPT_PER_RULE, settled_from
from billing.reconciliation.figures import figures_of, watermark
from billing.reconciliation.filters import (
    ReconciledFilter,
    ReconciliationFindingFilter,
    ReconciliationRunFilter,
)
from billing.reconciliation.rules import RULES
from billing.reconciliation.runs import latest_run, open_job, start_check
from billing.reconciliation.tables import (
    ReconciledTable,
    ReconciliationFindingTable,
    ReconciliationRunTable,
)
from tenants.models import Organization

SEE = "billing.view_reconciliationrun"


def found_by(run, rules):
    """[{rule, count, amount, url}] of what a run found by these rules, in their order."""
    rows = []
    for name in rules:
        count, amount = run.found.get(name, (0, "0"))
        if name == "outside":
            url = f"{reverse('billing:credittransaction_list')}?outside=unexplained"
        else:
            url = (
                f"{reverse('billing:reconciliationfinding_list')}?{urlencode({'run': run.pk, 'rule': name})}"
            )
        rows.append({"rule": RULES[name], "count": count, "amount": amount, "url": url})
    return rows


class Reconciled(generic.ListView):
    """Every organization with its balance, its ledger and its usage as they are now; above them the last check."""

    model = Organization
    permission = SEE
    template_name = "billing/reconciled.html"
    title = "Reconciliation"
    table_class = ReconciledTable
    filterset_class = ReconciledFilter
    orders = {
        "name": generic.Order(keyset.F("name"), rises_first=True),
        "balance": generic.Order(keyset.zero_if_null("credits_balance"), rises_first=True),
    }

    def deed(self):
        return "see the reconciliation"

    def crumbs(self):
        return []

    @cached_property
    def run(self):
        return latest_run()

    def row_context(self, rows):
        return figures_of(rows, self.run)

    def extra_context(self):
        run = self.run
        return {
            "add_url": "",
            "run": run,
            "drift": [row for row in found_by(run, RULES) if row["rule"].is_drift] if run else [],
            "known": [row for row in found_by(run, RULES) if not row["rule"].is_drift and row["count"]]
            if run
            else [],
            "may_check": self.request.user.has_perm("billing.run_reconciliation"),
            "open_job": open_job(),
            "settled_from": settled_from(),
            "watermark": (settled_until := watermark()),
            "pending_since": settled_until + datetime.timedelta(days=1) if settled_until else settled_from(),
        }


class ReconciliationCheck(generic.ModelPage):
    """The button: checks everything in a job, which the page of the job follows."""

    http_method_names = ["post"]
    model = ReconciliationRun
    permission = "billing.run_reconciliation"

    def deed(self):
        return "check all balances"

    def post(self, request):
        job = start_check(request.user)
        if job.owner_id != request.user.pk:
            messages.info(request, "A check is under way already; reload this page to see what it found.")
            return HttpResponseRedirect(reverse("billing:reconciliation"))
        return HttpResponseRedirect(job.get_absolute_url())


class ReconciliationRunList(generic.ListView):
    model = ReconciliationRun
    title = "Checks of all balances"
    table_class = ReconciliationRunTable
    filterset_class = ReconciliationRunFilter
    orders = {"id": generic.by_id()}
    nothing_yet = (
        "Nothing was checked yet. The worker checks every night; the page Reconciliation has a button to check "
        "everything now."
    )

    def crumbs(self):
        return [("Reconciliation", reverse("billing:reconciliation"))]


class ReconciliationRunDetail(generic.DetailView):
    model = ReconciliationRun
    fields = [
        ("Check", ["as_of", "actor_name", "seconds", "organizations", "ledger_rows", "id"]),
        ("Credits", ["balance", "ledger", "drift"]),
        ("Usage and calls", ["settled_from", "watermark", "settled", "late", "pending"]),
    ]
    has_history = False

    def show_settled(self, run):
        return "Settled (USD)", money(run.settled, 4)

    def show_late(self, run):
        return "Late (USD)", money(run.late, 4)

    def show_pending(self, run):
        return "Pending (USD)", money(run.pending, 4)

    def extra_context(self):
        return {"found": found_by(self.object, RULES)}


class ReconciliationFindingList(generic.ListView):
    """What the last check found, or the one whose number the address names."""

    model = ReconciliationFinding
    permission = SEE
    title = "Findings"
    table_class = ReconciliationFindingTable
    filterset_class = ReconciliationFindingFilter
    orders = {"id": generic.Order(keyset.F("id"), rises_first=True)}
    not_exported = ("run", "url", "is_after")
    note = (
        "What the last check found, each with the way to where it diverges. Another check is named by its number. "
        f"Of one rule the first {KEPT_PER_RULE:,} are kept."
    )

    @property
    def nothing_yet(self):
        if latest_run() is None:
            return ReconciliationRunList.nothing_yet
        return "The last check found nothing: all balances explain themselves."

    def deed(self):
        return "see the reconciliation"

    def crumbs(self):
        return [("Reconciliation", reverse("billing:reconciliation"))]
