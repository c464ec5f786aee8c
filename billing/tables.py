from django.db.models import Case, DateTimeField, OuterRef, Subquery, TextField, Value, When

from backoffice.tables import Column, Table
from billing.models import (
    Adoption,
    BulkPosting,
    CreditLimit,
    CreditRequest,
    CreditTransaction,
    Price,
    Settlement,
    SettlementDay,
    Statement,
    UsageLog,
)
from tenants.forecast import days_left
from tenants.models import Organization

LAST_POSTING = Subquery(
    CreditTransaction.objects.filter(organization_id=OuterRef("pk")).order_by("-id").values("created_at")[:1],
    output_field=DateTimeField(),
)

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


class BalanceTable(Table):
    name = Column("Organization", order="name")
    credits_balance = Column("Balance", order="balance", numeric=True)
    lasts_28 = Column("Days left (28 days)", order="days28", numeric=True, export=days_left(28))
    lasts_7 = Column("Days left (7 days)", order="days7", numeric=True, export=days_left(7))
    spent_28 = Column("A day (28 days)", order="spent28", numeric=True, export="forecast__per_day_28")
    spent_7 = Column("A day (7 days)", order="spent7", numeric=True, export="forecast__per_day_7")
    last_posting = Column("Last posting", export=LAST_POSTING)

    class Meta(Table.Meta):
        model = Organization
        fields = []
        rows = "billing/balance_rows.html"


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


class StatementTable(Table):
    month = Column("Month", order="month")
    organization_name = Column("Organization")
    opening = Column("Opening", numeric=True)
    closing = Column("Closing", numeric=True)
    sha256 = Column("Fingerprint")
    actor = Column("Closed by")
    created_at = Column("Closed")

    class Meta(Table.Meta):
        model = Statement
        fields = []
        rows = "billing/statement_rows.html"


class BulkPostingTable(Table):
    name = Column("File")
    status = Column("Status")
    requested_at = Column("Checked", order="checked")
    requested_by_name = Column("By")
    kind = Column("Kind")
    row_count = Column("Rows to post", numeric=True)
    left_out = Column("Left out", numeric=True)
    amount = Column("Sum", numeric=True)
    decided_by_name = Column("Decided by")

    class Meta(Table.Meta):
        model = BulkPosting
        fields = []
        rows = "billing/bulkposting_rows.html"


class CreditRequestTable(Table):
    requested_at = Column("Asked", order="requested")
    organization_name = Column("Organization")
    kind = Column("Kind")
    amount = Column("Amount", numeric=True)
    reason = Column("Reason")
    requested_by_name = Column("Asked by")
    status = Column("State")
    expires_at = Column("Expires")
    decided_by_name = Column("Decided by", shown=False)

    class Meta(Table.Meta):
        model = CreditRequest
        fields = []
        rows = "billing/creditrequest_rows.html"


class CreditLimitTable(Table):
    name = Column("Role", order="name")
    per_posting = Column("At once", numeric=True)
    per_day = Column("Within 24 hours", numeric=True)

    class Meta(Table.Meta):
        model = CreditLimit
        fields = []
        rows = "billing/creditlimit_rows.html"


class SettlementDayTable(Table):
    id = Column("Day", export="day", order="id")
    finished_at = Column("State")
    organizations = Column("Organizations", numeric=True)
    usage_cost = Column("Usage (USD)", numeric=True)
    call_cost = Column("Calls (USD)", numeric=True)
    late_cost = Column("Of days before (USD)", numeric=True)
    amount = Column("Credits", numeric=True)
    actor = Column("By")

    class Meta(Table.Meta):
        model = SettlementDay
        fields = []
        rows = "billing/settlementday_rows.html"


class SettlementTable(Table):
    id = Column("Settlement", order="id")
    organization_name = Column("Organization")
    day = Column("Day")
    usage_cost = Column("Usage (USD)", numeric=True)
    call_cost = Column("Calls (USD)", numeric=True)
    estimated_cost = Column("Estimated (USD)", numeric=True)
    late_cost = Column("Of days before (USD)", numeric=True)
    amount = Column("Credits", numeric=True)
    transaction = Column("Posting")

    class Meta(Table.Meta):
        model = Settlement
        fields = []
        rows = "billing/settlement_rows.html"


class PriceTable(Table):
    model = Column("Model", order="model")
    valid_from = Column("Valid from")
    usd_per_1000 = Column("USD per 1,000 tokens", numeric=True)

    class Meta(Table.Meta):
        model = Price
        fields = []
        rows = "billing/price_rows.html"
