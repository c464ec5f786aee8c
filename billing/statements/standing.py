"""What a correction of a call meets in the books: a month that is closed, a settlement that holds the call."""

from dataclasses import dataclass

from django.db import connection

from backoffice import months
from backoffice.templatetags.ui import url_or_none
from billing.models import Statement

SETTLED = """
select s.id, s.day, r.cost from billing.settled_row r join billing.settlement s on s.id = r.settlement_id
where r.row_id = %s and r.source = 'call' order by s.day, s.id
"""


@dataclass(frozen=True)
class Standing:
    """`statement` is that of the call's closed month, `lands_in` the name of the month whose statement tells changes;
    `settled` is [{day, cost, url}], what each settlement took for the call.
    """

    statement: Statement | None
    month: str
    lands_in: str
    settled: list

    @property
    def settled_cost(self):
        return sum(row["cost"] for row in self.settled)


def standing_of(call):
    statement, lands_in = None, ""
    month = months.of(call.created_at)
    if month:
        statements = Statement.objects.filter(organization_id=call.organization_id).defer("content")
        if statement := statements.filter(month=month).first():
            last = statements.order_by("-month").first()
            lands_in = months.name_of(months.after(last.month))
    with connection.cursor() as cursor:
        cursor.execute(SETTLED, [call.pk])
        settled = [
            {"day": day, "cost": cost, "url": url_or_none("billing:settlement_detail", pk)}
            for pk, day, cost in cursor.fetchall()
        ]
    return Standing(statement, month and months.name_of(month), lands_in, settled)
