from django.urls import path

from billing import views

app_name = "billing"
urlpatterns = [
    path("ledger/", views.CreditTransactionList.as_view(), name="credittransaction_list"),
    path("ledger/totals/", views.CreditTransactionTotals.as_view(), name="credittransaction_totals"),
    path("ledger/<int:pk>/", views.CreditTransactionDetail.as_view(), name="credittransaction_detail"),
    path("ledger/<int:pk>/adopt/", views.AdoptChange.as_view(), name="adopt_change"),
    path("adoptions/", views.AdoptionList.as_view(), name="adoption_list"),
    path("adoptions/<int:pk>/", views.AdoptionDetail.as_view(), name="adoption_detail"),
    path("credits/<uuid:pk>/post/", views.PostCredit.as_view(), name="post_credit"),
    path("balances/", views.BalanceList.as_view(), name="balance_list"),
    path("balances/refresh/", views.BalancesRefresh.as_view(), name="balances_refresh"),
    path("bulk-postings/", views.BulkPostingList.as_view(), name="bulkposting_list"),
    path("bulk-postings/add/", views.BulkPostingCreate.as_view(), name="bulkposting_add"),
    path("bulk-postings/example.csv", views.BulkPostingExample.as_view(), name="bulkposting_example"),
    path("bulk-postings/<uuid:pk>/", views.BulkPostingDetail.as_view(), name="bulkposting_detail"),
    path("bulk-postings/<uuid:pk>/approve/", views.BulkPostingApprove.as_view(), name="bulkposting_approve"),
    path("bulk-postings/<uuid:pk>/decline/", views.BulkPostingDecline.as_view(), name="bulkposting_decline"),
    path(
        "bulk-postings/<uuid:pk>/withdraw/", views.BulkPostingWithdraw.as_view(), name="bulkposting_withdraw"
    ),
    path("bulk-postings/<uuid:pk>/stop/", views.BulkPostingStop.as_view(), name="bulkposting_stop"),
    path("bulk-postings/<uuid:pk>/resume/", views.BulkPostingResume.as_view(), name="bulkposting_resume"),
    path(
        "bulk-postings/<uuid:pk>/results.csv", views.BulkPostingResults.as_view(), name="bulkposting_results"
    ),
    path(
        "ledger/<int:pk>/reverse/",
        views.CreditTransactionReverse.as_view(),
        name="credittransaction_reverse",
    ),
    path("requests/", views.CreditRequestList.as_view(), name="creditrequest_list"),
    path("requests/<uuid:pk>/", views.CreditRequestDetail.as_view(), name="creditrequest_detail"),
    path("requests/<uuid:pk>/decide/", views.CreditRequestDecide.as_view(), name="creditrequest_decide"),
    path(
        "requests/<uuid:pk>/withdraw/", views.CreditRequestWithdraw.as_view(), name="creditrequest_withdraw"
    ),
    path("limits/", views.CreditLimitList.as_view(), name="creditlimit_list"),
    path("limits/<int:pk>/", views.CreditLimitDetail.as_view(), name="creditlimit_detail"),
    path("limits/<int:pk>/edit/", views.CreditLimitUpdate.as_view(), name="creditlimit_edit"),
    path("reconciliation/", views.Reconciled.as_view(), name="reconciliation"),
    path("reconciliation/check/", views.ReconciliationCheck.as_view(), name="reconciliation_check"),
    path("reconciliation/checks/", views.ReconciliationRunList.as_view(), name="reconciliationrun_list"),
    path(
        "reconciliation/checks/<int:pk>/",
        views.ReconciliationRunDetail.as_view(),
        name="reconciliationrun_detail",
    ),
    path(
        "reconciliation/findings/",
        views.ReconciliationFindingList.as_view(),
        name="reconciliationfinding_list",
    ),
    path("usage/", views.UsageLogList.as_view(), name="usagelog_list"),
    path("usage/<uuid:pk>/", views.UsageLogDetail.as_view(), name="usagelog_detail"),
    path("overview/", views.Overview.as_view(), name="overview"),
    path("overview/csv/", views.OverviewCsv.as_view(), name="overview_csv"),
    path("statements/", views.StatementList.as_view(), name="statement_list"),
    path("statements/close/", views.StatementClose.as_view(), name="statement_close"),
    path("statements/<uuid:pk>/", views.StatementDetail.as_view(), name="statement_detail"),
    path("statements/<uuid:pk>/csv/", views.StatementCsv.as_view(), name="statement_csv"),
    path("statements/<uuid:pk>/content/", views.StatementContent.as_view(), name="statement_content"),
    path("settlements/", views.SettlementDayList.as_view(), name="settlementday_list"),
    path("settlements/settle/", views.Settle.as_view(), name="settle"),
    path("settlements/days/<int:pk>/", views.SettlementDayDetail.as_view(), name="settlementday_detail"),
    path("settlements/organizations/", views.SettlementList.as_view(), name="settlement_list"),
    path("settlements/organizations/<int:pk>/", views.SettlementDetail.as_view(), name="settlement_detail"),
    path("prices/", views.PriceList.as_view(), name="price_list"),
    path("prices/add/", views.PriceCreate.as_view(), name="price_add"),
    path("prices/missing/", views.PriceMissing.as_view(), name="price_missing"),
    path("prices/<int:pk>/", views.PriceDetail.as_view(), name="price_detail"),
    path("prices/<int:pk>/edit/", views.PriceUpdate.as_view(), name="price_edit"),
]
