"""Reads the figures of some days and of as many days before: a few small statements, whatever the platform's size."""

from collections import defaultdict
from dataclasses import dataclass

from django.utils import timezone

from backoffice.figure_models import FigurePeriod, FigureState, Source
from backoffice.figures import periods
from backoffice.figures.sources import LATENCY_STEP, SUMS
from backoffice.replicas.choice import reading

BEHIND_SECONDS = 120
BY_DAY = """
select source, nullif(day, '-infinity'), {sums} from {table}
where (day between %(before)s and %(until)s or day = '-infinity') and source <> 'turn' {narrowed}
group by 1, 2
"""
BY_PART = """
select source, grouping(model), channel, model, day >= %(since)s, {sums} from {table}
where day between %(before)s and %(until)s and source in ('usage', 'conversation') {narrowed}
group by grouping sets ((source, channel, day >= %(since)s), (source, model, day >= %(since)s))
"""
LATENCY = """
select {day}, bucket, sum(rows)::bigint from backoffice_dayfigure
where source = 'turn' and day between %(before)s and %(until)s
group by 1, 2 order by 1, 2
"""
# Conversations are as right as the list that they are counted from.
CONVERSATIONS = "select built_at, caught_up_at from agents_indexstate"
TOTALS = ", ".join(f"sum({name})" for name in SUMS)


def query(sql, params=None):
    with reading().cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def place(span):
    """Where the sums of a span stand, and its parameters."""
    narrowed = []
    if span.tenant:
        narrowed.append("and tenant_id = %(tenant)s")
    if span.channel is not None:
        narrowed.append("and (source = 'call' or channel = %(channel)s)")
    words = {
        "table": "backoffice_figure" if span.tenant else "backoffice_dayfigure",
        "narrowed": " ".join(narrowed),
        "sums": TOTALS,
    }
    params = {
        "since": span.since,
        "until": span.until,
        "before": span.before.since,
        "tenant": span.tenant,
        "channel": span.channel,
    }
    return words, params


def by_day(span):
    """{(source, day): {sum: number}} of the span and of the one before; day None is of rows without a usable time."""
    words, params = place(span)
    return {
        (source, day): dict(zip(SUMS, sums, strict=True))
        for source, day, *sums in query(BY_DAY.format(**words), params)
    }


def by_part(span):
    """{"channel" or "model": {value: {source: (sums, sums before)}}}; a sum is {name: number} or None."""
    words, params = place(span)
    found = {"channel": defaultdict(dict), "model": defaultdict(dict)}
    for source, is_channel, channel, model, is_now, *sums in query(BY_PART.format(**words), params):
        part, value = ("channel", channel) if is_channel else ("model", model)
        if part == "model" and source != Source.USAGE:
            continue
        pair = found[part][value].setdefault(source, [None, None])
        pair[0 if is_now else 1] = dict(zip(SUMS, sums, strict=True))
    return found


@dataclass(frozen=True)
class Latency:
    """Of `measured` turns: half took at most `p50` ms, 95 % at most `p95`; each right within 5 %."""

    measured: int
    p50: int
    p95: int


def latency(span):
    """(Latency of the span, of the one before), None where nothing was measured."""
    words = LATENCY.format(day="day >= %(since)s")
    found = group(query(words, place(span)[1]))
    return tuple(percentiles(found[is_now]) if is_now in found else None for is_now in (True, False))


def latency_by_day(span):
    """{day: Latency} of the days of the span on which something was measured."""
    params = {**place(span)[1], "before": span.since}
    return {
        day: percentiles(buckets) for day, buckets in group(query(LATENCY.format(day="day"), params)).items()
    }


def group(rows):
    found = defaultdict(list)
    for key, bucket, count in rows:
        found[key].append((bucket, count))
    return found


def percentiles(buckets):
    """The Latency of [(bucket, turns)] in order; the middle of a bucket stands for all in it."""
    measured = sum(count for _, count in buckets)

    def at(share):
        passed, wanted = 0, share * measured
        for bucket, count in buckets:
            passed += count
            if passed >= wanted:
                return round(LATENCY_STEP ** (bucket + 0.5))

    return Latency(measured, at(0.5), at(0.95))


def most(span):
    """(what periods.count gives, the time up to which it is right or None for now); tenants by each measure."""
    if span.until == periods.today() and span.length in periods.PERIODS and span.channel is None:
        kept = FigurePeriod.objects.filter(days=span.length, until=span.until).first()
        if kept:
            return kept.content, kept.counted_at
    return periods.count(span.since, span.until, span.channel), None


@dataclass(frozen=True)
class Standing:
    """How right the figures are: up to `as_of`; while they are first counted, `percent` of the rows are in them."""

    as_of: object
    is_built: bool
    percent: int
    list_is_built: bool

    @property
    def behind_seconds(self):
        return (timezone.now() - self.as_of).total_seconds() if self.as_of else 0

    @property
    def is_behind(self):
        return self.is_built and self.behind_seconds > BEHIND_SECONDS

    @property
    def minutes_behind(self):
        return round(self.behind_seconds / 60)


def standing():
    states = list(FigureState.objects.all())
    ((list_built, list_caught_up),) = query(CONVERSATIONS)
    # Turns are looked at once a minute; they do not make the others look old.
    times = [state.caught_up_at for state in states if state.source != Source.TURN]
    times.append(list_caught_up)
    done, total = (sum(getattr(state, name) for state in states) for name in ("done", "total"))
    return Standing(
        as_of=min(times) if all(times) else None,
        is_built=all(state.built_at for state in states),
        percent=min(99, 100 * done // total) if total else 0,
        list_is_built=list_built is not None,
    )
