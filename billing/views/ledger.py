from django.contrib import messages
from django.http import HttpResponseRedirect

from backoffice import display, generic
from backoffice.addresses import fixed_address
from backoffice.filters import Query
from backoffice.generic.lists import open_list
from backoffice.page_model import with_names
from backoffice.templatetags.ui import money, signed
from billing.filters import AdoptionFilter, CreditTransactionFilter
from billing.forms import AdoptForm
from billing.models import Adoption, BulkPostingRow, CreditRequest, CreditTransaction
from billing.models.ledger import NOT_REVERSED
from billing.services import adopt_change
from billing.settlement.shown import settlement_of
from billing.tables import AdoptionTable, CreditTransactionTable
from billing.totals import TookTooLong, totals_of
from billing.views.posting import CreditTransactionReverse

LIST = "billing:credittransaction_list"


class AdoptChange(generic.ActionView):
    """Stand for a change from outside; on many rows of the list too."""

    model = CreditTransaction
    queryset = CreditTransaction.objects.select_related("adoption")
    permission = "billing.adopt_change"
    action = "adopt"  # not "change": the row stays as it is
    service = staticmethod(adopt_change)
    form_class = AdoptForm
    label = "Stand for this change"
    icon = "stamp"
    explanation = (
        "The row and the balance stay as they are. Your name and reason stand beside it from now on, and it no longer "
        "waits for somebody. This is not taken back: should it turn out wrong, the change can still be reversed."
    )
    success = "You stand for {object}."

    @classmethod
    def applies_to(cls, change):
        return change.is_outside and change.adopted is None and change.left_to_reverse() > 0

    def get(self, request, pk):
        if not self.applies_to(self.object):  # rather than after a reason was typed
            messages.info(request, f"Nothing is left to stand for: {self.why_not()}.")
            return HttpResponseRedirect(self.success_url())
        return super().get(request, pk)

    def why_not(self):
        if not self.object.is_outside:
            return "it came through the back office, or is an opening or closing"
        if adoption := self.object.adopted:
            return f"{adoption.actor} does already"
        return "it was reversed as a whole"


class CreditTransactionList(generic.ListView):
    model = CreditTransaction
    title = "Credit ledger"
    queryset = with_names(CreditTransaction.objects.select_related("adoption"), "organization")
    table_class = CreditTransactionTable
    filterset_class = CreditTransactionFilter
    orders = {"id": generic.by_id()}
    bulk = (AdoptChange,)
    nothing_yet = "Every change of a balance stands here, whoever made it."

    def extra_context(self):
        return {
            "above_rows": "billing/ledger_totals_place.html",
            "totals_url": f"{fixed_address('billing:credittransaction_totals')}?{filters_of(self.request.GET)}",
            "totals_at_once": self.filterset.is_filtered,
            "all_columns": ",".join(self.offered),
        }


class CreditTransactionTotals(generic.ModelPage):
    """What the rows of the ledger that the filters leave sum up to, as a page and as the panel under the list."""

    model = CreditTransaction
    action = "view"
    page = "totals"
    replica = True

    def get(self, request):
        ledger = open_list(LIST, request.user, request.GET.urlencode())
        context = {
            "page_title": "Totals of the credit ledger",
            "crumbs": [*self.crumbs()],
            "list_url": f"{fixed_address(LIST)}?{filters_of(request.GET)}",
            "filtered": ledger.filterset.is_filtered,
        }
        if ledger.filterset.form.errors:
            context["problem"] = "A filter could not be read, so the totals would be of more than was meant."
        else:
            try:
                context |= self.figures(ledger)
            except TookTooLong:
                context["problem"] = (
                    "Too many postings to sum up in time. Narrow the filter: one organization, or a shorter time."
                )
        template = "billing/ledger_totals.html" if request.htmx else "billing/ledger_totals_page.html"
        return self.render(context, template=template)

    def figures(self, ledger):
        whole_ledger = self.is_whole_ledger_of_a_tenant(ledger.filterset)
        lines, whole = totals_of(ledger.filterset.qs, of_one_tenant=whole_ledger)
        query = Query(ledger.request.GET.copy()).without("sort", "columns", "view", "after", "before", "last")
        list_url = fixed_address(LIST)

        def urls(line):
            rows = query.with_(kind=line.kind) if line.kind else query
            return {
                "line": line,
                "url": f"{list_url}{rows}",
                "added_url": f"{list_url}{rows.with_(direction='in')}",
                "taken_url": f"{list_url}{rows.with_(direction='out')}",
            }

        return {
            "lines": [urls(line) for line in lines],
            "whole": urls(whole),
            "is_open": whole_ledger or not self.request.htmx,
            **(self.check(ledger.filterset, whole) if whole_ledger else {}),
        }

    def is_whole_ledger_of_a_tenant(self, filterset):
        chosen = filterset.form.cleaned_data.items()
        return [name for name, value in chosen if value not in (None, "", [])] == ["organization"]

    def check(self, filterset, whole):
        """Whether the sum is the balance of the same moment; of a tenant without any posting, of just now."""
        balance = (
            whole.balance if whole.count else filterset.form.cleaned_data["organization"].credits_balance
        )
        is_number = balance is not None and balance.is_finite()
        difference = (balance if is_number else 0) - whole.net
        return {"checked": True, "balance": balance, "is_number": is_number, "difference": difference}


def filters_of(params):
    """The filters of an address, without what only says how and where the list is looked at."""
    query = Query(params.copy()).without("sort", "columns", "view", "after", "before", "last")
    return str(query).removeprefix("?")


class CreditTransactionDetail(generic.DetailView):
    model = CreditTransaction
    queryset = CreditTransaction.objects.select_related("organization", "reverses", "adoption", "settlement")
    fields = [
        (
            "Posting",
            [
                "id",
                "kind",
                "balance_before",
                "amount",
                "balance_after",
                "reason",
                "reference",
                "note",
                "created_at",
            ],
        ),
        ("Whose", ["organization_name", "organization"]),
        ("Who", ["actor", "db_role", "idempotency_key", "reverses", "settlement"]),
    ]

    def actions(self):
        return [
            ("billing:adopt_change", AdoptChange),
            ("billing:credittransaction_reverse", CreditTransactionReverse),
        ]

    def groups(self):
        groups = super().groups()
        if adoption := self.object.adopted:
            names = ["actor", "reason", "reference", "created_at"]
            items = [display.present(adoption, name, self.request.user) for name in names]
            groups.insert(1, {"heading": "Somebody stands for it", "items": items})
        return groups

    def show_amount(self, posting):
        return "Amount", signed(posting.amount)

    def show_balance_before(self, posting):
        return "Balance before", money(posting.balance_after - posting.amount)

    def extra_context(self):
        reversible = self.object.kind not in NOT_REVERSED
        return {
            "reversals": self.object.reversals.order_by("id")[:50] if reversible else [],
            "left": self.object.left_to_reverse() if reversible else None,
            "asked": CreditRequest.objects.filter(transaction=self.object.pk).first(),
            "line": BulkPostingRow.objects.filter(transaction=self.object.pk).select_related("run").first(),
        }

    def show_settlement(self, posting):
        return "Settlement", settlement_of(posting)

    def warnings(self):
        if not self.object.is_outside:
            return
        made = (
            f"This change did not come through the back office: database role {self.object.db_role} made it."
        )
        if adoption := self.object.adopted:
            yield f"{made} {adoption.actor} stands for it."
        elif not self.object.left_to_reverse():
            yield f"{made} It was reversed as a whole."
        else:
            yield f"{made} Nobody stands for it yet."


class AdoptionList(generic.ListView):
    """Who stood for which changes from outside."""

    model = Adoption
    title = "Changes somebody stands for"
    queryset = Adoption.objects.select_related("organization", "transaction")
    table_class = AdoptionTable
    filterset_class = AdoptionFilter
    orders = {"id": generic.by_id()}


class AdoptionDetail(generic.DetailView):
    model = Adoption
    queryset = Adoption.objects.select_related("organization", "transaction")
    fields = [
        "id",
        "transaction",
        "organization_name",
        "organization",
        "reason",
        "reference",
        "actor",
        "created_at",
    ]
