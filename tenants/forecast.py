"""Days of credit left, for lists of all tenants: spending is looked up by the worker, the balance read when asked.

The rule is that of tenants/health/credit.py, over the last 7 and 28 days. docs/ledger.md says it in words.
"""

import time

from django.db import connection, transaction
from django.db.models import Case, DecimalField, F, Func, Q, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from tenants.health.credit import of_all
from tenants.models import ForecastRun

LOCK = 8_024_002  # the advisory lock of one look-up at a time
WINDOWS = (7, 28)
FOUND = f"""
create temporary table found_spending on commit drop as
select s28.organization_id, {
    ", ".join(
        f"s{n}.deducted as deducted_{n}, s{n}.cost as cost_{n}, s{n}.days as days_{n}, "
        f"greatest(s{n}.deducted, s{n}.cost) / s{n}.days as per_day_{n}"
        for n in WINDOWS
    )
}
from ({of_all(28)}) s28
join ({of_all(7)}) s7 using (organization_id)
where greatest(s28.deducted, s28.cost) > 0
"""
COLUMNS = [f"{name}_{n}" for n in WINDOWS for name in ("deducted", "cost", "days", "per_day")]
GONE = """
delete from tenants_forecast f
where not exists (select from found_spending n where n.organization_id = f.organization_id)
"""
CHANGED = f"""
insert into tenants_forecast as f (organization_id, {", ".join(COLUMNS)})
select organization_id, {", ".join(COLUMNS)} from found_spending
on conflict (organization_id) do update set {", ".join(f"{name} = excluded.{name}" for name in COLUMNS)}
where ({", ".join(f"f.{name}" for name in COLUMNS)})
  is distinct from ({", ".join(f"excluded.{name}" for name in COLUMNS)})
"""


def refresh(timeout="15s"):
    """Look up what every tenant spends, in one transaction. Returns the ForecastRun; None if another just does it."""
    began = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute("select set_config('statement_timeout', %s, true)", [timeout])
        at = timezone.now()
        cursor.execute(FOUND)
        cursor.execute("analyze found_spending")
        cursor.execute(GONE)
        cursor.execute(CHANGED)
        cursor.execute("select count(*) from found_spending")
        (tenants,) = cursor.fetchone()
        cursor.execute("drop table found_spending")
        seconds = time.monotonic() - began
        return ForecastRun.objects.update_or_create(
            defaults={"at": at, "seconds": seconds, "tenants": tenants}
        )[0]


# For numbers that are sorted by: rounded, so that a place in the list is the number itself.
DAYS = DecimalField(max_digits=40, decimal_places=4)
NEVER = 10**30  # days; sorts after every balance that is spent
NOT_A_NUMBER = Func(template="'NaN'::numeric", output_field=DecimalField(max_digits=10, decimal_places=2))
HAS_CREDIT = Q(credits_balance__gt=0) & Q(credits_balance__lt=NOT_A_NUMBER)


def days_left(window):
    """Days until an organization's balance is used up: 0 without credit, NULL where nothing was spent."""
    rate = F(f"forecast__per_day_{window}")
    left = Func(F("credits_balance") / rate, 4, function="round", output_field=DAYS)
    return Case(
        When(~HAS_CREDIT | Q(credits_balance=None), then=Value(0, DAYS)),
        When(**{f"forecast__per_day_{window}__gt": 0}, then=left),
        output_field=DAYS,
    )


def days_left_key(window):
    """The same to sort by: who spends nothing comes last."""
    return Coalesce(days_left(window), Value(NEVER, DAYS), output_field=DAYS)


def spent_key(window):
    """Spending a day, to sort by."""
    rate = DecimalField(max_digits=40, decimal_places=10)
    return Coalesce(F(f"forecast__per_day_{window}"), Func(template="(0)::numeric"), output_field=rate)
