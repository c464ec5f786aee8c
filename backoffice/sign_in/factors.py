"""Second factors of an account: who has one, who has to, how they are kept and taken away."""

import base64
import logging
import secrets

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from backoffice import services
from backoffice.roles import ADMIN
from backoffice.sign_in import cipher

logger = logging.getLogger(__name__)
# Recovery codes stand in for a factor that is lost; alone they are none.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class FactorAdapter(DefaultMFAAdapter):
    """Seeds are encrypted; the last factor of somebody who has to have one stays."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "This code is not right, or was used already. Codes change every half minute.",
        "cannot_delete_authenticator": (
            "Your role needs a second factor, and this is your only one. Add another first, or replace this one."
        ),
        "cannot_generate_recovery_codes": "Recovery codes stand in for a second factor. Add one first.",
    }

    def encrypt(self, text):
        return cipher.encrypt(text)

    def decrypt(self, encrypted_text):
        try:
            return cipher.decrypt(encrypted_text)
        except cipher.KeyGone:
            logger.error("A second factor cannot be read: its key is not in SECRET_KEY_FALLBACKS any more.")
            return base64.b32encode(secrets.token_bytes(20)).decode()  # no code fits

    def can_delete_authenticator(self, authenticator):
        user = authenticator.user
        if authenticator.type not in FACTORS or not needs_factor(user):
            return True
        return factors_of(user).exclude(pk=authenticator.pk).exists()

    def is_mfa_enabled(self, user, types=None):
        if set(types or FACTORS) == set(FACTORS) and hasattr(user, "has_factor"):
            return user.has_factor
        return super().is_mfa_enabled(user, types)

    def generate_authenticator_name(self, user, type):
        count = Authenticator.objects.filter(user=user, type=type).count()
        return f"Passkey {count + 1}"


def factors_of(user):
    """The authenticator app and passkeys of an account, oldest first."""
    return Authenticator.objects.filter(user=user, type__in=FACTORS).order_by("created_at", "pk")


def words(factor):
    return f"passkey “{factor}”" if factor.type == Authenticator.Type.WEBAUTHN else "authenticator app"


def has_factor(user):
    """Whether an account has a second factor; without a query where StaffBackend brought the answer."""
    return user.has_factor if hasattr(user, "has_factor") else factors_of(user).exists()


def needs_factor(user):
    """Whether the account's role has to have a second factor (MFA_REQUIRED_ROLES)."""
    required = settings.MFA_REQUIRED_ROLES
    if not required:
        return False
    if user.is_superuser:
        return ADMIN in required
    names = getattr(user, "role_names", None)
    if names is None:
        names = user.groups.values_list("name", flat=True)
    return not set(required).isdisjoint(names)


def used_factor(request):
    """Whether whoever holds this session has shown a second factor in it."""
    return any(is_second_factor(record) for record in get_authentication_records(request, request.user))


def is_second_factor(record):
    """Of one of allauth's records of a session: a factor of ours, or the provider's where that counts."""
    return record.get("method") == "mfa" or is_trusted_sso(record)


def is_trusted_sso(record):
    return settings.OIDC_SECOND_FACTOR and record.get("method") == "socialaccount"


def used_trusted_sso(request):
    """Whether this session began at an identity provider whose second factor counts."""
    return any(is_trusted_sso(record) for record in get_authentication_records(request, request.user))


def is_first_use(user, code):
    """Whether a code of the account's app was not accepted before; from now on it was.

    Kept for as long as a code is accepted: allauth itself remembers one for half a minute alone, and takes those
    before and after it, too.
    """
    seconds = (2 * settings.MFA_TOTP_TOLERANCE + 1) * app_settings.TOTP_PERIOD
    return cache.add(f"totp-used:{user.pk}:{normalize_user_code(code)}", 1, seconds)


def remember_added(request, factor):
    """A factor that was set up in this session just now has been shown in it."""
    record_authentication(request, request.user, "mfa", id=factor.pk, type=factor.type, reauthenticated=True)


@transaction.atomic
def reset_factors(user, *, actor, reason):
    """Take every second factor and all recovery codes from an account whose owner lost them. Returns how many.

    Whoever has to have a factor sets up a new one right after the next sign-in. Ending the account's sessions is the
    caller's business. Links to the identity provider stay.
    """
    with services.acting(actor, reason):
        factors = Authenticator.objects.filter(user=user)
        count = factors.count()
        factors.delete()
    return count
