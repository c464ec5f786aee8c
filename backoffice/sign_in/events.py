"""What is kept of sign-ins, for the person and for admins: when, from where, how, and whether it worked."""

import logging
from datetime import timedelta

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.utils import timezone

from backoffice.models import SignIn
from backoffice.sign_in.addresses import client_address

logger = logging.getLogger("backoffice.sign_in")
ROUND_SECONDS = 60 * 60
PRUNED_AT_ONCE = 10_000


def record(request, kind, method, *, user=None, typed=""):
    """Keeps one, and writes a line to the log. Of an address that is nobody's only the beginning is kept."""
    address = client_address(request)
    SignIn.objects.create(
        account=user, typed="" if user else mask(typed), address=address, kind=kind, method=method
    )
    level = logging.INFO if kind == SignIn.Kind.SIGNED_IN else logging.WARNING
    logger.log(level, "Sign-in %s by %s: account %s from %s", kind, method, user.pk if user else "-", address)


def method_of(request, user):
    """How a sign-in that is complete now began."""
    records = get_authentication_records(request, user)
    if any(record["method"] == "socialaccount" for record in records):
        return SignIn.Method.SSO
    passwordless = any(record.get("passwordless") for record in records)
    return SignIn.Method.PASSKEY if passwordless else SignIn.Method.PASSWORD


def mask(typed):
    """ "someone@example.com" → "s…@example.com"; what is no address keeps its first letter alone."""
    name, _, domain = typed.strip().rpartition("@")
    return f"{name[:1]}…@{domain[:100]}" if name else f"{domain[:1]}…"


def recent(user, limit=10):
    """The newest sign-ins of an account, failed ones among them, as a list."""
    return list(user.sign_ins.all()[:limit])


def prune():
    """Deletes what is older than SIGN_IN_DAYS; returns whether there is more."""
    old = SignIn.objects.filter(at__lt=timezone.now() - timedelta(days=settings.SIGN_IN_DAYS))
    count, _ = SignIn.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:PRUNED_AT_ONCE])).delete()
    return count == PRUNED_AT_ONCE
