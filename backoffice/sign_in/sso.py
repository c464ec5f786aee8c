"""Single sign-on by OpenID Connect: allauth's code flow with PKCE and state, and with what it leaves to us.

Added here: a nonce, a signature that is always verified, one subject in both answers, requests that go to the
configured hosts alone, links bound to their issuer, and that only accounts an admin made are signed in to.
"""

import hashlib
import logging
import secrets
import time
from urllib.parse import urlsplit

import requests
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.internal.flows.login import record_authentication
from allauth.socialaccount.models import SocialAccount, SocialApp
from allauth.socialaccount.providers.base import AuthError
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.db import DataError
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from backoffice import services
from backoffice.models import SignIn, User
from backoffice.sign_in import events

logger = logging.getLogger(__name__)
PROVIDER = "sso"
TIMEOUT_SECONDS = (3, 5)  # to connect, and for each answer
# What a provider can make of our requests; each has its page and no page of errors.
FAILURES = (OAuth2Error, requests.RequestException, LookupError, TypeError, ValueError, DataError)
CLOCKS_DIFFER_SECONDS = 60
# Asked for, the answer says when the person signed in; of 0, some providers ask again and again.
MAX_AGE_SECONDS = 300
STATUS = {"refused": 403, "other": 403, "away": 503, "failed": 400, "cancelled": 200}


def problem(request, kind):
    """The page that says what to do next; `kind` is one of STATUS. Never whether an account exists."""
    context = {"kind": kind, "provider": settings.OIDC_NAME}
    response = render(request, "account/sso_problem.html", context, status=STATUS[kind])
    if kind == "away":
        response["Retry-After"] = "60"
    return response


def failure(request, error):
    """The page for something that the provider did, or did not do."""
    away = isinstance(error, requests.ConnectionError | requests.Timeout)
    logger.warning("Single sign-on failed: %s", type(error).__name__, exc_info=error)
    return problem(request, "away" if away else "failed")


class HostsSession(requests.Session):
    """Requests of the server go to the provider that the settings name, and nowhere else it may point to."""

    def request(self, method, url, **options):
        parts = urlsplit(url)
        if (
            parts.hostname not in settings.OIDC_HOSTS
            or parts.scheme != urlsplit(settings.OIDC_SERVER_URL).scheme
        ):
            raise OAuth2Error(f"{parts.hostname} is not among OIDC_HOSTS.")
        options |= {"timeout": TIMEOUT_SECONDS, "allow_redirects": False}
        return super().request(method, url, **options)


class Provider(OpenIDConnectProvider):
    def get_oauth2_adapter(self, request):
        return CodeFlow(request, PROVIDER)

    def extract_uid(self, data):
        """A subject is one only together with its issuer: another provider's may be called the same."""
        token = data["id_token"]
        return hashlib.sha256(f"{token['iss']}\n{token['sub']}".encode()).hexdigest()

    def extract_extra_data(self, data):
        return {"issuer": data["id_token"]["iss"], "subject": data["id_token"]["sub"]}

    def extract_email_addresses(self, data):
        told = {**data["id_token"], **data["userinfo"]}
        email = User.objects.normalize_email(str(told.get("email") or ""))
        return [EmailAddress(email=email, verified=is_verified(email, told))] if email else []


def is_verified(email, told):
    """Whether the provider vouches for the address: it says so, or its domain is one that it alone hands out."""
    claim = told.get("email_verified")
    if claim is None:
        return email.rpartition("@")[2] in settings.OIDC_MAIL_DOMAINS
    return claim is True or claim == "true"


class CodeFlow(OpenIDConnectOAuth2Adapter):
    nonce = None  # of the state that came back
    asked_at = None  # when the provider was told to ask again; None where it may know the person already

    def get_callback_url(self, request, app):
        return request.build_absolute_uri(reverse("sso_callback"))

    def complete_login(self, request, app, token, **kwargs):
        answer = kwargs["response"]
        told = {
            "id_token": self._decode_id_token(app, answer["id_token"]),
            "userinfo": self._fetch_user_info(token.token),
        }
        if not self.nonce or told["id_token"].get("nonce") != self.nonce:
            raise OAuth2Error("The nonce is another one.")
        if told["userinfo"].get("sub") != told["id_token"]["sub"]:
            raise OAuth2Error("The two answers are about two subjects.")
        at = told["id_token"].get("auth_time")  # not every provider says it
        if self.asked_at and at and float(at) < self.asked_at - CLOCKS_DIFFER_SECONDS:
            raise OAuth2Error("The provider did not ask again.")
        return self.get_provider().sociallogin_from_response(request, told)

    def _decode_id_token(self, app, id_token):
        return jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=self.openid_config["jwks_uri"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )


class Callback(OAuth2CallbackView):
    def _get_state(self, request, provider):
        state, response = super()._get_state(request, provider)
        self.adapter.nonce = (state or {}).get("nonce")
        self.adapter.asked_at = (state or {}).get("asked_at")
        return state, response


def begin(request, next_url):
    """The provider's address to send the person to. Raises one of FAILURES.

    Whoever is signed in here confirms: the provider is to ask, however long ago it did so itself.
    """
    nonce = secrets.token_urlsafe(24)
    params, kept = {"nonce": nonce}, {"nonce": nonce}
    if request.user.is_authenticated:
        params |= {"prompt": "login", "max_age": str(MAX_AGE_SECONDS)}
        kept["asked_at"] = time.time()
    provider = SocialAccountAdapter(request).get_provider(request, PROVIDER)
    return provider.redirect(request, process="login", next_url=next_url, auth_params=params, **kept).url


def ways_to_confirm(user):
    """As get_reauthentication_methods: the provider, for those whose account is linked to it."""
    if (
        not settings.OIDC_SERVER_URL
        or not SocialAccount.objects.filter(user=user, provider=PROVIDER).exists()
    ):
        return []
    words = f"Sign in with {settings.OIDC_NAME} again"
    return [{"id": "sso", "description": words, "url": reverse("sso_confirm")}]


def finish(request):
    """The response to a person who comes back from the provider. Raises one of FAILURES."""
    return Callback.adapter_view(CodeFlow(request, PROVIDER))(request)


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    def list_apps(self, request, provider=None, client_id=None):
        """The provider of the settings; none is kept in the database."""
        if not settings.OIDC_SERVER_URL:
            return []
        options = {
            "server_url": settings.OIDC_SERVER_URL,
            "oauth_pkce_enabled": True,
            "scope": ["openid", "email"],
        }
        return [
            SocialApp(
                provider="openid_connect",
                provider_id=PROVIDER,
                name=settings.OIDC_NAME,
                client_id=settings.OIDC_CLIENT_ID,
                secret=settings.OIDC_CLIENT_SECRET,
                settings=options,
            )
        ]

    def get_provider(self, request, provider, client_id=None):
        return Provider(request, app=self.get_app(request, provider))

    def get_requests_session(self):
        return HostsSession()

    def is_open_for_signup(self, request, sociallogin):
        return False

    def on_authentication_error(self, request, provider, error=None, exception=None, extra_context=None):
        if error == AuthError.CANCELLED:
            raise ImmediateHttpResponse(problem(request, "cancelled"))
        raise ImmediateHttpResponse(failure(request, exception or OAuth2Error()))

    def pre_social_login(self, request, sociallogin):
        """Leads to the account that is linked, or that has an address the provider vouches for, and links it."""
        linked = sociallogin.account.pk is not None
        verified = [address.email for address in sociallogin.email_addresses if address.verified]
        user = sociallogin.user if linked else User.objects.filter(email__in=verified).first()
        if user is None or not user.is_active:
            typed = "" if user else next((address.email for address in sociallogin.email_addresses), "")
            events.record(request, SignIn.Kind.REFUSED, SignIn.Method.SSO, user=user, typed=typed)
            raise ImmediateHttpResponse(problem(request, "refused"))
        if request.user.is_authenticated and user != request.user:
            raise ImmediateHttpResponse(problem(request, "other"))
        if not linked:
            sociallogin.account.user = sociallogin.user = user
            with services.acting(user, f"First sign-in with {settings.OIDC_NAME}"):
                sociallogin.account.save()
        if request.user.is_authenticated:
            # A confirmation: the session goes on, with the form that waits in it.
            record_authentication(request, sociallogin)
            url = sociallogin.get_redirect_url(request) or reverse("home")
            raise ImmediateHttpResponse(HttpResponseRedirect(url))
