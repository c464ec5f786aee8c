"""How long a balance lasts.

Spending is what was spent per day over the last HEALTH_SPENDING_DAYS (for a younger tenant since it exists, at least 7
days). It is the larger of two sums: what the ledger deducted (settlements, and deductions from outside: the runtime's
or SQL's), and the costs recorded on usage and calls, 1.00 of cost counting as one credit. So it also holds while
nobody deducts, or in a month whose settlement is still to come.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db import connection

# One row per organization; {only} narrows each table to one, {window} are the days looked back on. Amounts that are no
# numbers are left out.
SPENDING = """
select o.id as organization_id, o.name, o.credits_balance as balance,
  coalesce(ledger.spent, 0) as deducted, coalesce(used.spent, 0) + coalesce(called.spent, 0) as cost,
  case when o.created_at is null or not isfinite(o.created_at) then {window}::numeric
       else least({window}, greatest(7, extract(epoch from now() - o.created_at) / 86400))::numeric end as days
from organizations o
left join (
  select organization_id, -sum(amount) as spent from credit_transactions
  where created_at >= now() - {window} * interval '1 day' and amount < 0 and kind in ('settlement', 'outside') {only}
  group by organization_id) ledger on ledger.organization_id = o.id
left join (
  select organization_id, sum(cost_usd) as spent from usage_logs
  where coalesce(created_at, '-infinity') >= now() - {window} * interval '1 day'
    and coalesce(created_at, '-infinity') <= now() + interval '1 day' and cost_usd > 0 and cost_usd <> 'NaN' {only}
  group by organization_id) used on used.organization_id = o.id
left join (
  select organization_id, sum(cost) as spent from call_logs
  where coalesce(created_at, '-infinity') >= now() - {window} * interval '1 day'
    and coalesce(created_at, '-infinity') <= now() + interval '1 day' and cost > 0 and cost <> 'NaN' {only}
  group by organization_id) called on called.organization_id = o.id
"""
ONE = SPENDING.format(window="%(window)s", only="and organization_id = %(id)s") + " where o.id = %(id)s"
# Those that may show a sign: the exact rule is Credit's.
ANY = f"""
select * from ({SPENDING.format(window="%(window)s", only="")}) s
where balance is null or balance = 'NaN' or balance <= 0 or balance * days < greatest(deducted, cost) * %(dry)s
"""


@dataclass(frozen=True)
class Credit:
    """Balance and spending of one tenant, in credits; `days` are those over which was spent."""

    organization_id: object
    name: str
    balance: Decimal | None
    deducted: Decimal
    cost: Decimal
    days: Decimal

    @property
    def spent(self):
        return max(self.deducted, self.cost)

    @property
    def per_day(self):
        return self.spent / self.days

    @property
    def is_number(self):
        return self.balance is not None and self.balance.is_finite()

    @property
    def is_gone(self):
        return not self.is_number or self.balance <= 0

    @property
    def days_left(self):
        """Days until the balance is used up at this pace; None where nothing is spent or there is none."""
        return self.balance / self.per_day if not self.is_gone and self.spent > 0 else None

    @property
    def basis(self):
        """Where the spending was read, in words."""
        return (
            "the ledger's deductions" if self.deducted >= self.cost else "recorded costs of usage and calls"
        )


def parameters(**more):
    return {"window": settings.HEALTH_SPENDING_DAYS, "dry": settings.HEALTH_DRY_DAYS, **more}


def credit_of(organization):
    with connection.cursor() as cursor:
        cursor.execute(ONE, parameters(id=organization.pk))
        return Credit(*cursor.fetchone())
