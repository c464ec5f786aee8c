"""What tenants use and pay, and how finance accounts for it."""

from billing.models.bulk import BulkPosting, BulkPostingRow
from billing.models.ledger import Adoption, CreditTransaction
from billing.models.reconciliation import ReconciliationFinding, ReconciliationRun
from billing.models.requests import CreditLimit, CreditRequest
from billing.models.settlement import Price, SettledRow, Settlement, SettlementDay
from billing.models.statements import Statement
from billing.models.usage import UsageLog

__all__ = [
    "Adoption",
    "BulkPosting",
    "BulkPostingRow",
    "CreditLimit",
    "CreditRequest",
    "CreditTransaction",
    "Price",
    "ReconciliationFinding",
    "ReconciliationRun",
    "SettledRow",
    "Settlement",
    "SettlementDay",
    "Statement",
    "UsageLog",
]
