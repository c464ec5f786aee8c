"""Moving a number to another tenant: what it means, in numbers, and the move itself."""

import datetime
import json
from dataclasses import asdict, dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from backoffice import services
from backoffice.keyset import newest
from telephony.models import PhoneNumber
from tenants.models import Organization, Suspension
from tenants.ownership import COUNT_LIMIT, ReviewChanged, count

DAYS = 30


@dataclass(frozen=True)
class Side:
    """The tenant of before, or the new one. The balance is text, as the database has it, None where it is not set.

    `numbers` are its numbers without the one that moves, counted to COUNT_LIMIT + 1.
    """

    id: str
    name: str
    balance: str | None
    has_credit: bool
    is_suspended: bool
    numbers: int


@dataclass(frozen=True)
class Review:
    """What a move means. `old_agent` and `new_agent` are (id, name) or None; counts end at COUNT_LIMIT + 1."""

    number: str
    old_status: str | None
    new_status: str
    old: Side
    new: Side
    old_agent: tuple | None
    new_agent: tuple | None
    calls: int
    recent_calls: int
    running_calls: int

    @property
    def facts(self):
        """All that decides as text, to tell later whether any of it changed. Calls come in all the time."""
        facts = asdict(self)
        for name in ("calls", "recent_calls", "running_calls"):
            del facts[name]
        return json.dumps(facts, sort_keys=True)

    @property
    def is_answered(self):
        """Whether callers get an answer afterwards."""
        return self.new_status == PhoneNumber.Status.ACTIVE and self.new_agent and self.new.has_credit


def review(number, organization, agent, *, activate):
    """The Review of moving a number to an organization, answered by `agent` (None: nobody).

    With `activate` it is active afterwards, else released. Raises ValidationError if that cannot be.
    """
    if number.organization_id == organization.pk:
        raise ValidationError("The number belongs to this organization already.")
    if agent is not None and agent.organization_id != organization.pk:
        raise ValidationError(f"{agent} belongs to another organization ({agent.organization}).")
    old, new = side(number.organization, number), side(organization, number)
    if new.is_suspended and activate:
        raise ValidationError(
            f"{organization} is suspended: restore it first, or move the number as released."
        )
    status = PhoneNumber.Status.ACTIVE if activate else PhoneNumber.Status.RELEASED
    since = timezone.now() - datetime.timedelta(days=DAYS)
    return Review(
        number=number.e164,
        old_status=number.status,
        new_status=status.value,
        old=old,
        new=new,
        old_agent=(str(number.agent_id), str(number.agent or "an agent that is gone"))
        if number.agent_id
        else None,
        new_agent=(str(agent.pk), str(agent)) if agent else None,
        calls=count(number.calls),
        recent_calls=count(number.calls.alias(moment=newest()).filter(moment__gte=since)),
        running_calls=count(number.calls.active()),
    )


def side(organization, number):
    balance = organization.credits_balance
    return Side(
        id=str(organization.pk),
        name=str(organization),
        balance=None if balance is None else str(balance),
        has_credit=bool(organization.has_credit),
        is_suspended=Suspension.objects.open().filter(organization=organization).exists(),
        numbers=count(organization.phone_numbers.exclude(pk=number.pk)),
    )


@transaction.atomic
def move_number(number, *, actor, reason, organization, agent, activate, facts):
    """Give a number to another organization. Returns the number.

    `facts` are those of the Review that the actor has seen: raises ReviewChanged if anything in it is not so any more,
    and ValidationError if the move is not possible.
    """
    # Tenants first, in one order, as suspending does: so two never wait for each other.
    ids = sorted({number.organization_id, organization.pk})
    tenants = {
        row.pk: row for row in Organization.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    }
    numbers = PhoneNumber.objects.select_for_update(of=("self",)).select_related("agent")
    number = numbers.filter(pk=number.pk).first()
    if number is None or organization.pk not in tenants:
        raise ValidationError("The number or the organization is not there any more.")
    number.organization = tenants.get(number.organization_id) or number.organization
    if agent is not None:
        agent = type(agent).objects.select_related("organization").filter(pk=agent.pk).first()
        if agent is None:
            raise ValidationError("The agent is not there any more.")
    now = review(number, tenants[organization.pk], agent, activate=activate)
    if now.facts != facts:
        raise ReviewChanged(now)
    before = services.snapshot(number, ["organization", "agent", "status"])
    number.organization, number.agent, number.status = tenants[organization.pk], agent, now.new_status
    return services.save(number, actor=actor, reason=reason, opened=before)


__all__ = ["COUNT_LIMIT", "Review", "ReviewChanged", "move_number", "review"]
