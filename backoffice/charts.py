"""Charts drawn on the server as SVG: bars over days, a small row of bars, a bar that stands in a table.

Widths are in percent and heights in pixels, so that a drawing fits any width while its words keep their size; no
script, and no inline style, which the Content-Security-Policy forbids. Numbers that are None, NaN or infinite leave a
gap and are told as "not recorded"; those under zero have no bar and are told as they are.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from django.utils.safestring import mark_safe
from django.utils.text import slugify

from backoffice.templatetags import ui

# Of a drawing: percent at the left for the numbers of the axis, pixels above and below the bars.
GUTTER, TOP, BOTTOM = 12, 12, 22
GAP = 0.24  # of a bar's place
MOST_LINES, MOST_LABELS = 4, 5
NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Bar:
    """`label` stands at the axis, `name` (or else the label) in the title and the table; `url` opens the rows counted.

    `before` is the figure of the period before at this place. `is_partial`: the day is not over.
    """

    label: str
    value: object
    url: str = ""
    name: str = ""
    before: object = None
    is_partial: bool = False


def bar_chart(bars, title, *, unit="", height=190, places=0, key="", before=""):
    """A figure with axis, gridlines at round numbers, and the same numbers in a folded table; "" without bars.

    `key` makes its ids unique on the page; `before` names the period before, where bars have one.
    """
    if not bars:
        return ""
    key = f"chart-{key or slugify(title) or 'bars'}"
    numbers = [as_number(bar.value) for bar in bars]
    earlier = [as_number(bar.before) for bar in bars] if before else []
    lines = scale(max([0, *(n for n in (*numbers, *earlier) if n is not None)]), whole=not places)
    texts = [told(bar.value, number, places, unit) for bar, number in zip(bars, numbers, strict=True)]
    befores = [
        told(bar.before, number, places, unit) for bar, number in zip(bars, earlier, strict=False)
    ] or [""] * len(bars)
    # A page has hundreds of bars, and each says itself twice, drawn and in the table: escaped once.
    names = [escape(bar.name or bar.label) for bar in bars]
    urls = [escape(bar.url) for bar in bars]
    told_texts, told_befores = ([escape(text) for text in side] for side in (texts, befores))
    inner = height - TOP - BOTTOM
    parts = [grid(lines, inner), *labels(bars, inner)]
    step = (100 - GUTTER) / len(bars)
    for place, bar in enumerate(bars):
        left = GUTTER + place * step
        drawn = column(left, step, numbers[place], lines[-1], inner, bar.is_partial)
        if before and earlier[place] is not None:
            y = TOP + inner - earlier[place] / lines[-1] * inner if earlier[place] > 0 else TOP + inner
            drawn += f'<line class="chart__before" x1="{left:.2f}%" x2="{left + step:.2f}%" y1="{y:.1f}" y2="{y:.1f}"/>'
        words = f"{names[place]}: {told_texts[place]}" + (
            f"; before: {told_befores[place]}" if befores[place] else ""
        )
        words += " (not over yet)" if bar.is_partial else ""
        parts.append(linked(urls[place], f"<title>{words}</title>{drawn}"))
    desc = description(bars, numbers, texts, before)
    return mark_safe(
        f'<figure class="chart"><svg class="chart__drawing" width="100%" height="{height}" role="group"'
        f' aria-labelledby="{key}-title" aria-describedby="{key}-desc"><title id="{key}-title">{escape(title)}</title>'
        f'<desc id="{key}-desc">{escape(desc)}</desc>{"".join(parts)}</svg>'
        f"{table(bars, names, urls, told_texts, told_befores, title, before)}</figure>"
    )


def linked(url, content):
    """A bar as a link (escaped); the table holds the links for the keyboard, so that these are no stops on the way."""
    if url:
        return f'<a class="chart__link" href="{url}" tabindex="-1">{content}</a>'
    return f'<g class="chart__link">{content}</g>'


def column(left, step, number, top, inner, is_partial):
    """The place of one bar, which answers the pointer from top to bottom, and the bar in it."""
    hit = f'<rect class="chart__hit" x="{left:.2f}%" width="{step:.2f}%" y="{TOP}" height="{inner}"/>'
    if number is None or number <= 0:
        return hit
    size = max(1.5, number / top * inner)
    kind = " chart__bar--partial" if is_partial else ""
    return (
        f'{hit}<rect class="chart__bar{kind}" x="{left + step * GAP / 2:.2f}%" width="{step * (1 - GAP):.2f}%"'
        f' y="{TOP + inner - size:.1f}" height="{size:.1f}"/>'
    )


def grid(lines, inner):
    """Lines at round numbers, with the numbers."""
    top = lines[-1]
    drawn = []
    for line in lines:
        y = TOP + inner - line / top * inner
        base = " chart__line--base" if line == 0 else ""
        drawn.append(
            f'<line class="chart__line{base}" x1="{GUTTER}%" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="chart__number" x="{GUTTER - 1}%" y="{y + 4:.1f}" text-anchor="end">{compact(line)}</text>'
        )
    return "".join(drawn)


def labels(bars, inner):
    """The names under the axis: as many as fit on a phone, the last one always."""
    step = (100 - GUTTER) / len(bars)
    every = -(-len(bars) // MOST_LABELS)
    for place in range(len(bars) - 1, -1, -every):
        middle, anchor = GUTTER + (place + 0.5) * step, "middle"
        if place == len(bars) - 1 and len(bars) > 1:
            middle, anchor = 100, "end"
        yield (
            f'<text class="chart__label" x="{middle:.2f}%" y="{TOP + inner + 16}" text-anchor="{anchor}">'
            f"{escape(bars[place].label)}</text>"
        )


def description(bars, numbers, texts, before):
    first, last = (bar.name or bar.label for bar in (bars[0], bars[-1]))
    known = [one for one in zip(numbers, texts, bars, strict=True) if one[0] is not None]
    text = f"{len(bars)} bars from {first} to {last}. "
    if known:
        _, most, bar = max(known, key=lambda one: one[0])
        text += f"Most: {most}, {bar.name or bar.label}. "
    if before:
        text += f"Lines across show the period before, {before}. "
    return text + "The table below has the same figures."


def table(bars, names, urls, texts, befores, title, before):
    """The numbers of the bars; names, addresses and texts are escaped."""
    head = '<th scope="col">Day</th>'
    head += f'<th scope="col" class="num">{escape(title)}</th>'
    head += '<th scope="col" class="num">Before</th>' if before else ""
    rows = []
    for bar, name, url, text, earlier in zip(bars, names, urls, texts, befores, strict=True):
        partial = " (not over yet)" if bar.is_partial else ""
        value = f'<a href="{url}">{text}</a>' if url else text
        rows.append(
            f'<tr><th scope="row">{name}{partial}</th><td class="num" data-label="Figure">{value}</td>'
            + (f'<td class="num" data-label="Before">{earlier}</td>' if before else "")
            + "</tr>"
        )
    return (
        '<details class="chart__table"><summary>As a table</summary>'
        f'<div class="table-wrap" tabindex="0" role="region" aria-label="{escape(title)}">'
        f'<table class="table table--compact"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
        "</div></details>"
    )


def sparkline(values, *, partial=True):
    """A small row of bars beside a figure that says the same; for the eye alone. `partial`: the last is not over."""
    numbers = [as_number(value) or 0 for value in values]
    top = max(numbers, default=0)
    if top <= 0:
        return ""
    step = 100 / len(numbers)
    bars = []
    for place, number in enumerate(numbers):
        if number > 0:
            size = max(1.0, number / top * 30)
            kind = " chart__bar--partial" if partial and place == len(numbers) - 1 else ""
            bars.append(
                f'<rect class="chart__bar{kind}" x="{place * step + step * 0.1:.2f}%" width="{step * 0.8:.2f}%"'
                f' y="{30 - size:.1f}" height="{size:.1f}"/>'
            )
    return mark_safe(
        f'<svg class="sparkline" width="100%" height="30" aria-hidden="true">{"".join(bars)}</svg>'
    )


def share_bar(value, top):
    """A bar as long as the value's share of the greatest, beside the number in a table; for the eye alone."""
    number, most = as_number(value) or 0, as_number(top) or 0
    share = max(0.0, min(100.0, 100 * number / most)) if most > 0 else 0.0
    return mark_safe(
        '<svg class="share" width="100%" height="8" aria-hidden="true">'
        '<rect class="share__whole" width="100%" height="8" rx="2"/>'
        f'<rect class="chart__bar" width="{share:.1f}%" height="8" rx="2"/></svg>'
    )


def scale(top, *, whole=True):
    """[0, …] round numbers, at most MOST_LINES steps, the last at or above `top`. `whole`: no parts of one."""
    if top <= 0:
        return [0, 1]
    rough = top / MOST_LINES
    power = 10 ** math.floor(math.log10(rough))
    factors = (1, 2, 5, 10) if whole and power <= 1 else (1, 2, 2.5, 5, 10)
    step = next(factor * power for factor in factors if factor * power >= rough * 0.999999)
    if whole:
        step = max(1, round(step))
    count = max(1, math.ceil(top / step - 1e-9))
    return [step * place for place in range(count + 1)]


def compact(number):
    """A number of the axis, short: 1.2k, 3M, 0.05."""
    for size, letter in ((1e12, "tn"), (1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.4g}{letter}"
    return f"{number:.4g}"


def as_number(value):
    """The value as a finite float, None if it is none."""
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def told(value, number, places, unit):
    if number is None:
        return NOT_RECORDED
    if places == 0 and isinstance(value, Decimal | float) and value != int(value):
        places = 2
    return f"{ui.number(value, places)} {unit_of(number, unit)}".strip()


def unit_of(number, unit):
    """The unit beside a number: "calls", and "call" beside 1; "ms" stays what it is."""
    return unit.removesuffix("s") if number == 1 and len(unit) > 2 else unit
