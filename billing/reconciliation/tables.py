from django.db.models import F, Func, OuterRef, Subquery, Sum, Value
from django.db.models.functions import Coalesce, NullIf

from backoffice.tables import Column, Table
from billing.models import CreditTransaction, ReconciliationFinding, ReconciliationRun
from tenants.forecast import NOT_A_NUMBER
from tenants.models import Organization

LEDGER = Coalesce(
    Subquery(
        CreditTransaction.objects.filter(organization_id=OuterRef("pk"))
        .order_by()
        .values("organization_id")
        .annotate(total=Sum("amount"))
        .values("total")
    ),
    Value(0),
    output_field=CreditTransaction._meta.get_field("amount"),
)
# As the check takes it: what is not set, or no number, is zero.
BALANCE = Coalesce(
    NullIf(F("credits_balance"), NOT_A_NUMBER), Value(0), output_field=NOT_A_NUMBER.output_field
)


class ReconciledTable(Table):
    name = Column("Organization", order="name")
    credits_balance = Column("Balance", order="balance", numeric=True)
    ledger = Column("Ledger", numeric=True, export=LEDGER)
    difference = Column("Difference", numeric=True, export=BALANCE - LEDGER)
    settled = Column("Settled (USD)", numeric=True, export=False)
    late = Column("Late (USD)", numeric=True, export=False)
    pending = Column("Pending (USD)", numeric=True, export=False)

    class Meta(Table.Meta):
        model = Organization
        fields = []
        rows = "billing/reconciled_rows.html"


class ReconciliationRunTable(Table):
    as_of = Column("Checked", order="id")
    actor_name = Column("Asked for by")
    drift = Column("Drift", numeric=True)
    organizations = Column("Organizations", numeric=True)
    ledger_rows = Column("Ledger rows", numeric=True)
    seconds = Column("Seconds", numeric=True)

    class Meta(Table.Meta):
        model = ReconciliationRun
        fields = []
        rows = "billing/reconciliationrun_rows.html"


class ReconciliationFindingTable(Table):
    organization_name = Column("Organization")
    rule = Column("Rule")
    amount = Column("Amount", numeric=True, export=Func("amount", function="trim_scale"))
    diverged_at = Column("First diverging")
    detail = Column("What")

    class Meta(Table.Meta):
        model = ReconciliationFinding
        fields = []
        rows = "billing/reconciliationfinding_rows.html"
