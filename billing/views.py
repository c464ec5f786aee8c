from backoffice import generic
from billing.filters import CreditTransactionFilter, UsageLogFilter
from billing.forms import PostCreditForm
from billing.models import CreditTransaction, UsageLog
from billing.services import post_credit
from billing.tables import CreditTransactionTable, UsageLogTable
from tenants.models import Organization


class CreditTransactionList(generic.ListView):
    model = CreditTransaction
    title = "Credit ledger"
    queryset = CreditTransaction.objects.select_related("organization")
    table_class = CreditTransactionTable
    filterset_class = CreditTransactionFilter
    orders = {"id": generic.by_id()}


class CreditTransactionDetail(generic.DetailView):
    model = CreditTransaction
    queryset = CreditTransaction.objects.select_related("organization", "reverses")
    fields = [
        ("Posting", ["id", "kind", "amount", "balance_after", "reason", "reference", "note", "created_at"]),
        ("Whose", ["organization_name", "organization"]),
        ("Who", ["actor", "db_role", "idempotency_key", "reverses"]),
    ]

    def warnings(self):
        if self.object.kind == CreditTransaction.Kind.OUTSIDE:
            yield f"This change did not come through the back office: database role {self.object.db_role} made it."


class PostCredit(generic.ActionView):
    """Adjust a balance. The address is the organization's; the right is that of the ledger."""

    model = Organization
    permission = "billing.post_credit"
    service = staticmethod(post_credit)
    form_class = PostCreditForm
    template_name = "billing/post_credit.html"
    label = "Adjust credits"
    icon = "coins"
    success = "The balance of {object} was adjusted."

    def done(self, result):
        self.object.refresh_from_db()
        return super().done(result)

    def context(self):
        recent = CreditTransaction.objects.filter(organization_id=self.object.pk)[:5]
        return {"recent": recent}


class UsageLogList(generic.ListView):
    model = UsageLog
    queryset = UsageLog.objects.select_related("organization", "agent")
    table_class = UsageLogTable
    filterset_class = UsageLogFilter
    orders = {"created": generic.by_time()}


class UsageLogDetail(generic.DetailView):
    model = UsageLog
    queryset = UsageLog.objects.select_related("organization", "agent", "session")
    fields = [
        ("Usage", ["tokens_used", "cost_usd", "model_used", "channel", "created_at", "id"]),
        ("Whose", ["organization", "agent", "session"]),
    ]

    def warnings(self):
        agent = self.object.agent
        if agent and agent.organization_id != self.object.organization_id:
            yield "The agent belongs to another organization than the one that pays."
        if self.object.tokens_used and not self.object.cost_usd:
            yield "No cost is recorded for these tokens."
