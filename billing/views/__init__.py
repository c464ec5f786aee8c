from billing.views.ledger import CreditTransactionDetail, CreditTransactionList
from billing.views.posting import PostCredit
from billing.views.usage import UsageLogDetail, UsageLogList

__all__ = [
    "CreditTransactionDetail",
    "CreditTransactionList",
    "PostCredit",
    "UsageLogDetail",
    "UsageLogList",
]
