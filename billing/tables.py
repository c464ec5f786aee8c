from backoffice.tables import Column, Table
from billing.models import CreditTransaction, UsageLog


class CreditTransactionTable(Table):
    id = Column("Posting", order="id")
    organization_name = Column("Organization")
    kind = Column("Kind")
    amount = Column("Amount", numeric=True)
    balance_after = Column("Balance after", numeric=True)
    reason = Column("Reason")
    actor = Column("By")
    created_at = Column("Time")
    reverses = Column("Reverses", shown=False)

    class Meta(Table.Meta):
        model = CreditTransaction
        fields = []
        rows = "billing/credittransaction_rows.html"


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
