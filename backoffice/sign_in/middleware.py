"""Who has to have a second factor reaches nothing before it is set up, and nothing by a session that showed none."""

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from backoffice.sign_in.factors import has_factor, needs_factor, used_factor, used_trusted_sso

LEAVING = {"account_logout"}
# What one needs to set a factor up, and to show the one that is there.
SETTING_UP = LEAVING | {"mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate"}
SHOWING = LEAVING | {"mfa_reauthenticate", "mfa_reauthenticate_webauthn"}
# Confirming at the provider, where the account has nothing else to confirm with.
SETTING_UP |= {"sso_confirm", "sso_begin", "sso_callback"}


class SecondFactorMiddleware:
    """Closed by default: every view but those named here, whatever the method and whoever asks (htmx, admin, files)."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        if not request.user.is_authenticated or not needs_factor(request.user) or used_trusted_sso(request):
            return None
        if not has_factor(request.user):
            allowed, name = SETTING_UP, "mfa_index"
        elif not used_factor(request):
            allowed, name = SHOWING, "mfa_reauthenticate"
        else:
            return None
        match = request.resolver_match
        if not match.namespaces and match.url_name in allowed:
            request.lacks_factor = True  # the shell around the page stays empty, too
            return None
        url = reverse(name)
        if request.method == "GET" and name == "mfa_reauthenticate" and not request.headers.get("HX-Request"):
            url = f"{url}?{urlencode({'next': request.get_full_path()})}"
        if request.headers.get("HX-Request"):
            return HttpResponse(status=204, headers={"HX-Redirect": url})
        return HttpResponseRedirect(url)
