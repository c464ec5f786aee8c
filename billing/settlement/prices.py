"""Prices of models: which are missing, and what an unpriced record would cost."""

import datetime

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from backoffice.faults import QUERY_CANCELED
from billing.models import Price

LOOKED_BACK = datetime.timedelta(days=90)

# Records are put together by model and day before prices are looked up: of a million there are a few hundred days.
WITHOUT = """
select nullif(nullif(u.model_used, ''), 'null'), sum(u.records)::bigint, sum(u.tokens)
from (
  select model_used, (created_at at time zone 'UTC')::date as day, count(*) as records,
    sum(tokens_used::bigint) as tokens
  from public.usage_logs
  where coalesce(created_at, '-infinity') >= %s and tokens_used > 0 and coalesce(cost_usd, 0) = 0
  group by 1, 2) u
where not exists (select from billing.price p where p.model = u.model_used and p.valid_from <= u.day)
group by 1 order by 3 desc, 1 limit 50
"""


def looked_back_to():
    """From when on usage is looked at for missing prices: 90 days ago, or the first day settled if that is later."""
    today = timezone.now().astimezone(datetime.UTC).date()
    return max(today - LOOKED_BACK, settings.SETTLEMENT_FROM or datetime.date.min)


def models_without_price():
    """[(model or None, records, tokens)] of unpriced usage on days without a price of its model, most tokens first.

    None where counting took too long.
    """
    since = datetime.datetime.combine(looked_back_to(), datetime.time.min, datetime.UTC)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(WITHOUT, [since])
            found = cursor.fetchall()
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == QUERY_CANCELED:
            return None
        raise
    return [(model, rows, int(tokens)) for model, rows, tokens in found]


def estimate(usage):
    """(cost in USD, Price) of an unpriced usage record, or None where it has a cost, no tokens, no day or no price."""
    if usage.cost_usd or not usage.tokens_used or usage.tokens_used < 0 or usage.created_at is None:
        return None
    day = usage.created_at.astimezone(datetime.UTC).date()
    price = (
        Price.objects.filter(model=usage.model_used or "", valid_from__lte=day)
        .order_by("-valid_from")
        .first()
    )
    return price and (price.usd_per_1000 * usage.tokens_used / 1000, price)
