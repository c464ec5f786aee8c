"""Exact totals of a filtered ledger: one statement over the rows that the list's filters leave."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import OperationalError, transaction
from django.db.models import Count, DecimalField, Q, Sum
from django.db.models.functions import Coalesce

from backoffice.errors import QUERY_CANCELED
from billing.models import CreditTransaction

ZERO = Decimal("0.00")
# The sum of a numeric(12,2) is numeric without a limit; nothing is rounded on its way here.
EXACT = DecimalField(max_digits=40, decimal_places=2)


@dataclass(frozen=True)
class Line:
    """One kind, or all of them (`kind` ""). `taken` is negative or zero."""

    kind: str
    label: str
    count: int
    added: Decimal
    taken: Decimal

    @property
    def net(self):
        return self.added + self.taken


class TookTooLong(Exception):
    """The database stopped the sum at its time limit."""


def totals_of(queryset):
    """(lines by kind in the order of the kinds, the Line of all); raises TookTooLong."""
    rows = (
        queryset.select_related(None)
        .order_by()
        .values("kind")
        .annotate(
            count=Count("pk"),
            added=Coalesce(
                Sum("amount", filter=Q(amount__gt=0), output_field=EXACT), ZERO, output_field=EXACT
            ),
            taken=Coalesce(
                Sum("amount", filter=Q(amount__lt=0), output_field=EXACT), ZERO, output_field=EXACT
            ),
        )
    )
    try:
        with transaction.atomic():
            rows = list(rows)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == QUERY_CANCELED:
            raise TookTooLong from error
        raise
    labels = dict(CreditTransaction.Kind.choices)
    order = list(labels)
    lines = [
        Line(row["kind"], labels.get(row["kind"], row["kind"]), row["count"], row["added"], row["taken"])
        for row in rows
    ]
    lines.sort(key=lambda line: (order.index(line.kind) if line.kind in order else len(order), line.kind))
    whole = Line(
        "",
        "All",
        sum(r.count for r in lines),
        sum((r.added for r in lines), ZERO),
        sum((r.taken for r in lines), ZERO),
    )
    return lines, whole
