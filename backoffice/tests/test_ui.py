"""The filters that show values must take whatever a row holds."""

import math
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone
from django.utils.safestring import SafeString

from backoffice import zones
from backoffice.templatetags import ui

ODD = [
    None, "", "text", "<b>", 0, -1, 10**40, 1.5, math.nan, math.inf, -math.inf, True, False, [], {}, [1, {"a": None}],
    object(),
    Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("1e40"), Decimal("-0.004"), uuid.UUID(int=7), b"\xff",
    datetime.max, datetime.min, datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC),
    datetime(9998, 12, 31, 23, 59, tzinfo=UTC), datetime(2, 1, 1, tzinfo=UTC), datetime(2026, 1, 1), date.max, date.min,
    date(2026, 1, 1), timedelta(days=-3), timedelta.max,
]  # fmt: skip
FILTERS = [
    ui.missing, ui.number, ui.money, ui.signed, ui.approx, ui.duration, ui.milliseconds, ui.pretty_json, ui.tone,
    ui.status_pill, ui.timeago_tag, ui.time_tag, ui.clock_tag, ui.short_id, ui.initials, ui.undo_url, ui.message_tone,
    ui.one_direction, ui.diff_value, ui.copy_button,
]  # fmt: skip


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Adak"])
@pytest.mark.parametrize("show", FILTERS, ids=lambda show: show.__name__)
def test_nothing_in_a_row_breaks_a_filter(show, zone):
    with timezone.override(ZoneInfo(zone)):
        for value in ODD:
            shown = show(value)
            assert not isinstance(shown, SafeString) or "<b>" not in shown


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (ui.number(1234567), "1,234,567"),
        (ui.money(Decimal("-1234.5")), "\N{MINUS SIGN}1,234.50"),
        (ui.signed(Decimal(120)), "+120.00"),
        (ui.money(Decimal("0.25815"), 4), "0.2582"),
        (ui.approx(1234567), "~1.2 M"),
        (ui.approx(4000), "~4 k"),
        (ui.approx(-1), "unknown"),
        (ui.duration(34), "0:34"),
        (ui.duration(3723), "1:02:03"),
        (ui.duration(-5), "\N{MINUS SIGN}0:05"),
        (ui.milliseconds(1284), "1.3 s"),
        (ui.missing(None), '<span class="missing">not set</span>'),
        (ui.missing(False), "No"),
        (ui.status_pill("top_up"), '<span class="status status--good">Top-up</span>'),
        (ui.status_pill("no_answer"), '<span class="status status--bad">No answer</span>'),
        (ui.status_pill("Never_Seen"), '<span class="status status--neutral">Never_Seen</span>'),
        (ui.time_tag(datetime.max), '<span class="missing" title="PostgreSQL infinity">infinity</span>'),
    ],
)  # fmt: skip
def test_values_in_words(shown, expected):
    assert shown == expected


def test_time_is_shown_in_the_readers_zone_and_names_it():
    with timezone.override(ZoneInfo("Asia/Kolkata")):
        shown = ui.time_tag(datetime(2026, 3, 1, 20, 0, tzinfo=UTC))
    assert ">2026-03-02 01:30<" in shown
    assert 'title="2026-03-02 01:30:00 Asia/Kolkata"' in shown


def test_a_request_asks_once_for_the_zone():
    noon = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    with timezone.override(ZoneInfo("Asia/Kolkata")), zones.keeping_zone():
        assert ">2026-03-01 17:30<" in ui.time_tag(noon)
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert ">2026-03-01 21:00<" in ui.time_tag(noon)


def test_age_in_words():
    now = timezone.now()
    words = {
        "3 h ago": timedelta(hours=-3, minutes=-5),
        "in 2 d": timedelta(days=2, minutes=5),
        "just now": timedelta(),
    }
    for text, distance in words.items():
        assert f">{text}<" in ui.timeago_tag(now + distance)


def test_undo_leads_only_to_this_site():
    def url(tags):
        return ui.undo_url(SimpleNamespace(extra_tags=tags))

    assert url("success undo:/undo/7/") == "/undo/7/"
    assert [
        url(tag) for tag in ("undo://evil.test/", "undo:https://evil.test/", "undo:/\\evil.test/", None)
    ] == [""] * 4


def test_a_name_does_not_turn_the_words_of_a_message_around_it():
    page = Template("{% load ui %}{{ message|one_direction }}")
    html = page.render(Context({"message": "<b>Yoga \u202eabc\u2067 היא</b> was saved."}))
    assert html == "&lt;b&gt;Yoga abc היא&lt;/b&gt; was saved."


def test_unknown_icon_is_a_circle_and_names_are_not_markup():
    assert "<circle" in Template('{% load ui %}{% icon "no-such-icon" %}').render(Context())
    assert 'aria-label="&lt;x&gt;"' in Template('{% load ui %}{% icon "x" 14 "<x>" %}').render(Context())


@pytest.mark.parametrize("value", ["x" * 201, "\n" * 6, ["x" * 300], {"a": "x" * 300}])
def test_a_box_that_scrolls_is_reached_by_keyboard(value):
    assert ui.scrolls(value) == ' tabindex="0"' and ui.scrolls("short") == ui.scrolls(None) == ""
