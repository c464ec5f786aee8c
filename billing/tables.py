from django.db.models import Case, TextField, Value, When

from backoffice.tables import Column, Table
from billing.models import Adoption, CreditTransaction, UsageLog

OUTSIDE = Case(
    When(kind="outside", adoption__isnull=False, then=Value("adopted")),
    When(kind="outside", then=Value("nobody stands for it")),
    default=Value(""),
    output_field=TextField(),
)


class CreditTransactionTable(Table):
    id = Column("Posting", order="id")
    organization_name = Column("Organization")
    kind = Column("Kind")
    amount = Column("Amount", numeric=True)
    balance_after = Column("Balance after", numeric=True)
    reason = Column("Reason")
    actor = Column("By")
    created_at = Column("Time")
    reference = Column("Reference", shown=False)
    note = Column("Note", shown=False)
    reverses = Column("Reverses", shown=False, export="reverses_id")
    outside = Column("From outside", shown=False, export=OUTSIDE)
    adopted_by = Column("Stood for by", accessor="adoption__actor", shown=False)
    adopted_reason = Column("Stood for because", accessor="adoption__reason", shown=False)
    db_role = Column("Database role", shown=False)
    organization_id = Column(
        "Organization's id", accessor="organization_id", shown=False, export="organization_id"
    )

    class Meta(Table.Meta):
        model = CreditTransaction
        fields = []
        rows = "billing/credittransaction_rows.html"


class AdoptionTable(Table):
    id = Column("Adoption", order="id")
    organization_name = Column("Organization")
    amount = Column("Amount", numeric=True, export="transaction__amount")
    reason = Column("Reason")
    reference = Column("Reference")
    actor = Column("By")
    created_at = Column("Time")

    class Meta(Table.Meta):
        model = Adoption
        fields = []
        rows = "billing/adoption_rows.html"


class UsageLogTable(Table):
    created_at = Column("Time", order="created")
    organization = Column("Organization")
    agent = Column("Agent")
    channel = Column("Channel")
    model_used = Column("Model")
    tokens_used = Column("Tokens", numeric=True)
    cost_usd = Column("Cost (USD)", numeric=True)
    session = Column("Session", shown=False)

    class Meta(Table.Meta):
        model = UsageLog
        fields = []
        rows = "billing/usagelog_rows.html"
