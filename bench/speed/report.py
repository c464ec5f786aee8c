"""The table: lines while it runs, and docs/speed.md."""

from bench.speed.wanted import WANTED

HEAD = (
    f"{'page':<46}{'floor':>8}{'stock':>9}{'ours':>8}{'p95':>8}{'CPU':>7}{'to floor':>9}{'to stock':>9}"
    f"{'queries':>8}{'SQL':>6}{'first':>7}{'KB':>7}{'peak':>6}  wanted"
)


def ratios(result):
    """(times the floor, times faster than stock); None where there is no such thing."""
    ours = result.ours["median"]
    return (
        ours / result.floor["median"] if result.floor else None,
        result.stock["median"] / ours if result.stock else None,
    )


def misses(result):
    """Which limits of what is wanted do not hold, as words; [] if all do. What was not measured is not missed."""
    goal = WANTED[result.wanted]
    to_floor, to_stock = ratios(result)
    ours = result.ours
    held = {
        "floor": to_floor is None or goal.floor is None or to_floor <= goal.floor,
        "stock": to_stock is None or goal.stock is None or to_stock >= goal.stock,
        "ms": goal.ms is None or ours["median"] <= goal.ms,
        "first byte": goal.first_byte is None or ours["first_byte"] <= goal.first_byte,
        "memory": goal.memory is None or ours["grown"] <= goal.memory,
    }
    return [name for name, holds in held.items() if not holds]


def line(result):
    """One page, for a terminal."""
    to_floor, to_stock = ratios(result)
    ours = result.ours
    missed = misses(result)
    return (
        f"{result.group[:9] + ': ' + result.name:<46.45}{ms(result.floor):>8}{ms(result.stock):>9}{ms(ours):>8}"
        f"{ours['p95']:>8.1f}{number(ours.get('cpu')):>7}{times(to_floor):>9}{times(to_stock):>9}{whole(result.queries):>8}{number(result.database_ms):>6}"
        f"{ours['first_byte']:>7.1f}{ours['body'] / 1024:>7,.0f}{ours['peak']:>6.0f}  {WANTED[result.wanted]}"
        f"{' MISSED: ' + ', '.join(missed) if missed else ''}"
    )


def ms(figures):
    return number(figures and figures["median"])


def number(value):
    return "–" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def whole(value):
    return "–" if value is None else f"{value:.0f}"


def times(ratio):
    return (
        "–"
        if ratio is None
        else f"{ratio:,.0f}x"
        if ratio >= 20
        else f"{ratio:.1f}x"
        if ratio >= 2
        else f"{ratio:.2f}x"
    )
