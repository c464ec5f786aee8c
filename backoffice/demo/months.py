"""Months that finance closed for a few tenants, and a call that was corrected after its month was closed."""

from backoffice import months
from backoffice.demo.world import fixed_id

CLOSED = ("riverbend-dental", "grand-meridian", "parcelwise")
CORRECTED = """
update call_logs set duration_seconds = coalesce(duration_seconds, 0) + 60, cost = 0.2400
where id = (
  select id from call_logs where organization_id = %s and created_at >= %s and created_at < %s and status = 'completed'
  order by created_at, id limit 1)
"""


def close_months(connection, world, act_as_staff):
    """The last two months that are over; between them a call of the first one is corrected."""
    last = months.before(world.until.date().replace(day=1))
    first = months.before(last)
    tenants = [fixed_id(slug, "organization") for slug in CLOSED]
    for month in (first, last):
        act_as_staff(connection, f"Month end {months.name_of(month)}")
        for tenant in tenants:
            connection.execute("select (billing.close_month(%s, %s)).id", [tenant, month])
        if month == first:
            act_as_staff(connection, "The carrier's invoice says so")
            connection.execute(CORRECTED, [tenants[0], *months.bounds(first)])
    connection.execute("reset role")
