"""Staff accounts: made, changed, suspended and deleted by admins, each time with a reason."""

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from backoffice import services, staff_mail
from backoffice.generic import blocker_words
from backoffice.models import StaffSession, User
from backoffice.roles import ADMIN, ROLES
from backoffice.sessions import ending
from backoffice.sign_in import factors

NO_ROLE = "No role"


@transaction.atomic
def save_account(user, *, actor, reason, opened=None):
    """Insert or change an account and give it the role that `user.role` names. Returns the user.

    Raises ValidationError for one's own role or suspension and for the last admin; services.Conflict as services.save.
    """
    before = None if user._state.adding else User.objects.get(pk=user.pk)
    if before and user.pk == actor.pk and (user.role != before.role or user.is_active != before.is_active):
        raise ValidationError("Nobody changes their own role or suspends themselves: another admin can.")
    if user.role in (*ROLES, NO_ROLE):
        user.is_superuser = user.role == ADMIN
    if not (user.is_superuser and user.is_active):
        keep_an_admin(user)
    if before and opened is not None:  # the column that the role Admin stands in goes with the role
        opened = opened | services.snapshot(before, ["is_superuser"])
    services.save(user, actor=actor, reason=reason, opened=opened)
    if user.role != (before.role if before else NO_ROLE):
        with services.acting(actor, reason):
            user.groups.set(Group.objects.filter(name=user.role))
    if before and user.email != before.email:
        withdraw_invitations(user, actor=actor, reason=reason)  # the code went to the address before
    if before:
        tell_changes(before, user)
    return user


def tell_changes(before, user):
    if user.role != before.role:
        staff_mail.tell(user, f"Your role is {user.role} now.")
    if user.is_active != before.is_active:
        staff_mail.tell(
            user, "Your account was reactivated." if user.is_active else "Your account was suspended."
        )
    if user.email != before.email:
        for one in (before, user):
            staff_mail.tell(one, f"The address of your account is {user.email} now.")


@transaction.atomic
def set_password(user, *, actor, reason, password):
    """Give an account another password; its sessions end, and an open invitation with it."""
    user.set_password(password)
    services.save(user, actor=actor, reason=reason)
    withdraw_invitations(user, actor=actor, reason=reason)
    staff_mail.tell(user, "An admin gave your account another password.")
    return user


def withdraw_invitations(user, *, actor, reason):
    with services.acting(actor, reason):
        user.invitations.filter(used_at=None, withdrawn_at=None).update(withdrawn_at=timezone.now())


def suspend(user, *, actor, reason):
    """Nobody signs in with the account any more; its sessions end at once."""
    return set_active(user, False, actor=actor, reason=reason)


def reactivate(user, *, actor, reason):
    return set_active(user, True, actor=actor, reason=reason)


def set_active(user, active, *, actor, reason):
    user = User.objects.get(pk=user.pk)
    if user.is_active == active:
        raise ValidationError(f"{user} is {'active' if active else 'suspended'} already.")
    user.is_active = active
    return save_account(user, actor=actor, reason=reason)


@transaction.atomic
def reset_factors(user, *, actor, reason):
    """Take away all second factors and recovery codes of an account; its sessions end. Returns the user.

    Raises ValidationError for one's own, and where there are none.
    """
    if user.pk == actor.pk:
        raise ValidationError("Nobody resets their own second factor: another admin can.")
    if not factors.reset_factors(user, actor=actor, reason=reason):
        raise ValidationError(f"{user} has no second factor.")
    end_sessions(user, actor=actor, reason=reason, why=StaffSession.Ended.FACTORS)
    staff_mail.tell(user, "An admin took the second factor from your account. Set up another one.")
    return user


def end_sessions(user, *, actor, reason, why=StaffSession.Ended.BY_HAND):
    """End every session of an account. Returns the user."""
    ending.end(StaffSession.objects.filter(account=user), actor=actor, reason=reason, why=why)
    if why == StaffSession.Ended.BY_HAND:
        staff_mail.tell(user, "An admin ended your sessions. Sign in again.")
    return user


def end_session(user, *, actor, reason, session):
    """End one session of an account. Returns the user."""
    ending.end(StaffSession.objects.filter(pk=session.pk, account=user), actor=actor, reason=reason)
    staff_mail.tell(user, "An admin ended one of your sessions.")
    return user


@transaction.atomic
def delete_account(user, *, actor, reason):
    """Delete an account. Raises ValidationError with what stands in the way; what it did stays in the audit."""
    keep_an_admin(user)
    if user.pk == actor.pk:
        raise ValidationError("Nobody deletes their own account: another admin can.")
    if blockers := account_blockers(user):
        what = ", ".join(blocker_words(*blocker) for blocker in blockers)
        raise ValidationError(f"{user} cannot be deleted: {what} depend on it. Suspend the account instead.")
    with services.acting(actor, reason):
        user.saved_views.filter(shared=False).delete()  # the shared ones stay
        user.delete()
    staff_mail.tell(user, "Your account was deleted.")


def account_blockers(user):
    """[(what, how many)] that stand in the way of deleting an account."""
    return [("jobs", count)] if (count := user.jobs.count()) else []


def keep_an_admin(user):
    """Refuse if `user` is the only one who can be an admin, here and in every other transaction just now."""
    admins = User.objects.select_for_update().filter(is_superuser=True, is_active=True).order_by("pk")
    if [admin.pk for admin in admins] == [user.pk]:
        raise ValidationError(f"{user} is the last active admin. Make somebody else admin first.")
