"""How long a balance lasts.

Spending is what was spent per day over the last HEALTH_SPENDING_DAYS (for a younger tenant since it exists, at least 7
days). It is the larger of two sums: what the ledger deducted (settlements, and deductions from outside: the runtime's
or SQL's), and the costs recorded on usage and calls, 1.00 of cost counting as one credit. So it also holds while
nobody deducts, or in a month whose settlement is still to come.
"""

import datetime
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db import connection

from backoffice.figure_models import Source
from backoffice.figures import tenant as figures
from backoffice.figures.tenant import sums_between

# One row per organization; {only} narrows the ledger to one, {used} and {called} give the costs per organization,
# {window} are the days looked back on. Amounts that are no numbers are left out.
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
left join ({used}) used on used.organization_id = o.id
left join ({called}) called on called.organization_id = o.id
"""
SINCE, UNTIL = "now() - {window} * interval '1 day'", "now() + interval '1 day'"
COST_OF_ONE = "select %(id)s::uuid as organization_id, cost as spent from ({sums}) sums"
COST_OF_ALL = f"""
select organization_id, sum({{cost}}) as spent from {{table}}
where coalesce(created_at, '-infinity') >= {SINCE} and coalesce(created_at, '-infinity') < {UNTIL} and {{cost}} <> 'NaN'
group by organization_id"""


def of_all(window):
    """SPENDING of every organization; `window` is a number of days, as SQL."""
    return SPENDING.format(
        window=window,
        only="",
        used=COST_OF_ALL.format(window=window, table="usage_logs", cost="cost_usd"),
        called=COST_OF_ALL.format(window=window, table="call_logs", cost="cost"),
    )


# Of the organization %(id)s, in a window of `Kept`: most of its costs come out of the figures.
ONE = (
    SPENDING.format(
        window="%(window)s",
        only="and organization_id = %(id)s",
        used=COST_OF_ONE.format(sums=sums_between(Source.USAGE, "cost")),
        called=COST_OF_ONE.format(sums=sums_between(Source.CALL, "cost")),
    )
    + " where o.id = %(id)s"
)
# Those that may show a sign: the exact rule is Credit's.
ANY = f"""
select * from ({of_all("%(window)s")}) s
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


def parameters_of_one(kept, **more):
    """The parameters of ONE but its id; `kept` is what figures.tenant.kept() gives."""
    since = kept.now - datetime.timedelta(days=settings.HEALTH_SPENDING_DAYS)
    return parameters(**kept.window(since, kept.now + datetime.timedelta(days=1)), **more)


def credit_of(organization, kept=None):
    with connection.cursor() as cursor:
        cursor.execute(ONE, parameters_of_one(kept or figures.kept(), id=organization.pk))
        return Credit(*cursor.fetchone())
