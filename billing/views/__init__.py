from billing.views.ledger import (
    AdoptChange,
    AdoptionDetail,
    AdoptionList,
    CreditTransactionDetail,
    CreditTransactionList,
    CreditTransactionTotals,
)
from billing.views.posting import PostCredit
from billing.views.usage import UsageLogDetail, UsageLogList

__all__ = [
    "AdoptChange",
    "AdoptionDetail",
    "AdoptionList",
    "CreditTransactionDetail",
    "CreditTransactionList",
    "CreditTransactionTotals",
    "PostCredit",
    "UsageLogDetail",
    "UsageLogList",
]
