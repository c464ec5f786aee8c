"""What the organizations of one page have, just now."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.db.models import Max

from billing.models import ReconciliationFinding, SettlementDay
from billing.reconciliation.check import NOTHING, settled_from, settled_span

# One statement, so that balance and ledger are of one moment. Sums over few organizations, answered by indexes.
FIGURES = """
select o.id, coalesce(nullif(o.credits_balance, 'NaN'), 0),
  coalesce((select sum(t.amount) from credit_transactions t where t.organization_id = o.id), 0),
  coalesce((select sum(s.usage_cost + s.call_cost) from billing.settlement s where s.organization_id = o.id), 0),
  coalesce((select sum(nullif(u.cost_usd, 'NaN')) from usage_logs u
            where u.organization_id = o.id and coalesce(u.created_at, '-infinity') >= %(until)s), 0),
  coalesce((select sum(nullif(c.cost, 'NaN')) from call_logs c
            where c.organization_id = o.id and coalesce(c.created_at, '-infinity') >= %(until)s), 0)
from organizations o where o.id = any(%(ids)s)
"""


@dataclass(frozen=True)
class Figures:
    """Balance and ledger in credits, the rest in USD. `late` is what the last check found, what is pending has its
    rows in two lists.
    """

    balance: Decimal
    ledger: Decimal
    settled: Decimal
    pending_usage: Decimal
    pending_calls: Decimal
    late: Decimal

    @property
    def pending(self):
        return self.pending_usage + self.pending_calls

    @property
    def difference(self):
        return self.balance - self.ledger


def watermark():
    """The last day that is settled; None before the first."""
    return SettlementDay.objects.exclude(finished_at=None).aggregate(day=Max("day"))["day"]


def figures_of(organizations, run):
    """{organization's id: Figures}, in three queries. Where settlement is off all usage and calls are pending."""
    ids = [organization.pk for organization in organizations]
    if not ids:
        return {}
    late = dict(
        ReconciliationFinding.objects.filter(run=run, rule="late", organization__in=ids).values_list(
            "organization", "amount"
        )
        if run
        else ()
    )
    first = settled_from()
    until = settled_span(first, watermark())[1]
    with connection.cursor() as cursor:
        cursor.execute(FIGURES, {"ids": ids, "until": until})
        return {
            pk: Figures(balance, ledger, settled, usage, calls, late.get(pk, NOTHING))
            for pk, balance, ledger, settled, usage, calls in cursor.fetchall()
        }
