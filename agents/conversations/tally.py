"""How many conversations of a list have which channel, status, flag and outcome: the newest of them, by one query."""

from collections import Counter
from dataclasses import dataclass, field

from django.core.exceptions import EmptyResultSet
from django.db.models import BooleanField, ExpressionWrapper, Q

from agents.models import AgentSession, Flag
from agents.models.sessions import quiet_since
from backoffice import keyset
from backoffice.replicas.choice import reading

# Conversations that are alike in all of this are counted by the database: a few dozen rows for 10,000.
ALIKE = """
select channel, status, outcome, flags, is_stale, place > %s as is_beyond, count(*)
from (select *, row_number() over () as place from ({newest}) newest) placed
group by channel, status, outcome, flags, is_stale, is_beyond
order by min(place)
"""
STALE = Q(status=AgentSession.Status.ACTIVE)


@dataclass
class Tally:
    """How often each value occurs in `total` conversations; `is_part`: there are more of them, which are older."""

    total: int = 0
    is_part: bool = False
    channels: Counter = field(default_factory=Counter)
    statuses: Counter = field(default_factory=Counter)
    flags: Counter = field(default_factory=Counter)
    outcomes: Counter = field(default_factory=Counter)


def newest(conversations):
    """The Tally of the newest COUNT_LIMIT of a queryset of Conversation."""
    found = Tally()
    for channel, status, outcome, flags, is_stale, is_beyond, count in alike(conversations):
        if is_beyond:
            found.is_part = True
            continue
        found.total += count
        found.channels[channel] += count
        found.statuses[status] += count
        found.outcomes[outcome] += count
        for flag in [*([Flag.STALE.value] if is_stale else []), *flags]:
            if flag in Flag.values:
                found.flags[flag] += count
    return found


def alike(conversations):
    stale = ExpressionWrapper(STALE & Q(last_at__lt=quiet_since()), BooleanField())
    ordered = conversations.select_related(None).order_by(keyset.newest("started_at").desc(), "-pk")
    columns = ordered.values("channel", "status", "outcome", "flags", is_stale=stale)
    try:
        sql, params = columns[: keyset.COUNT_LIMIT + 1].query.sql_with_params()
    except EmptyResultSet:
        return []
    with reading().cursor() as cursor:
        cursor.execute(ALIKE.format(newest=sql), [keyset.COUNT_LIMIT, *params])
        return cursor.fetchall()
