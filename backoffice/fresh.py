"""Money, reveals, staff accounts and what cannot be undone ask who is there: a sign-in or a confirmation not older than
FRESH_FACTOR_MINUTES. docs/staff.md.

Pages ask by themselves where their permission stands in roles.FRESH (generic.ModelPage). Services and jobs know
nothing of it: it guards a browser that was left open, not a right.
"""

import time

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils.http import urlencode

from backoffice.roles import FRESH
from backoffice.sessions import held
from backoffice.sessions.middleware import back_to, whole_page
from backoffice.sign_in.factors import has_factor

TOO_LONG = "What you typed was too long to be kept, and nothing was saved."


def ask(request, permission):
    """The answer that leads to the confirmation; None where `permission` needs none or there was one just now.

    A form that is being sent is kept meanwhile, and its person is led to /held/<id>/ to send it again.
    """
    if permission not in FRESH or is_fresh(request):
        return None
    back = back_to(request)
    if request.method == "POST":
        kept = held.keep(request, request.user.pk)
        if not kept:
            messages.warning(request, TOO_LONG)
        back = kept or back
    return whole_page(request, confirm_url(request, back))


def is_fresh(request):
    """Whether the person showed lately who they are: with the second factor, if they have one."""
    if not settings.FRESH_FACTOR_MINUTES:
        return True
    after = time.time() - settings.FRESH_FACTOR_MINUTES * 60
    lately = {
        record["method"]
        for record in get_authentication_records(request, request.user)
        if record["at"] > after
    }
    if "mfa" in lately or ("socialaccount" in lately and settings.OIDC_SECOND_FACTOR):
        return True
    # Asked last, as it may ask the database.
    return bool(lately & {"password", "socialaccount"}) and not has_factor(request.user)


def confirm_url(request, back):
    """The page on which this person confirms who they are, and which then leads to `back`.

    Second factor, else password, else the sign-in at their provider (backoffice.accounts has the order).
    """
    methods = get_adapter().get_reauthentication_methods(request.user)
    if methods:
        return f"{methods[0]['url']}?{urlencode({'next': back})}"
    raise PermissionDenied(
        f"Your account has neither password nor second factor to confirm with. Set them under {reverse('me')}."
    )
