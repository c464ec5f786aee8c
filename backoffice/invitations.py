"""Invitations: an account without a password, and a code by which its person sets the first one, once.

The code is kept as its hash alone. It stands behind the # of the link, which browsers send to no server: it lands in
no log of ours or of a proxy.
"""

import datetime
import hashlib
import secrets

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from backoffice import services, staff, staff_mail
from backoffice.models import Invitation, User

WRONG = "This invitation is not valid (any more). Ask an admin of your team for a new one."


def hash_of(code):
    return hashlib.sha256(code.encode()).hexdigest()


@transaction.atomic
def invite(user, *, actor, reason):
    """Make an account (not saved so far, `user.role` names its role) that is invited. Returns the code."""
    user.set_unusable_password()
    staff.save_account(user, actor=actor, reason=reason)
    return renew(user, actor=actor, reason=reason)


@transaction.atomic
def renew(user, *, actor, reason):
    """Invite again: the code before, if any, holds no longer. Returns the new code.

    Raises ValidationError for an account that has a password already, and for a suspended one.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.has_usable_password():
        raise ValidationError(
            f"{user} has a password already. “Forgot your password?” on the sign-in page sets another."
        )
    if not user.is_active:
        raise ValidationError(f"{user} is suspended. Reactivate the account first.")
    code = secrets.token_urlsafe(24)
    expires_at = timezone.now() + datetime.timedelta(hours=settings.INVITATION_HOURS)
    with services.acting(actor, reason):
        open_one(user).update(withdrawn_at=timezone.now())
        user.invitations.create(email=user.email, secret_hash=hash_of(code), expires_at=expires_at)
    return code


def withdraw(user, *, actor, reason):
    """The code holds no longer; the account stays, without a password. Raises ValidationError where there is none."""
    with services.acting(actor, reason):
        if not open_one(user).update(withdrawn_at=timezone.now()):
            raise ValidationError(f"{user} has no open invitation.")
    return user


def open_one(user):
    return user.invitations.filter(used_at=None, withdrawn_at=None)


def find(code):
    """The open Invitation of a code, locked; None for every other code."""
    return (
        Invitation.objects.select_for_update(of=["self"])
        .select_related("account")
        .filter(
            secret_hash=hash_of(code.strip()),
            used_at=None,
            withdrawn_at=None,
            expires_at__gt=timezone.now(),
            account__is_active=True,
        )
        .first()
    )


@transaction.atomic
def accept(code, *, password, check=None):
    """Set the first password. Returns the User; raises ValidationError for a code that does not hold, and what
    `check(user)` raises.
    """
    invitation = find(code)
    if invitation is None or invitation.account.has_usable_password():
        raise ValidationError(WRONG)
    user = invitation.account
    if check:
        check(user)
    user.set_password(password)
    with services.acting(user, "Accepted the invitation"):
        user.save(update_fields=["password"])
        invitation.used_at = timezone.now()
        invitation.save(update_fields=["used_at"])
    return user


def send(request, user, code):
    """Mail the link. Returns (link, whether the mail server took the mail)."""
    link = request.build_absolute_uri(reverse("invitation")) + f"#{code}"
    text = (
        f"{request.user} invites you to the back office.\n\nSet your password within {settings.INVITATION_HOURS} hours,"
        f" once, at\n\n{link}\n\nIf the page asks for a code, it is\n\n{code}\n"
    )
    return link, staff_mail.send(user.email, "You are invited", text)
