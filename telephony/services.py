from django.core.exceptions import ValidationError
from django.db import connection, transaction

from backoffice import services
from telephony.models import CallLog, PhoneNumber
from tenants.models import Suspension


@transaction.atomic
def release_number(number, *, actor, reason):
    """Stop answering on a number: calls to it get 404 from the platform from now on.

    Raises ValidationError if the number is already released.
    """
    number = PhoneNumber.objects.select_for_update().get(pk=number.pk)
    if number.status == PhoneNumber.Status.RELEASED:
        raise ValidationError(f"{number} is already released.")
    number.status = PhoneNumber.Status.RELEASED
    return services.save(number, actor=actor, reason=reason)


@transaction.atomic
def reactivate_number(number, *, actor, reason):
    """Answer on a number again. Raises ValidationError if it is active already, or suspended with its tenant."""
    number = PhoneNumber.objects.select_for_update().get(pk=number.pk)
    if number.is_active:
        raise ValidationError(f"{number} is already active.")
    if is_held(number):
        raise ValidationError(
            f"{number} is suspended with its tenant. Restore the tenant: its numbers come back as they were."
        )
    number.status = PhoneNumber.Status.ACTIVE
    return services.save(number, actor=actor, reason=reason)


def is_held(number):
    """Whether the number is suspended because its tenant is: restoring the tenant brings it back."""
    if not number.is_suspended:
        return False
    known = getattr(number, "tenant_suspended", None)  # as its list read it
    if known is None:
        return Suspension.objects.open().filter(organization=number.organization_id).exists()
    return known


@transaction.atomic
def mark_stale_call(call, *, actor, reason):
    """Say of a call that the platform never closed it. Raises ValidationError for one that may still be running."""
    call = CallLog.objects.select_for_update().get(pk=call.pk)
    if not call.is_stale:
        raise ValidationError("This call is closed already, or may still be running.")
    call.status = CallLog.Status.STALE
    return services.save(call, actor=actor, reason=reason)


def set_trunk_password(trunk, *, actor, reason, password):
    """Set or replace the password of a trunk. Nobody can read the old one, or this one afterwards."""
    write_trunk_password(trunk, password, actor=actor, reason=reason)
    return trunk


def remove_trunk_password(trunk, *, actor, reason):
    """Take the password of a trunk away. Raises ValidationError if there is none, or no trunk."""
    if not trunks_with_password([trunk]):
        raise ValidationError("The trunk has no password, or is not there any more.")
    write_trunk_password(trunk, None, actor=actor, reason=reason)
    return trunk


def write_trunk_password(trunk, password, *, actor, reason):
    with services.acting(actor, reason), connection.cursor() as cursor:
        cursor.execute("update public.sip_trunks set password = %s where id = %s", [password, trunk.pk])
        if not cursor.rowcount:
            raise ValidationError("The trunk is not there any more.")


def trunks_with_password(trunks):
    """Ids of those of the trunks that have a password; one query."""
    with connection.cursor() as cursor:
        cursor.execute("select audit.trunks_with_password(%s)", [[trunk.pk for trunk in trunks]])
        return {row[0] for row in cursor.fetchall()}
