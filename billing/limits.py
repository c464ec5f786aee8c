"""What one person may post without a second one. The database holds everybody to it (billing.guard_posting)."""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db import connection

from billing.models import CreditLimit


@dataclass(frozen=True)
class Room:
    """What somebody may post alone: at once, within 24 hours, and how much of that is used. Credits, signs left out."""

    role: str
    per_posting: Decimal
    per_day: Decimal
    posted: Decimal

    @property
    def left(self):
        return max(self.per_day - self.posted, Decimal(0))

    @property
    def is_none(self):
        """Whether nothing at all may be posted alone."""
        return not self.per_posting or not self.per_day

    def why_not(self, amount):
        """Why `amount` needs a second person, as a sentence; "" if it does not."""
        unit = settings.CREDIT_UNIT
        if self.is_none:
            return f"Your role ({self.role}) posts nothing alone."
        if abs(amount) > self.per_posting:
            return f"Your role ({self.role}) posts {self.per_posting:,} {unit} at once at the most."
        if abs(amount) > self.left:
            return (
                f"Your role ({self.role}) posts {self.per_day:,} {unit} within 24 hours at the most, and"
                f" {self.left:,} are left of it."
            )
        return ""


def limit_of(user):
    """The CreditLimit of the user's role, the widest where there are several; None: nothing may be posted alone."""
    return (
        CreditLimit.objects.filter(name__in=user.groups.values("name"))
        .order_by("-per_posting", "-per_day", "name")
        .first()
    )


def room_of(user):
    """The Room that the user has just now. Where two postings at once find it, the database lets one of them pass."""
    limit = limit_of(user)
    if limit is None:
        return Room("none", Decimal(0), Decimal(0), Decimal(0))
    with connection.cursor() as cursor:
        cursor.execute("select billing.posted_today(%s)", [user.pk])
        (posted,) = cursor.fetchone()
    return Room(limit.name, limit.per_posting, limit.per_day, posted)
