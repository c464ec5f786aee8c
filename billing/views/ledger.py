from backoffice import generic
from billing.filters import CreditTransactionFilter
from billing.models import CreditTransaction
from billing.tables import CreditTransactionTable


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
