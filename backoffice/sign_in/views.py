"""Pages of signing in and of one's second factors: allauth's, each change written with its actor and for the audit."""

import functools

from allauth.account.decorators import reauthentication_required
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView
from allauth.core import ratelimit
from allauth.mfa.base.views import IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
)
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from backoffice import services
from backoffice.sign_in import events, sso
from backoffice.sign_in.factors import (
    FactorAdapter,
    factors_of,
    has_factor,
    is_first_use,
    needs_factor,
    remember_added,
)


@method_decorator(login_not_required, name="dispatch")
class SignInPage(LoginView):
    """Password, passkey, single sign-on: what the settings offer."""

    def dispatch(self, request, *args, **kwargs):
        if request.method == "POST" and not settings.PASSWORD_SIGN_IN:
            raise PermissionDenied("signing in by password, which is switched off here")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs):
        return super().get_context_data(**kwargs) | {
            "password_sign_in": settings.PASSWORD_SIGN_IN,
            "sso_name": settings.OIDC_SERVER_URL and settings.OIDC_NAME,
        }


def password_page(view):
    """A page about passwords, which is not there where nobody signs in by one."""

    @functools.wraps(view)
    def shown(request, *args, **kwargs):
        if not settings.PASSWORD_SIGN_IN:
            raise Http404
        return view(request, *args, **kwargs)

    return shown


@login_not_required
@never_cache
@require_POST
def sso_begin(request):
    """To the identity provider, and back by sso_callback."""
    if not settings.OIDC_SERVER_URL:
        raise Http404
    if refused := ratelimit.consume_or_429(request, action="login"):
        return refused
    try:
        url = sso.begin(request, get_next_redirect_url(request))
    except sso.FAILURES as error:
        return sso.failure(request, error)
    return render(request, "account/sso_leaving.html", {"provider": settings.OIDC_NAME, "url": url})


@never_cache
@require_GET
def sso_confirm(request):
    """Where somebody who signs in at the provider shows there that it is still them."""
    if not settings.OIDC_SERVER_URL:
        raise Http404
    context = {"provider": settings.OIDC_NAME, "next": get_next_redirect_url(request) or ""}
    return render(request, "account/sso_confirm.html", context)


@login_not_required
@never_cache
@require_GET
def sso_callback(request):
    if not settings.OIDC_SERVER_URL:
        raise Http404
    try:
        return sso.finish(request)
    except sso.FAILURES as error:
        return sso.failure(request, error)


class Index(IndexView):
    """What one signs in with."""

    def get_context_data(self, **kwargs):
        user = self.request.user
        return super().get_context_data(**kwargs) | {
            "page_title": "Sign-in",
            "must_add": needs_factor(user) and not has_factor(user),
            "must_keep": needs_factor(user),
            "sign_ins": events.recent(user),
            "passkeys": factors_of(user).filter(type=Authenticator.Type.WEBAUTHN),
        }


class ActingMixin:
    """What a valid form writes has its actor and `reason`; `adds` a factor, which this session has then shown."""

    reason = ""
    adds = False

    def form_valid(self, form):
        user = self.request.user
        with services.acting(user, self.reason):
            before = set(factors_of(user).values_list("pk", flat=True)) if self.adds else set()
            response = self.write(form)
            added = factors_of(user).exclude(pk__in=before) if self.adds else []
            for factor in added:
                remember_added(self.request, factor)
        return response

    def write(self, form):
        return super().form_valid(form)


class ActivateTOTP(ActingMixin, ActivateTOTPView):
    reason = "Set up an authenticator app"
    adds = True

    def write(self, form):
        is_first_use(self.request.user, form.cleaned_data["code"])  # the code that proved it signs nobody in
        return super().write(form)


@method_decorator(reauthentication_required(app="allauth.mfa"), name="dispatch")
class ReplaceTOTP(ActivateTOTP):
    """Another authenticator app in place of the one that is there: at no moment is there none."""

    template_name = "mfa/totp/replace_form.html"
    reason = "Replaced the authenticator app"

    def dispatch(self, request, *args, **kwargs):
        if not self.current().exists():
            return HttpResponseRedirect(reverse("mfa_activate_totp"))
        # Past ActivateTOTPView's own, which would lead away from here.
        return super(ActivateTOTPView, self).dispatch(request, *args, **kwargs)

    def current(self):
        return Authenticator.objects.filter(user=self.request.user, type=Authenticator.Type.TOTP)

    def write(self, form):
        self.current().delete()
        return super().write(form)


class DeactivateTOTP(ActingMixin, DeactivateTOTPView):
    reason = "Removed the authenticator app"


class AddPasskey(ActingMixin, AddWebAuthnView):
    reason = "Added a passkey"
    adds = True


class RemovePasskey(ActingMixin, RemoveWebAuthnView):
    reason = "Removed a passkey"

    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs):
        return super().get_context_data(**kwargs) | {"may_remove": self.may_remove()}

    def may_remove(self):
        return FactorAdapter().can_delete_authenticator(self.object)

    def form_valid(self, form):
        if self.may_remove():
            return super().form_valid(form)
        return self.render_to_response(self.get_context_data(form=form), status=422)


class GenerateRecoveryCodes(ActingMixin, GenerateRecoveryCodesView):
    reason = "Made new recovery codes"


class ReauthenticatePasskey(ReauthenticateWebAuthnView):
    def form_invalid(self, form):
        for message in form.errors.get("credential", []):
            messages.error(self.request, message)
        return HttpResponseRedirect(self.passthrough_next_url(self.request.path))
