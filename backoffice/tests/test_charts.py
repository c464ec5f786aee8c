"""Charts as SVG: readable, told in words, without anything that a strict Content-Security-Policy forbids."""

import re
from decimal import Decimal

import pytest

from backoffice import charts
from backoffice.charts import Bar, bar_chart, compact, scale


@pytest.mark.parametrize(
    ("top", "whole", "lines"),
    [
        (0, True, [0, 1]), (1, True, [0, 1]), (3, True, [0, 1, 2, 3]), (10, True, [0, 5, 10]),
        (7, True, [0, 2, 4, 6, 8]), (97, True, [0, 25, 50, 75, 100]), (100, True, [0, 25, 50, 75, 100]),
        (1234, True, [0, 500, 1000, 1500]), (0.07, False, pytest.approx([0, 0.02, 0.04, 0.06, 0.08])),
        (2_000_070_000, True, [0, 1_000_000_000, 2_000_000_000, 3_000_000_000]),
    ],
)  # fmt: skip
def test_lines_stand_at_round_numbers(top, whole, lines):
    assert scale(top, whole=whole) == lines


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (950, "950"),
        (1500, "1.5k"),
        (2_000_000, "2M"),
        (3e9, "3bn"),
        (1e15, "1000tn"),
        (0.05, "0.05"),
    ],
)
def test_numbers_of_the_axis_are_short(number, text):
    assert compact(number) == text


def test_what_is_not_recorded_is_told_from_zero():
    odd = [None, Decimal("NaN"), Decimal("sNaN"), float("inf"), "many"]
    drawn = bar_chart(
        [Bar("Mon", 3), Bar("Tue", 0), *(Bar(f"Odd {n}", value) for n, value in enumerate(odd))], "Calls"
    )
    assert "<title>Mon: 3</title>" in drawn and "<title>Tue: 0</title>" in drawn
    for number in range(len(odd)):
        assert f"<title>Odd {number}: not recorded</title>" in drawn
    assert drawn.count('class="chart__bar"') == 1


def test_a_bar_opens_its_rows_and_says_what_it_is():
    drawn = bar_chart(
        [Bar("1 Nov", 1200, url="/x/?a=1&b=2", name="Sun 1 Nov 2026", before=600, is_partial=True)],
        "Calls by day", unit="calls", before="1 to 2 Oct 2026",
    )  # fmt: skip
    assert '<a class="chart__link" href="/x/?a=1&amp;b=2" tabindex="-1">' in drawn
    assert "<title>Sun 1 Nov 2026: 1,200 calls; before: 600 calls (not over yet)</title>" in drawn
    assert "chart__bar--partial" in drawn and drawn.count('class="chart__before"') == 1
    assert (
        '<a href="/x/?a=1&amp;b=2">1,200 calls</a></td><td class="num" data-label="Before">600 calls</td>'
        in drawn
    )


def test_one_is_told_as_one():
    html = bar_chart([Bar("1 Nov", 1), Bar("2 Nov", 2)], "Calls", unit="calls")
    assert "1 Nov: 1 call<" in html and "2 Nov: 2 calls<" in html
    assert "1 Nov: 1 ms<" in bar_chart([Bar("1 Nov", 1)], "Latency", unit="ms")


def test_has_a_title_and_a_description_and_nothing_inline():
    drawn = bar_chart([Bar("<b>", 1, url='/"><script>'), Bar("Tue", 5)], "<i>Calls", key="calls")
    assert 'aria-labelledby="chart-calls-title" aria-describedby="chart-calls-desc"' in drawn
    assert '<title id="chart-calls-title">&lt;i&gt;Calls</title>' in drawn
    assert "Most: 5, Tue." in drawn and "2 bars from &lt;b&gt; to Tue" in drawn
    assert "<b>" not in drawn and "<script>" not in drawn and "style=" not in drawn


def test_names_under_the_axis_leave_room_and_the_last_is_among_them():
    drawn = bar_chart([Bar(f"Day {n}", n) for n in range(1, 91)], "Calls")
    names = re.findall(r'class="chart__label"[^>]*>([^<]+)<', drawn)
    assert len(names) == charts.MOST_LABELS and names[0] == "Day 90"


def test_without_bars_there_is_nothing():
    assert bar_chart([], "Calls") == charts.sparkline([]) == charts.sparkline([0, None]) == ""


def test_a_share_stays_within_its_bar():
    assert 'width="50.0%"' in charts.share_bar(5, 10)
    assert 'width="100.0%"' in charts.share_bar(50, 10) and 'width="0.0%"' in charts.share_bar(-5, 10)
    assert 'width="0.0%"' in charts.share_bar(None, Decimal("NaN"))
