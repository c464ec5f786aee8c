"""Postings that wait for a second person: the queue, one request, its decision."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import F
from django.http import HttpResponseRedirect
from django.utils.functional import cached_property

from backoffice import generic
from backoffice.context import Counted
from backoffice.templatetags.ui import signed, status_pill
from billing.filters import CreditRequestFilter
from billing.forms import DecisionForm
from billing.models import CreditRequest
from billing.services import decide_request, withdraw_request
from billing.tables import CreditRequestTable

ALL = CreditRequest.objects.select_related("organization", "reverses", "transaction")


# CreditRequest.objects.decidable_by(user)
WAITING = Counted(
    "billing.credit_request where status = 'pending' and expires_at > now() and requested_by <> %(user)s",
    permission="billing.decide_credit",
)


class CreditRequestList(generic.ListView):
    model = CreditRequest
    title = "Requests"
    queryset = CreditRequest.objects.select_related("organization")
    table_class = CreditRequestTable
    filterset_class = CreditRequestFilter
    orders = {"requested": generic.Order(F("requested_at"), by_time=True)}
    note = "Postings above somebody's limits. They change no balance until a second person approves them."
    nothing_yet = (
        "A posting above somebody's limits comes here, and so does everything that Support asks for."
    )


class CreditRequestDetail(generic.DetailView):
    model = CreditRequest
    queryset = ALL
    fields = [
        (
            "Asked for",
            [
                "amount",
                "kind",
                "reason",
                "reference",
                "note",
                "organization_name",
                "organization",
                "reverses",
            ],
        ),
        ("Who", ["requested_by_name", "requested_at", "expires_at", "id", "idempotency_key"]),
        ("Decision", ["status", "decided_by_name", "decided_at", "comment", "transaction"]),
    ]
    form = None
    status = 200

    def groups(self):
        groups = super().groups()
        return groups[:-1] if self.object.is_waiting else groups

    def show_amount(self, obj):
        return "Amount", signed(obj.amount)

    def show_status(self, obj):
        return "State", status_pill(obj.state)

    @cached_property
    def balance(self):
        """What the balance is now; None where the organization is gone."""
        if self.object.organization is None:
            return None
        balance = self.object.organization.credits_balance
        return 0 if balance is None or balance.is_nan() else balance

    @property
    def is_own(self):
        return self.object.requested_by == self.request.user.pk

    def get_actions(self):
        if self.is_own and self.object.is_waiting:
            yield from super().get_actions()

    def actions(self):
        return [("billing:creditrequest_withdraw", CreditRequestWithdraw)]

    def warnings(self):
        row = self.object
        if row.has_expired:
            yield "Nobody decided about it in time: it has expired. Whoever still wants it asks again."
        if not row.is_waiting:
            return
        if row.organization is None:
            yield "The organization is gone: there is no balance left to post to."
        elif self.balance != row.balance_before:
            yield f"The balance moved from {row.balance_before:,} to {self.balance:,} since this was asked for."
        if row.reverses and (left := row.reverses.left_to_reverse()) < abs(row.amount):
            yield f"Only {left:,} of the posting is left to reverse: it was taken back meanwhile."
        if self.is_own and self.request.user.has_perm("billing.decide_credit"):
            yield "You asked for this: somebody else decides about it."

    def extra_context(self):
        row = self.object
        now = None if self.balance is None else self.balance + row.amount
        decides = row.is_waiting and not self.is_own and self.request.user.has_perm("billing.decide_credit")
        return {
            "form": self.form or (DecisionForm() if decides else None),
            "decides": decides,
            "after_then": row.balance_before + row.amount,
            "balance": self.balance,
            "after_now": now,
        }

    def render(self, context, **kwargs):
        return super().render(context, **{"status": self.status, **kwargs})


class CreditRequestDecide(CreditRequestDetail):
    """Takes the decision; the page of the request shows the form."""

    permission = "billing.decide_credit"

    def deed(self):
        return "decide about credit requests"

    def get(self, request, pk):
        """The address stays in the browser when a decision is refused: to open it again leads to the request."""
        return HttpResponseRedirect(self.object.get_absolute_url())

    def post(self, request, pk):
        form = DecisionForm(request.POST)
        if form.is_valid():
            approve = form.cleaned_data["decision"] == DecisionForm.APPROVE
            try:
                decided = decide_request(
                    self.object, actor=request.user, approve=approve, comment=form.cleaned_data["comment"]
                )
            except ValidationError as error:
                form.add_error(None, error)
            else:
                messages.success(request, said(decided))
                return HttpResponseRedirect(decided.get_absolute_url())
            del self.object  # as it is by now
            if self.was_mine(approve):
                messages.info(request, "You already decided this; nothing was done again.")
                return HttpResponseRedirect(self.object.get_absolute_url())
        self.form, self.status = form, 422
        return super().get(request, pk)

    def was_mine(self, approve):
        """Whether the same decision of the same person was sent twice."""
        wanted = CreditRequest.Status.APPROVED if approve else CreditRequest.Status.DECLINED
        return self.object.status == wanted and self.object.decided_by == self.request.user.pk


def said(decided):
    if decided.transaction_id is None:
        return f"{decided} was declined; the balance is as it was."
    return f"{decided} was approved and posted: the balance is {decided.transaction.balance_after:,} now."


class CreditRequestWithdraw(generic.ActionView):
    model = CreditRequest
    permission = "billing.request_credit"
    action = "withdraw"  # not "change": nobody edits a request
    label = "Withdraw"
    icon = "x"
    explanation = "Nobody decides about the request any more; it stays in the list, as withdrawn."
    success = "The request was withdrawn."
    service = staticmethod(withdraw_request)
