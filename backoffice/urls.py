from django.contrib import admin
from django.urls import include, path

from backoffice.demo.views import demo_audio
from backoffice.generic.inline import InlineEdit
from backoffice.probes import healthz, readyz
from backoffice.views import (
    activity,
    audit,
    figures,
    health,
    health_lists,
    held,
    home,
    invitation,
    jobs,
    me,
    picker,
    record_history,
    revert,
    search,
    sessions,
    staff,
)

handler400 = "backoffice.errors.bad_request"
handler403 = "backoffice.errors.permission_denied"
handler404 = "backoffice.errors.page_not_found"
handler429 = "backoffice.errors.too_many_requests"  # allauth's
handler500 = "backoffice.errors.server_error"

audit_patterns = (
    [
        path("changes/", audit.AuditEventList.as_view(), name="auditevent_list"),
        path("changes/<int:pk>/", audit.AuditEventDetail.as_view(), name="auditevent_detail"),
        path("changes/<int:pk>/revert/", revert.RevertChange.as_view(), name="auditevent_revert"),
        path("batches/<str:batch>/revert/", revert.RevertBatch.as_view(), name="batch_revert"),
        path("records/<str:table>/<str:pk>/", record_history.RecordHistory.as_view(), name="record_history"),
        path("people/<int:pk>/", activity.Activity.as_view(), name="person_activity"),
        path("readings/", audit.ReadLogList.as_view(), name="readlog_list"),
        path("readings/<int:pk>/", audit.ReadLogDetail.as_view(), name="readlog_detail"),
    ],
    "backoffice",
)

staff_patterns = [
    path("", staff.UserList.as_view(), name="user_list"),
    path("invite/", staff.UserCreate.as_view(), name="user_add"),
    path("<int:pk>/", staff.UserDetail.as_view(), name="user_detail"),
    path("<int:pk>/edit/", staff.UserUpdate.as_view(), name="user_edit"),
    path("<int:pk>/delete/", staff.UserDelete.as_view(), name="user_delete"),
    path("<int:pk>/invite/", staff.UserReinvite.as_view(), name="user_reinvite"),
    path("<int:pk>/withdraw/", staff.UserWithdraw.as_view(), name="user_withdraw"),
    path("<int:pk>/password/", staff.UserPassword.as_view(), name="user_password"),
    path("<int:pk>/reset-factors/", staff.UserResetFactors.as_view(), name="user_reset_factors"),
    path("<int:pk>/suspend/", staff.UserSuspend.as_view(), name="user_suspend"),
    path("<int:pk>/reactivate/", staff.UserReactivate.as_view(), name="user_reactivate"),
    path("<int:pk>/sessions/end/", staff.UserSessionsEnd.as_view(), name="user_sessions_end"),
    path("<int:pk>/sessions/<uuid:session>/end/", staff.UserSessionEnd.as_view(), name="user_session_end"),
]
backoffice_patterns = (
    [path("audit/", include(audit_patterns[0])), path("staff/", include(staff_patterns))],
    "backoffice",
)

urlpatterns = [
    # Answered by ProbeMiddleware, before all else; here they are known as addresses of the site.
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("", home.Home.as_view(), name="home"),
    path("figures/", figures.Figures.as_view(), name="figures"),
    path("search/", search.Search.as_view(), name="search"),
    path("search/palette/", search.Palette.as_view(), name="palette"),
    path("tenants/", include("tenants.urls")),
    path("agents/", include("agents.urls")),
    path("telephony/", include("telephony.urls")),
    path("billing/", include("billing.urls")),
    path("", include(backoffice_patterns)),
    path("health/", health.HealthOverview.as_view(), name="health"),
    path("health/check/", health.HealthCheckNow.as_view(), name="health_check"),
    path("health/findings/", health_lists.HealthFindingList.as_view(), name="healthfinding_list"),
    path(
        "health/findings/<int:pk>/", health_lists.HealthFindingDetail.as_view(), name="healthfinding_detail"
    ),
    path("health/rows/", health_lists.HealthRowList.as_view(), name="healthrow_list"),
    path("health/<slug:section>/", health.HealthSection.as_view(), name="health_section"),
    path("jobs/", jobs.JobList.as_view(), name="job_list"),
    path("jobs/<uuid:pk>/", jobs.JobDetail.as_view(), name="job_detail"),
    path("jobs/<uuid:pk>/cancel/", jobs.JobCancel.as_view(), name="job_cancel"),
    path("jobs/<uuid:pk>/retry/", jobs.JobRetry.as_view(), name="job_retry"),
    path("jobs/<uuid:pk>/result/", jobs.JobResult.as_view(), name="job_result"),
    path("", include("backoffice.list_urls")),
    path("inline/<str:label>/<uuid:pk>/<slug:field>/", InlineEdit.as_view(), name="inline_edit"),
    path("pick/<str:label>/", picker.Picker.as_view(), name="pick"),
    path("me/", me.Me.as_view(), name="me"),
    path("me/activity/", activity.Activity.as_view(), name="my_activity"),
    path("me/theme/", me.Theme.as_view(), name="theme"),
    path("me/sessions/", sessions.MySessions.as_view(), name="my_sessions"),
    path("me/sessions/end/", sessions.EndOthers.as_view(), name="my_sessions_end"),
    path("me/sessions/<uuid:pk>/end/", sessions.EndMine.as_view(), name="my_session_end"),
    path("held/<slug:key>/", held.Held.as_view(), name="held"),
    path("demo/audio/<slug:name>.wav", demo_audio, name="demo_audio"),
    path("invitation/", invitation.AcceptInvitation.as_view(), name="invitation"),
    path("accounts/", include("backoffice.sign_in.urls")),
    path("admin/", admin.site.urls),
]
