"""The chart of how long an agent took to answer, turn by turn: bars, drawn on the server."""

import statistics
from dataclasses import dataclass

from django.db import connection

from agents.conversations.transcript import run

MOST_BARS = 100
WIDTH, HEIGHT = 600, 100  # of the drawing, which stretches
MEASURED = (
    "select number, latency_ms from {turns}(array[%(id)s]::uuid[]) where latency_ms >= 0 order by number"
)


@dataclass(frozen=True)
class Bar:
    """One measured turn, or where there are many the slowest of neighbours `first` to `last`, with their median."""

    number: int
    latency_ms: int
    first: int
    last: int
    median_ms: int
    x: str
    y: str
    width: str
    height: str
    is_slow: bool

    @property
    def is_one(self):
        return self.first == self.last


@dataclass(frozen=True)
class Chart:
    """`p50` and `p95` in ms, `top` the slowest; lines stand at the heights `y50` and `y95` of the drawing."""

    bars: list
    measured: int
    p50: int
    p95: int
    top: int
    y50: str
    y95: str


def chart(record):
    """The Chart of an AgentSession, None where nothing was measured."""
    with connection.cursor() as cursor:
        run(cursor, MEASURED, record)
        measured = cursor.fetchall()
    return drawn(measured) if measured else None


def drawn(measured):
    """`measured` is [(number of the turn, ms)] in order."""
    latencies = sorted(latency for _, latency in measured)
    p50, p95 = percentile(latencies, 0.5), percentile(latencies, 0.95)
    top = max(latencies[-1], 1)
    size = -(-len(measured) // MOST_BARS)
    groups = [measured[at : at + size] for at in range(0, len(measured), size)]
    step = WIDTH / len(groups)
    gap = min(step * 0.25, 4)
    bars = []
    for place, group in enumerate(groups):
        number, latency = max(group, key=lambda one: one[1])
        height = max(1.5, height_of(latency, top))
        bars.append(
            Bar(
                number=number,
                latency_ms=latency,
                first=group[0][0],
                last=group[-1][0],
                median_ms=round(statistics.median(each for _, each in group)),
                x=f"{place * step + gap / 2:.2f}",
                y=f"{HEIGHT - height:.2f}",
                width=f"{step - gap:.2f}",
                height=f"{height:.2f}",
                is_slow=latency > p95,
            )
        )
    lines = (f"{HEIGHT - height_of(value, top):.2f}" for value in (p50, p95))
    return Chart(bars, len(measured), p50, p95, latencies[-1], *lines)


def height_of(latency, top):
    return max(0.0, latency / top * (HEIGHT - 4))


def percentile(ordered, share):
    """The value that this share of them does not exceed, as percentile_disc() of PostgreSQL."""
    return ordered[max(0, -(-int(share * 100 * len(ordered)) // 100) - 1)]
