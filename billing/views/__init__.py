from billing.views.balances import BalanceList, BalancesRefresh
from billing.views.bulk_postings import (
    BulkPostingApprove,
    BulkPostingCreate,
    BulkPostingDecline,
    BulkPostingDetail,
    BulkPostingExample,
    BulkPostingList,
    BulkPostingResults,
    BulkPostingResume,
    BulkPostingStop,
    BulkPostingWithdraw,
)
from billing.views.ledger import (
    AdoptChange,
    AdoptionDetail,
    AdoptionList,
    CreditTransactionDetail,
    CreditTransactionList,
    CreditTransactionTotals,
)
from billing.views.overview import Overview, OverviewCsv
from billing.views.posting import PostCredit
from billing.views.statements import (
    StatementClose,
    StatementContent,
    StatementCsv,
    StatementDetail,
    StatementList,
)
from billing.views.usage import UsageLogDetail, UsageLogList

__all__ = [
    "AdoptChange",
    "AdoptionDetail",
    "AdoptionList",
    "BalanceList",
    "BalancesRefresh",
    "BulkPostingApprove",
    "BulkPostingCreate",
    "BulkPostingDecline",
    "BulkPostingDetail",
    "BulkPostingExample",
    "BulkPostingList",
    "BulkPostingResults",
    "BulkPostingResume",
    "BulkPostingStop",
    "BulkPostingWithdraw",
    "CreditTransactionDetail",
    "CreditTransactionList",
    "CreditTransactionTotals",
    "Overview",
    "OverviewCsv",
    "PostCredit",
    "StatementClose",
    "StatementContent",
    "StatementCsv",
    "StatementDetail",
    "StatementList",
    "UsageLogDetail",
    "UsageLogList",
]
