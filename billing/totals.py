"""Exact totals of a filtered ledger: one statement over the rows that the list's filters leave."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import OperationalError, transaction
from django.db.models import Count, DecimalField, Max, Q, Sum
from django.db.models.functions import Coalesce

from backoffice.faults import QUERY_CANCELED
from backoffice.replicas.choice import reading
from billing.models import CreditTransaction

ZERO = Decimal("0.00")
# The sum of a numeric(12,2) is numeric without a limit; nothing is rounded on its way here.
EXACT = DecimalField(max_digits=40, decimal_places=2)


@dataclass(frozen=True)
class Line:
    """One kind, or all of them (`kind` ""). `taken` is negative or zero; `balance` is that of the tenant at the same
    moment, for what is narrowed to one tenant.
    """

    kind: str
    label: str
    count: int
    added: Decimal
    taken: Decimal
    balance: Decimal | None = None

    @property
    def net(self):
        return self.added + self.taken


class TookTooLong(Exception):
    """The database stopped the sum at its time limit."""


def totals_of(queryset, *, of_one_tenant=False):
    """(lines by kind in the order of the kinds, the Line of all); raises TookTooLong.

    Of one tenant the Lines have its balance, read by the same statement.
    """
    rows = (
        queryset.select_related(None)
        .order_by()
        .values("kind")
        .annotate(
            count=Count("pk"),
            added=exact_sum(amount__gt=0),
            taken=exact_sum(amount__lt=0),
            **({"balance": Max("organization__credits_balance")} if of_one_tenant else {}),
        )
    )
    try:
        with transaction.atomic(using=reading().alias):
            rows = list(rows)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == QUERY_CANCELED:
            raise TookTooLong from error
        raise
    labels = dict(CreditTransaction.Kind.choices)
    rows.sort(key=lambda row: list(labels).index(row["kind"]) if row["kind"] in labels else len(labels))
    lines = [Line(label=labels.get(row["kind"], row["kind"]), **row) for row in rows]
    whole = Line(
        kind="",
        label="All",
        count=sum(line.count for line in lines),
        added=sum((line.added for line in lines), ZERO),
        taken=sum((line.taken for line in lines), ZERO),
        balance=lines[0].balance if lines else None,
    )
    return lines, whole


def exact_sum(**condition):
    total = Sum("amount", filter=Q(**condition), output_field=EXACT)
    return Coalesce(total, ZERO, output_field=EXACT)
