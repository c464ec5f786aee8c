from django.urls import path

from telephony import views

app_name = "telephony"
urlpatterns = [
    path("numbers/", views.PhoneNumberList.as_view(), name="phonenumber_list"),
    path("numbers/add/", views.PhoneNumberCreate.as_view(), name="phonenumber_add"),
    path("call-check/", views.CallCheck.as_view(), name="call_check"),
    path("numbers/<uuid:pk>/", views.PhoneNumberDetail.as_view(), name="phonenumber_detail"),
    path("numbers/<uuid:pk>/check/", views.PhoneNumberCheck.as_view(), name="phonenumber_check"),
    path("numbers/<uuid:pk>/edit/", views.PhoneNumberUpdate.as_view(), name="phonenumber_edit"),
    path("numbers/<uuid:pk>/delete/", views.PhoneNumberDelete.as_view(), name="phonenumber_delete"),
    path("numbers/<uuid:pk>/move/", views.PhoneNumberMove.as_view(), name="phonenumber_move"),
    path("numbers/<uuid:pk>/release/", views.PhoneNumberRelease.as_view(), name="phonenumber_release"),
    path(
        "numbers/<uuid:pk>/reactivate/", views.PhoneNumberReactivate.as_view(), name="phonenumber_reactivate"
    ),
    path("conflicts/", views.ConflictList.as_view(), name="conflict_list"),
    path("conflicts/<int:pk>/", views.ConflictDetail.as_view(), name="conflict_detail"),
    path("trunks/", views.SipTrunkList.as_view(), name="siptrunk_list"),
    path("trunks/add/", views.SipTrunkCreate.as_view(), name="siptrunk_add"),
    path("trunks/<uuid:pk>/", views.SipTrunkDetail.as_view(), name="siptrunk_detail"),
    path("trunks/<uuid:pk>/edit/", views.SipTrunkUpdate.as_view(), name="siptrunk_edit"),
    path("trunks/<uuid:pk>/delete/", views.SipTrunkDelete.as_view(), name="siptrunk_delete"),
    path("trunks/<uuid:pk>/password/", views.SipTrunkPassword.as_view(), name="siptrunk_password"),
    path(
        "trunks/<uuid:pk>/password/remove/",
        views.SipTrunkRemovePassword.as_view(),
        name="siptrunk_remove_password",
    ),
    path("calls/", views.CallLogList.as_view(), name="calllog_list"),
    path("calls/<uuid:pk>/", views.CallLogDetail.as_view(), name="calllog_detail"),
    path("calls/<uuid:pk>/correct/", views.CallLogCorrect.as_view(), name="calllog_correct"),
    path("calls/<uuid:pk>/stale/", views.CallLogMarkStale.as_view(), name="calllog_mark_stale"),
    path("calls/<uuid:pk>/recording/", views.CallRecording.as_view(), name="calllog_recording"),
]
