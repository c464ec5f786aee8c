"""What a settlement would do: nothing is written, and it comes out as the settlement itself does."""

import datetime
from dataclasses import dataclass, field
from decimal import Decimal

from django.conf import settings
from django.db import connection, transaction
from django.utils.http import urlencode

DUE = """
with due as materialized (
  select d.*, x.day as settles
  from billing.due_rows(%(first)s, %(through)s, %(estimates)s, true) d
  left join billing.settlement s on s.organization_id = d.organization_id and s.day = greatest(d.day, %(next)s::date)
  cross join lateral (select greatest(d.day, %(next)s::date) + (s.id is not null)::int as day) x
  where x.day <= %(through)s
), sums as (
  select organization_id, settles, count(*) as row_count,
         coalesce(sum(cost) filter (where source = 'usage'), 0) as usage_cost,
         coalesce(sum(cost) filter (where source = 'call'), 0) as call_cost,
         coalesce(sum(cost) filter (where is_estimated), 0) as estimated_cost,
         coalesce(sum(cost) filter (where day < settles), 0) as late_cost
  from due where problem is null group by organization_id, settles
)
select s.organization_id, o.name, coalesce(nullif(o.credits_balance, 'NaN'), 0), s.row_count,
       s.usage_cost, s.call_cost, s.estimated_cost, s.late_cost,
       billing.round_credits(s.usage_cost * coalesce(t.usage_rate, %(rate)s)
                             + s.call_cost * coalesce(t.call_rate, %(call_rate)s)),
       null, null, null, null
from sums s
left join public.organizations o on o.id = s.organization_id
left join billing.settlement_day t on t.day = s.settles
union all
select null, null, null, count(*), null, null, null, null, null, problem, source,
       nullif(nullif(model, ''), 'null') as recorded, sum(tokens)  -- as the usage list has it
from due where problem is not null group by problem, source, recorded
"""

# The order in which problems are told, and what each means.
PROBLEMS = {
    "no_price": "tokens without a cost, of a model without a price",
    "not_estimated": "tokens without a cost; there is a price, but estimates are off",
    "odd_cost": "a cost below zero, or not a number",
    "cost_removed": "settled, and without a cost since",
    "moved": "belongs to another organization than the one that paid, and has another cost",
    "gone": "of an organization that does not exist any more",
}


@dataclass
class Tenant:
    """One organization in a preview: credits before and after."""

    id: str
    name: str
    before: Decimal
    credits: Decimal = Decimal(0)

    @property
    def after(self):
        return self.before - self.credits

    @property
    def stops(self):
        """Whether its calls stop with the settlement: the platform refuses them at a balance of zero or less."""
        return self.after <= 0 < self.before

    @property
    def sinks(self):
        """Whether its calls are refused already, and it goes further down."""
        return self.before <= 0 and self.after < self.before


@dataclass(frozen=True)
class Problem:
    """Rows that are not settled, and why; `model` may be None."""

    kind: str
    source: str
    model: str | None
    rows: int
    tokens: int

    @property
    def words(self):
        return PROBLEMS[self.kind]

    @property
    def query(self):
        """The usage list's filters for these rows; "" where it has none."""
        priced = {"no_price": "none", "not_estimated": "none", "odd_cost": "odd"}.get(self.kind)
        if priced is None or self.source != "usage":
            return ""
        return urlencode({"model": self.model or "null", "priced": priced, "settled": "waiting"})


@dataclass
class Preview:
    """Costs in USD, `amount` in credits; `tenants` by id."""

    first: datetime.date
    through: datetime.date
    rows: int = 0
    settlements: int = 0
    usage_cost: Decimal = Decimal(0)
    call_cost: Decimal = Decimal(0)
    estimated_cost: Decimal = Decimal(0)
    late_cost: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    tenants: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)

    @property
    def stopped(self):
        return self._by_name("stops")

    @property
    def sinking(self):
        return self._by_name("sinks")

    def _by_name(self, what):
        found = [tenant for tenant in self.tenants.values() if getattr(tenant, what)]
        return sorted(found, key=lambda tenant: (tenant.name.casefold(), tenant.id))


def preview(days, through, seconds=30):
    """The Preview of settling the days from `days.next` to `through`; raises ValidationError if they cannot be.

    It may take so many seconds: all rows since the first day are looked at.
    """
    days.refuse(through)
    found = Preview(first=days.next, through=through)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select set_config('statement_timeout', %s, true)", [f"{seconds}s"])
        cursor.execute(
            DUE,
            {
                "first": days.first,
                "next": days.next,
                "through": through,
                "estimates": days.with_estimates,
                "rate": settings.SETTLEMENT_RATE,
                "call_rate": settings.SETTLEMENT_CALL_RATE,
            },
        )
        for row in cursor:
            add(found, row)
        cursor.execute("set local statement_timeout = '15s'")
    found.problems.sort(key=lambda one: (list(PROBLEMS).index(one.kind), -one.rows, one.model or ""))
    return found


def add(found, row):
    pk, name, balance, rows, usage, calls, estimated, late, amount, problem, source, model, tokens = row
    if problem:
        found.problems.append(Problem(problem, source, model, rows, int(tokens or 0)))
    elif name is None:
        found.problems.append(Problem("gone", "usage", None, rows, 0))
    else:
        found.rows += rows
        found.settlements += 1
        found.usage_cost += usage
        found.call_cost += calls
        found.estimated_cost += estimated
        found.late_cost += late
        found.amount += amount
        found.tenants.setdefault(pk, Tenant(str(pk), name, balance)).credits += amount
