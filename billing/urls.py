from django.urls import path

from billing import views

app_name = "billing"
urlpatterns = [
    path("ledger/", views.CreditTransactionList.as_view(), name="credittransaction_list"),
    path("ledger/<int:pk>/", views.CreditTransactionDetail.as_view(), name="credittransaction_detail"),
    path("credits/<uuid:pk>/post/", views.PostCredit.as_view(), name="post_credit"),
    path("usage/", views.UsageLogList.as_view(), name="usagelog_list"),
    path("usage/<uuid:pk>/", views.UsageLogDetail.as_view(), name="usagelog_detail"),
]
