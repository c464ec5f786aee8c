import time

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context as allauth_context
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import ValidationError

from backoffice import services
from backoffice.models import SignIn, User
from backoffice.sessions import person
from backoffice.sign_in import events, mails, sso, throttle
from backoffice.sign_in.addresses import client_address


def account_of(email):
    return User.objects.filter(email=User.objects.normalize_email(email)).first()


class AccountAdapter(DefaultAccountAdapter):
    """Staff accounts are made by admins; nobody signs up."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "The mail address or the password is not right.",
    }

    def is_open_for_signup(self, request):
        return False

    def _get_login_attempts_cache_key(self, request, **credentials):
        return throttle.bucket(request, credentials.get("email", ""))

    def pre_authenticate(self, request, **credentials):
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            email = credentials.get("email", "")
            key = throttle.bucket(request, email)
            user, method = account_of(email), SignIn.Method.PASSWORD
            raise throttle.refusal(request, "login_failed", key, method, user, email) from None

    def authentication_failed(self, request, **credentials):
        email = credentials.get("email", "")
        events.record(
            request, SignIn.Kind.REFUSED, SignIn.Method.PASSWORD, user=account_of(email), typed=email
        )

    def set_password(self, user, password):
        user.set_password(password)
        with services.acting(user, "Own password"):
            user.save(update_fields=["password"])
        throttle.clear(allauth_context.request, user.email)

    def post_login(self, request, user, **kwargs):
        events.record(request, SignIn.Kind.SIGNED_IN, events.method_of(request, user), user=user)
        return super().post_login(request, user, **kwargs)

    def get_login_stages(self):
        return ["backoffice.sign_in.stages.SecondFactorStage"]

    def get_client_ip(self, request):
        return client_address(request)

    def send_mail(self, template_prefix, email, context):
        request = self.request or allauth_context.request
        words = {"request": request, "email": email, "current_site": get_current_site(request), **context}
        mails.later(self.render_mail(template_prefix, email, words).send)

    def is_reauthentication_required(self, *, app, **kwargs):
        """A proof is fresh for some minutes, the one of the sign-in itself included."""
        if not super().is_reauthentication_required(app=app, **kwargs):
            return False
        records = get_authentication_records(self.request, self.request.user)
        newest = max((record["at"] for record in records), default=0)
        if time.time() - newest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT:
            return False
        if not super().get_reauthentication_methods(self.request.user):
            # allauth would let people pass who have neither password nor factor; they confirm at their provider.
            raise ReauthenticationRequired
        return True

    def get_reauthentication_methods(self, user):
        """Whoever has a second factor confirms with it; the password alone is not enough then. Else the password,
        else a sign-in at the provider. The first one is asked for, the others are offered beside it.
        """
        methods = super().get_reauthentication_methods(user)
        factors = [
            method | ({"description": "Use a passkey"} if method["id"].endswith("webauthn") else {})
            for method in methods
            if method["id"] != "reauthenticate"
        ]
        if factors and not settings.OIDC_SECOND_FACTOR:
            return factors
        return (factors or methods) + sso.ways_to_confirm(user)


class StaffBackend(AuthenticationBackend):
    """Rights come from roles alone: permissions given to a single account do not count.

    The account comes with `role_names`, the names of its groups, `role_permissions`, what these may
    ("app.codename"), and `has_factor`, whether it has a second factor, in the same query: every page needs them.
    """

    def get_user(self, user_id):
        user = person.of_this_session(user_id) or person.read(user_id)
        return user if user is not None and self.user_can_authenticate(user) else None

    def get_group_permissions(self, user_obj, obj=None):
        read = getattr(user_obj, "role_permissions", None)
        if read is None or obj is not None or user_obj.is_superuser or not user_obj.is_active:
            return super().get_group_permissions(user_obj, obj)
        return set(read)

    def _get_user_permissions(self, user_obj):
        return Permission.objects.none()
