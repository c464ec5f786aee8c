"""Addresses beside every list, which is named by its url name, and of saved views."""

from django.urls import path

from backoffice.views import bulk, lists, saved_views

urlpatterns = [
    path("lists/<str:list_name>/columns/", lists.ListColumns.as_view(), name="list_columns"),
    path("lists/<str:list_name>/export/", lists.ListExport.as_view(), name="list_export"),
    path("lists/<str:list_name>/views/add/", saved_views.ViewAdd.as_view(), name="view_add"),
    path("lists/<str:list_name>/bulk/", bulk.BulkPrepare.as_view(), name="list_bulk"),
    path("bulk/<uuid:pk>/", bulk.BulkConfirm.as_view(), name="bulk_confirm"),
    path("jobs/<uuid:pk>/outcome/", bulk.BulkOutcome.as_view(), name="bulk_outcome"),
    path("views/<uuid:pk>/", saved_views.ViewOpen.as_view(), name="view_open"),
    path("views/<uuid:pk>/edit/", saved_views.ViewEdit.as_view(), name="view_edit"),
    path("views/<uuid:pk>/delete/", saved_views.ViewDelete.as_view(), name="view_delete"),
]
