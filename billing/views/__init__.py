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
from billing.views.limits import CreditLimitDetail, CreditLimitList, CreditLimitUpdate
from billing.views.overview import Overview, OverviewCsv
from billing.views.posting import CreditTransactionReverse, PostCredit
from billing.views.prices import PriceCreate, PriceDetail, PriceList, PriceMissing, PriceUpdate
from billing.views.reconciliation import (
    Reconciled,
    ReconciliationCheck,
    ReconciliationFindingList,
    ReconciliationRunDetail,
    ReconciliationRunList,
)
from billing.views.requests import (
    CreditRequestDecide,
    CreditRequestDetail,
    CreditRequestList,
    CreditRequestWithdraw,
)
from billing.views.settlement import (
    Settle,
    SettlementDayDetail,
    SettlementDayList,
    SettlementDetail,
    SettlementList,
)
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
    "CreditLimitDetail",
    "CreditLimitList",
    "CreditLimitUpdate",
    "CreditRequestDecide",
    "CreditRequestDetail",
    "CreditRequestList",
    "CreditRequestWithdraw",
    "CreditTransactionDetail",
    "CreditTransactionList",
    "CreditTransactionReverse",
    "CreditTransactionTotals",
    "Overview",
    "OverviewCsv",
    "PostCredit",
    "PriceCreate",
    "PriceDetail",
    "PriceList",
    "PriceMissing",
    "PriceUpdate",
    "Reconciled",
    "ReconciliationCheck",
    "ReconciliationFindingList",
    "ReconciliationRunDetail",
    "ReconciliationRunList",
    "Settle",
    "SettlementDayDetail",
    "SettlementDayList",
    "SettlementDetail",
    "SettlementList",
    "StatementClose",
    "StatementContent",
    "StatementCsv",
    "StatementDetail",
    "StatementList",
    "UsageLogDetail",
    "UsageLogList",
]
