"""Which days are settled, which come next, and at what rates."""

import datetime
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from billing.models import SettlementDay

ONE = datetime.timedelta(days=1)
OFF = (
    "Settlement is off: SETTLEMENT_FROM, the first day that is settled, is not set. Leave it so where the platform's "
    "runtime takes credits by itself."
)


@dataclass(frozen=True)
class Days:
    """`first` is the first day that is ever settled (None: settlement is off), `watermark` the last that was settled
    wholly, `open` a SettlementDay that was begun and not finished, `last` the last day that is over.
    """

    first: datetime.date | None
    watermark: datetime.date | None
    open: SettlementDay | None
    last: datetime.date

    @property
    def next(self):
        """The day that is settled next, over yet or not; None if settlement is off."""
        if self.open or self.first is None:
            return self.open and self.open.day
        return max(self.first, self.watermark + ONE) if self.watermark else self.first

    @property
    def waiting(self):
        """How many days that are over wait to be settled."""
        return max((self.last - self.next).days + 1, 0) if self.is_on else 0

    @property
    def is_on(self):
        return self.first is not None

    @property
    def with_estimates(self):
        return settings.SETTLEMENT_ESTIMATED or bool(self.open and self.open.with_estimates)

    def refuse(self, through):
        """Raises ValidationError if days up to `through` cannot be settled."""
        if not self.is_on:
            raise ValidationError(OFF)
        if through > self.last:
            raise ValidationError(
                f"Only days that are over (in UTC) can be settled: the last is {self.last}."
            )
        if through < self.next:
            done = f"{self.watermark} was settled" if self.watermark else f"the first is {self.first}"
            raise ValidationError(f"There is nothing to settle up to {through}: {done}.")


def settled_days():
    newest = list(SettlementDay.objects.order_by("-day")[:2])
    is_open = bool(newest) and newest[0].finished_at is None
    finished = newest[is_open:]
    return Days(
        first=settings.SETTLEMENT_FROM,
        watermark=finished[0].day if finished else None,
        open=newest[0] if is_open else None,
        last=timezone.now().astimezone(datetime.UTC).date() - ONE,
    )
