from django.urls import path

from tenants import views

app_name = "tenants"
urlpatterns = [
    path("organizations/", views.OrganizationList.as_view(), name="organization_list"),
    path("organizations/add/", views.OrganizationCreate.as_view(), name="organization_add"),
    path("organizations/<uuid:pk>/", views.OrganizationOverview.as_view(), name="organization_detail"),
    path("organizations/<uuid:pk>/agents/", views.OrganizationAgents.as_view(), name="organization_agents"),
    path(
        "organizations/<uuid:pk>/numbers/", views.OrganizationNumbers.as_view(), name="organization_numbers"
    ),
    path(
        "organizations/<uuid:pk>/calls/check/",
        views.OrganizationCallCheck.as_view(),
        name="organization_call_check",
    ),
    path("organizations/<uuid:pk>/calls/", views.OrganizationCalls.as_view(), name="organization_calls"),
    path(
        "organizations/<uuid:pk>/conversations/",
        views.OrganizationConversations.as_view(),
        name="organization_conversations",
    ),
    path(
        "organizations/<uuid:pk>/usage/",
        views.OrganizationUsage.as_view(),
        name="organization_usage",
    ),
    path(
        "organizations/<uuid:pk>/timeline/",
        views.OrganizationTimeline.as_view(),
        name="organization_timeline",
    ),
    path("organizations/<uuid:pk>/ledger/", views.OrganizationLedger.as_view(), name="organization_ledger"),
    path("organizations/<uuid:pk>/notes/", views.OrganizationNotes.as_view(), name="organization_notes"),
    path(
        "organizations/<uuid:pk>/readers/", views.OrganizationReaders.as_view(), name="organization_readers"
    ),
    path("organizations/<uuid:pk>/assign/", views.OrganizationAssign.as_view(), name="organization_assign"),
    path(
        "organizations/<uuid:pk>/hand-over/",
        views.OrganizationHandOver.as_view(),
        name="organization_hand_over",
    ),
    path(
        "organizations/<uuid:pk>/release/", views.OrganizationRelease.as_view(), name="organization_release"
    ),
    path("organizations/<uuid:pk>/snooze/", views.OrganizationSnooze.as_view(), name="organization_snooze"),
    path("organizations/<uuid:pk>/wake/", views.OrganizationWake.as_view(), name="organization_wake"),
    path("organizations/<uuid:pk>/follow/", views.OrganizationFollow.as_view(), name="organization_follow"),
    path(
        "organizations/<uuid:pk>/unfollow/",
        views.OrganizationUnfollow.as_view(),
        name="organization_unfollow",
    ),
    path(
        "organizations/<uuid:pk>/suspend/", views.OrganizationSuspend.as_view(), name="organization_suspend"
    ),
    path(
        "organizations/<uuid:pk>/restore/", views.OrganizationRestore.as_view(), name="organization_restore"
    ),
    path("organizations/<uuid:pk>/owner/", views.OrganizationOwner.as_view(), name="organization_owner"),
    path("organizations/<uuid:pk>/edit/", views.OrganizationUpdate.as_view(), name="organization_edit"),
    path("organizations/<uuid:pk>/delete/", views.OrganizationDelete.as_view(), name="organization_delete"),
    path(
        "organizations/<uuid:pk>/archive/", views.OrganizationArchive.as_view(), name="organization_archive"
    ),
    path(
        "organizations/<uuid:pk>/preview/", views.OrganizationPreview.as_view(), name="organization_preview"
    ),
    path(
        "organizations/<uuid:pk>/preview/begin/",
        views.OrganizationPreviewBegin.as_view(),
        name="organization_preview_begin",
    ),
    path(
        "organizations/<uuid:pk>/preview/end/",
        views.OrganizationPreviewEnd.as_view(),
        name="organization_preview_end",
    ),
    path(
        "organizations/<uuid:pk>/preview/agents/",
        views.OrganizationPreviewAgents.as_view(),
        name="organization_preview_agents",
    ),
    path(
        "organizations/<uuid:pk>/preview/agents/<uuid:row>/",
        views.OrganizationPreviewAgent.as_view(),
        name="organization_preview_agent",
    ),
    path(
        "organizations/<uuid:pk>/preview/numbers/",
        views.OrganizationPreviewNumbers.as_view(),
        name="organization_preview_numbers",
    ),
    path(
        "organizations/<uuid:pk>/preview/trunks/",
        views.OrganizationPreviewTrunks.as_view(),
        name="organization_preview_trunks",
    ),
    path(
        "organizations/<uuid:pk>/preview/sessions/",
        views.OrganizationPreviewConversations.as_view(),
        name="organization_preview_sessions",
    ),
    path(
        "organizations/<uuid:pk>/preview/sessions/<uuid:row>/",
        views.OrganizationPreviewConversation.as_view(),
        name="organization_preview_session",
    ),
    path(
        "organizations/<uuid:pk>/preview/chats/",
        views.OrganizationPreviewChats.as_view(),
        name="organization_preview_chats",
    ),
    path(
        "organizations/<uuid:pk>/preview/chats/<uuid:row>/",
        views.OrganizationPreviewChat.as_view(),
        name="organization_preview_chat",
    ),
    path(
        "organizations/<uuid:pk>/preview/calls/",
        views.OrganizationPreviewCalls.as_view(),
        name="organization_preview_calls",
    ),
    path(
        "organizations/<uuid:pk>/preview/usage/",
        views.OrganizationPreviewUsage.as_view(),
        name="organization_preview_usage",
    ),
    path(
        "organizations/<uuid:pk>/preview/ledger/",
        views.OrganizationPreviewLedger.as_view(),
        name="organization_preview_ledger",
    ),
    path("organizations/<uuid:pk>/close/", views.OrganizationClose.as_view(), name="organization_close"),
    path("profiles/", views.UserProfileList.as_view(), name="userprofile_list"),
    path("profiles/add/", views.UserProfileCreate.as_view(), name="userprofile_add"),
    path("profiles/<uuid:pk>/", views.UserProfileDetail.as_view(), name="userprofile_detail"),
    path("profiles/<uuid:pk>/edit/", views.UserProfileUpdate.as_view(), name="userprofile_edit"),
    path("profiles/<uuid:pk>/delete/", views.UserProfileDelete.as_view(), name="userprofile_delete"),
    path("notes/", views.NoteList.as_view(), name="note_list"),
    path("notes/add/", views.NoteCreate.as_view(), name="note_add"),
    path("notes/<uuid:pk>/", views.NoteDetail.as_view(), name="note_detail"),
    path("notes/<uuid:pk>/edit/", views.NoteUpdate.as_view(), name="note_edit"),
    path("notes/<uuid:pk>/delete/", views.NoteDelete.as_view(), name="note_delete"),
    path("notes/<uuid:pk>/pin/", views.NotePin.as_view(), name="note_pin"),
    path("notes/<uuid:pk>/unpin/", views.NoteUnpin.as_view(), name="note_unpin"),
    path("attention/", views.AttentionList.as_view(), name="attentionitem_list"),
    path("attention/<uuid:pk>/", views.AttentionDetail.as_view(), name="attentionitem_detail"),
    path("attention/<uuid:pk>/done/", views.AttentionFinish.as_view(), name="attentionitem_done"),
    path("attention/<uuid:pk>/reopen/", views.AttentionReopen.as_view(), name="attentionitem_reopen"),
    path("profiles/<uuid:pk>/erase/", views.UserProfileErase.as_view(), name="userprofile_erase"),
    path(
        "profiles/<uuid:pk>/request-erasure/",
        views.UserProfileRequestErasure.as_view(),
        name="userprofile_request_erasure",
    ),
    path("erasures/", views.ErasureList.as_view(), name="erasure_list"),
    path("erasures/add/", views.ErasureCreate.as_view(), name="erasure_add"),
    path("erasures/<uuid:pk>/", views.ErasureDetail.as_view(), name="erasure_detail"),
    path("erasures/<uuid:pk>/search/", views.ErasureTakeUp.as_view(), name="erasure_take_up"),
    path("erasures/<uuid:pk>/erase/", views.ErasureErase.as_view(), name="erasure_erase"),
    path("erasures/<uuid:pk>/discard/", views.ErasureDiscard.as_view(), name="erasure_discard"),
    path(
        "erasures/<uuid:pk>/certificate.txt", views.ErasureCertificate.as_view(), name="erasure_certificate"
    ),
    path(
        "erasures/<uuid:pk>/certificate.json",
        views.ErasureCertificate.as_view(kind="json"),
        name="erasure_certificate_json",
    ),
]
