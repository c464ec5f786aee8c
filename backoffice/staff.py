"""Staff accounts: made, changed, suspended and deleted by admins, each time with a reason."""

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction

from backoffice import services
from backoffice.generic import blocker_words
from backoffice.models import User
from backoffice.roles import ADMIN, ROLES

NO_ROLE = "No role"


@transaction.atomic
def save_account(user, *, actor, reason, opened=None):
    """Insert or change an account and give it the role that `user.role` names. Returns the user.

    Raises ValidationError for one's own role or suspension and for the last admin; services.Conflict as services.save.
    """
    before = None if user._state.adding else User.objects.get(pk=user.pk)
    if before and user.pk == actor.pk and (user.role != before.role or not user.is_active):
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
    return user


def set_password(user, *, actor, reason, password):
    """Give an account another password; its sessions end."""
    user.set_password(password)
    return services.save(user, actor=actor, reason=reason)


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


def account_blockers(user):
    """[(what, how many)] that stand in the way of deleting an account."""
    return [("jobs", count)] if (count := user.jobs.count()) else []


def keep_an_admin(user):
    """Refuse if `user` is the only one who can be an admin, here and in every other transaction just now."""
    admins = User.objects.select_for_update().filter(is_superuser=True, is_active=True).order_by("pk")
    if [admin.pk for admin in admins] == [user.pk]:
        raise ValidationError(f"{user} is the last active admin. Make somebody else admin first.")
