"""Who looks after a tenant: take it, hand it over, give it back, follow it, let it wait."""

import datetime

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from backoffice import services
from tenants.models import Care, Follow, Organization

LONGEST_SNOOZE = datetime.timedelta(days=366)


def time_text(moment):
    """A moment in the reader's zone, for a sentence."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}"


def colleagues():
    """Those who can be given a tenant: active accounts whose role may act."""
    may_act = Q(groups__permissions__codename="act_on_tenant") | Q(is_superuser=True)
    return get_user_model().objects.filter(may_act, is_active=True).distinct()


def care_of(organization):
    """The Care of a tenant, locked; a new one, not yet stored, if nobody ever took or snoozed it.

    The tenant's own row is locked, so that two who act at once come one after the other.
    """
    if not Organization.objects.select_for_update(no_key=True).filter(pk=organization.pk).exists():
        raise ValidationError("This tenant does not exist any more.")
    care = Care.objects.filter(organization=organization.pk).first()
    return care or Care(organization_id=organization.pk, organization_name=organization.name)


@transaction.atomic
def assign_tenant(organization, *, actor, reason="", to=None, seen=None):
    """Give a tenant to `to`, else to the actor. Returns the Care.

    `seen` is the id of who had it when the actor looked. Raises ValidationError naming who has it now if that is
    somebody else, or if nothing would change.
    """
    to = to or actor
    care = care_of(organization)
    if care.assignee_id == to.pk:
        raise ValidationError(
            f"{'You have' if to.pk == actor.pk else f'{to} has'} it already, since {time_text(care.assigned_at)}."
        )
    if care.assignee_id not in (None, seen):
        raise ValidationError(
            f"{care.assignee_name} took it at {time_text(care.assigned_at)}. Nothing was changed: "
            "agree with each other, then take it over.",
            code="taken",
        )
    if not colleagues().filter(pk=to.pk).exists():
        raise ValidationError(
            f"{to} cannot look after tenants: the account's role or state does not allow it."
        )
    care.assignee_id, care.assignee_name, care.assigned_at = to.pk, str(to), timezone.now()
    return services.save(care, actor=actor, reason=reason)


@transaction.atomic
def release_tenant(organization, *, actor, reason=""):
    """Give back a tenant that one has. Raises ValidationError if somebody else has it, or nobody."""
    care = care_of(organization)
    if care.assignee_id is None:
        raise ValidationError("Nobody has it: there is nothing to give back.")
    if care.assignee_id != actor.pk:
        raise ValidationError(f"{care.assignee_name} has it, since {time_text(care.assigned_at)}.")
    care.assignee_id, care.assignee_name, care.assigned_at = None, "", None
    return services.save(care, actor=actor, reason=reason)


def check_snooze(until):
    """Raises ValidationError for a time that is past or too far."""
    if until <= timezone.now():
        raise ValidationError("This time has passed already.")
    if until > timezone.now() + LONGEST_SNOOZE:
        raise ValidationError("A tenant waits for a year at the most.")


@transaction.atomic
def snooze_tenant(organization, *, actor, reason="", until):
    """Let what is known about a tenant wait until a time (aware). What appears later shows at once."""
    check_snooze(until)
    now = timezone.now()
    care = care_of(organization)
    care.snoozed_at, care.snoozed_until = now, until
    care.snoozed_by_name, care.snooze_reason = str(actor), reason
    return services.save(care, actor=actor, reason=reason)


@transaction.atomic
def wake_tenant(organization, *, actor, reason=""):
    """End a snooze before its time."""
    care = care_of(organization)
    if not care.is_snoozed:
        raise ValidationError("It is not snoozed (any more).")
    care.snoozed_at = care.snoozed_until = None
    care.snoozed_by_name = care.snooze_reason = ""
    return services.save(care, actor=actor, reason=reason)


def follow_tenant(organization, *, actor, reason=""):
    """Put a tenant among those that the actor follows; once is enough."""
    with services.acting(actor, reason):
        Follow.objects.get_or_create(
            user_id=actor.pk,
            organization_id=organization.pk,
            defaults={"organization_name": organization.name},
        )


def unfollow_tenant(organization, *, actor, reason=""):
    with services.acting(actor, reason):
        Follow.objects.filter(user=actor.pk, organization=organization.pk).delete()


def care_part(care, user, *, follows):
    """The part of the tenant page's head that says who looks after it, with the buttons for it.

    `care` is the tenant's Care, or None; `follows`: whether the reader follows the tenant.
    """
    may_act, may_follow = user.has_perm("tenants.act_on_tenant"), user.has_perm("tenants.follow_tenant")
    if not (may_act or may_follow):
        return None
    return {
        "template": "tenants/desk/care.html",
        "care": care,
        "follows": follows,
        "may_act": may_act,
        "may_follow": may_follow,
    }
