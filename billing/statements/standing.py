"""What a correction of a call meets in the books: a month that is closed, a settlement that holds the call."""

from dataclasses import dataclass
from decimal import Decimal

from backoffice import months
from billing.models import SettledRow, Statement


@dataclass(frozen=True)
class Standing:
    """`statement` is that of the call's closed month, `lands_in` the name of the month whose statement tells changes.

    `settled` is the newest SettledRow of the call, `waiting` what its cost differs from what it is settled at; None
    where it does not, or the cost is no number.
    """

    statement: Statement | None
    month: str
    lands_in: str
    settled: SettledRow | None
    waiting: Decimal | None


def standing_of(call):
    statement, lands_in = None, ""
    month = months.of(call.created_at)
    if month:
        statements = Statement.objects.filter(organization_id=call.organization_id).defer("content")
        if statement := statements.filter(month=month).first():
            last = statements.order_by("-month").first()
            lands_in = months.name_of(months.after(last.month))
    rows = SettledRow.objects.filter(source=SettledRow.Source.CALL, row_id=call.pk, is_current=True)
    settled = rows.select_related("settlement").first()
    waiting = None
    if settled and call.cost is not None and call.cost.is_finite():
        waiting = call.cost - settled.total or None
    return Standing(statement, month and months.name_of(month), lands_in, settled, waiting)
