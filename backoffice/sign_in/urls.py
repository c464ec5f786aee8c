"""Addresses under /accounts/: ours first, then allauth's, of which some are not offered."""

from allauth.account import views as account
from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.urls import include, path, re_path

from backoffice.sign_in import views


@login_not_required
def closed(request, **kwargs):
    """In place of a page of allauth's that is not offered here."""
    raise Http404


RESET = r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$"
# Accounts and their addresses are the admins' business; links to the identity provider are made by signing in.
CLOSED = [
    "signup/",
    "email/",
    "confirm-email/",
    "confirm-email/<key>/",
    "login/code/confirm/",
    "password/set/",
    "3rdparty/",
    "3rdparty/signup/",
    "3rdparty/login/cancelled/",
    "3rdparty/login/error/",
    "social/login/cancelled/",
    "social/login/error/",
    "social/signup/",
    "social/connections/",
    "oidc/<provider_id>/login/",
    "oidc/<provider_id>/login/callback/",
]

urlpatterns = [
    *(path(address, closed) for address in CLOSED),
    path("login/", views.SignInPage.as_view(), name="account_login"),
    path("sso/", views.sso_begin, name="sso_begin"),
    path("sso/confirm/", views.sso_confirm, name="sso_confirm"),
    path("sso/callback/", views.sso_callback, name="sso_callback"),
    path("password/change/", views.password_page(account.password_change), name="account_change_password"),
    path("password/reset/", views.password_page(account.password_reset), name="account_reset_password"),
    re_path(
        RESET, views.password_page(account.password_reset_from_key), name="account_reset_password_from_key"
    ),
    path("2fa/", views.Index.as_view(), name="mfa_index"),
    path("2fa/totp/activate/", views.ActivateTOTP.as_view(), name="mfa_activate_totp"),
    path("2fa/totp/replace/", views.ReplaceTOTP.as_view(), name="mfa_replace_totp"),
    path("2fa/totp/deactivate/", views.DeactivateTOTP.as_view(), name="mfa_deactivate_totp"),
    path("2fa/webauthn/add/", views.AddPasskey.as_view(), name="mfa_add_webauthn"),
    path("2fa/webauthn/keys/<int:pk>/remove/", views.RemovePasskey.as_view(), name="mfa_remove_webauthn"),
    path(
        "2fa/webauthn/reauthenticate/",
        views.ReauthenticatePasskey.as_view(),
        name="mfa_reauthenticate_webauthn",
    ),
    path(
        "2fa/recovery-codes/generate/",
        views.GenerateRecoveryCodes.as_view(),
        name="mfa_generate_recovery_codes",
    ),
    path("", include("allauth.urls")),
]
