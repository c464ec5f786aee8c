"""What a conversation used and cost, and where that stands in the ledger; each part for those who may see it."""

from dataclasses import dataclass, field

from django.db.models import Count, Q, Sum

from billing.models import SettledRow, UsageLog
from telephony.models import CallLog

SHOWN = 50


@dataclass(frozen=True)
class Settled:
    """What one settlement took of it: `rows` usage records and calls, `cost` in USD."""

    settlement: object
    rows: int
    cost: object
    is_estimated: bool


@dataclass(frozen=True)
class Costs:
    """`usage` has the SHOWN newest of `count` records; `calls`, `settled` are None for those who may not see them."""

    usage: list = field(default_factory=list)
    count: int = 0
    tokens: int | None = None
    cost_usd: object = None
    calls: list | None = None
    settled: list | None = None


def costs(session, user):
    """The Costs of an AgentSession."""
    records = UsageLog.objects.filter(session=session).order_by()
    totals = records.aggregate(count=Count("pk"), tokens=Sum("tokens_used"), cost_usd=Sum("cost_usd"))
    usage = list(records.order_by(*UsageLog._meta.ordering)[:SHOWN]) if totals["count"] else []
    calls = None
    if user.has_perm("telephony.view_calllog"):
        calls = list(CallLog.objects.filter(session_ref=session.external_id)[:SHOWN])
    settled = settled_with(records, calls or []) if user.has_perm("billing.view_settlement") else None
    return Costs(usage=usage, calls=calls, settled=settled, **totals)


def settled_with(records, calls):
    """[Settled] of what is settled of usage records and calls, as it is settled now; newest first."""
    mine = Q(source=SettledRow.Source.USAGE, row_id__in=records.values("pk"))
    if calls:
        mine |= Q(source=SettledRow.Source.CALL, row_id__in=[call.pk for call in calls])
    rows = SettledRow.objects.filter(mine, is_current=True).select_related("settlement__transaction")
    found = {}
    for row in rows:
        found.setdefault(row.settlement, []).append(row)
    return [
        Settled(
            settlement,
            len(parts),
            sum(part.cost for part in parts),
            any(part.is_estimated for part in parts),
        )
        for settlement, parts in sorted(found.items(), key=lambda pair: -pair[0].pk)
    ]
