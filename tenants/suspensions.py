"""Suspending a tenant: what really works on this platform is numbers that are not active, and they come back exactly.

The platform answers calls to numbers of status “active” alone. Text and browser voice go on: the runtime serves every
agent, published or not.
"""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils import timezone

from backoffice import services
from backoffice.ways_back import WAYS_BACK, WayBack
from telephony.models import PhoneNumber
from tenants.models import Organization, SuspendedNumber, Suspension

SUSPENDED = PhoneNumber.Status.SUSPENDED


@dataclass(frozen=True)
class Return:
    """What restoring does with one number: sets it back to `status`, or leaves it alone for the reason in `why`."""

    remembered: SuspendedNumber
    number: PhoneNumber | None
    why: str

    @property
    def status(self):
        return self.remembered.status


def open_suspension(organization):
    """The tenant's Suspension that was not restored yet, or None; asked once per row that is held in memory."""
    if not hasattr(organization, "_open_suspension"):
        organization._open_suspension = Suspension.objects.open().filter(organization=organization.pk).first()
    return organization._open_suspension


def suspend_tenant(organization, *, actor, reason):
    """Switch off every active number of a tenant, remembering what all of them were. Returns the Suspension.

    Raises ValidationError if the tenant is suspended already, or has no active number.
    """
    with services.acting(actor, reason):
        organization = Organization.objects.select_for_update().get(pk=organization.pk)
        if found := open_suspension(organization):
            raise ValidationError(
                f"{organization} is suspended already, by {found.actor_name}: “{found.reason}”."
            )
        numbers = list(
            PhoneNumber.objects.filter(organization=organization).order_by("pk").select_for_update()
        )
        active = [number for number in numbers if number.is_active]
        if not active:
            raise ValidationError(f"{organization} has no active number: nothing would change.")
        suspension = Suspension.objects.create(
            organization=organization,
            organization_name=organization.name,
            reason=reason,
            actor_id=actor.pk,
            actor_name=str(actor),
        )
        SuspendedNumber.objects.bulk_create(
            SuspendedNumber(
                suspension=suspension,
                organization_id=organization.pk,
                number_id=number.pk,
                e164=number.e164[:255],
                status=number.status,
                was_active=number.is_active,
            )
            for number in numbers
        )
        PhoneNumber.objects.filter(pk__in=[number.pk for number in active]).update(status=SUSPENDED)
    return suspension


def plan_restore(suspension, *, lock=False):
    """[Return] of the numbers that the suspension switched off."""
    remembered = list(suspension.numbers.filter(was_active=True))
    found = PhoneNumber.objects.filter(pk__in=[one.number_id for one in remembered]).order_by("pk")
    found = found.select_for_update() if lock else found.select_related("organization")
    numbers = {number.pk: number for number in found}
    return [
        Return(one, number, left_alone(one, number))
        for one in remembered
        for number in [numbers.get(one.number_id)]
    ]


def left_alone(remembered, number):
    """Why a number is not as the suspension left it; "" if it is."""
    if number is None:
        return "It was deleted."
    if number.organization_id != remembered.organization_id:
        return f"It belongs to another tenant now: {number.organization}."
    if number.is_active:
        return "It was made active again meanwhile."
    if number.status == PhoneNumber.Status.RELEASED:
        return "It was released meanwhile."
    if number.status != SUSPENDED:
        status = "not set" if number.status is None else f"“{number.status}”"
        return f"Its status was changed meanwhile: {status}."
    return ""


def added_since(suspension):
    """Numbers of the tenant that the suspension did not know, at most 101."""
    known = suspension.numbers.values("number_id")
    return list(
        PhoneNumber.objects.filter(organization=suspension.organization_id).exclude(pk__in=known)[:101]
    )


def restore_tenant(organization, *, actor, reason):
    """Give the numbers that still are as the suspension left them exactly the status of before.

    Returns ([Return] of those set back, [Return] of those left alone). Raises ValidationError if the tenant is not
    suspended.
    """
    with services.acting(actor, reason):
        organization = Organization.objects.select_for_update().get(pk=organization.pk)
        suspension = open_suspension(organization)
        if suspension is None:
            raise ValidationError(f"{organization} is not suspended.")
        plan = plan_restore(suspension, lock=True)
        back, left = [one for one in plan if not one.why], [one for one in plan if one.why]
        for status in {one.status for one in back}:
            ids = [one.number.pk for one in back if one.status == status]
            PhoneNumber.objects.filter(pk__in=ids).update(status=status)
        for one in plan:
            one.remembered.outcome = one.why[:500] or "restored"
        SuspendedNumber.objects.bulk_update([one.remembered for one in plan], ["outcome"])
        suspension.restored_at = timezone.now()
        suspension.restored_by_id, suspension.restored_by_name = actor.pk, str(actor)
        suspension.restore_reason = reason
        suspension.save()
    return back, left


# Taking back a batch that suspended tenants, or restored them: the numbers alone would leave the suspension behind


def plan_way_back(changes):
    """Those of a batch; the numbers that it switched off or back on go along."""
    found = Suspension.objects.select_related("organization").prefetch_related("numbers")
    suspensions = {str(one.pk): one for one in found.filter(pk__in=[change.row_id for change in changes])}
    suspended = set(
        Suspension.objects.open()
        .filter(organization__in=[one.organization_id for one in suspensions.values()])
        .values_list("organization", flat=True)
    )
    along = set()
    for change in changes:
        suspension = suspensions.get(change.row_id)
        change.obj = suspension and suspension.organization
        change.verb, change.problem = way_back(change, suspension, suspended)
        for number in suspension.numbers.all() if suspension else ():
            along.add(("backoffice.tenants_suspendednumber", str(number.pk)))
            if number.was_active:
                along.add(("phone_numbers", str(number.number_id)))
    return along


def way_back(change, suspension, suspended):
    """(what taking back does, why it cannot be), one of them empty. `suspended`: ids of tenants that are, now."""
    if suspension is None or suspension.organization is None:
        return "", "The tenant was closed."
    if change.action == "insert":
        if suspension.restored_at is None:
            return "Restored: its numbers become what they were.", ""
        return "", f"It was restored already, by {suspension.restored_by_name}."
    if suspension.organization_id in suspended:
        return "", "It is suspended again."
    return "Suspended again: its active numbers are switched off.", ""


def take_back(change, *, actor, reason):
    if change.action != "insert":
        suspend_tenant(change.obj, actor=actor, reason=reason)
        return ""
    _, left = restore_tenant(change.obj, actor=actor, reason=reason)
    return " ".join(f"{one.remembered}: {one.why}" for one in left)


WAYS_BACK["backoffice.tenants_suspension"] = WayBack(
    ("tenants.change_organization", "telephony.change_phonenumber"), plan_way_back, take_back
)
