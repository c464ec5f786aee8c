"""Calls of a number: the last one, figures by spans of days, and each figure opens the rows that it counted."""

import datetime
import re

import pytest
from django.db import connection
from django.utils import timezone

from backoffice.testing import platform
from backoffice.testing_crud import check_page, count_queries
from telephony.tests.factories import make_call, make_number
from telephony.traffic import traffic_of

pytestmark = pytest.mark.django_db
URL = "/telephony/numbers/"


def ago(days):
    return timezone.now() - datetime.timedelta(days=days)


@pytest.fixture
def number():
    """2 calls in 7 days, 5 in 30, 1 before; one long ago, and such without a usable time."""
    number = make_number()
    for days, status, seconds in (
        (0, "completed", 90),
        (6, "failed", 0),
        (7, "busy", None),
        (10, "active", -5),
        (29, "completed", 150),
        (30, "completed", 60),
        (400, "completed", 60),
    ):
        make_call(phone_number=number, created_at=ago(days), status=status, duration_seconds=seconds)
    make_call(phone_number=number, created_at=None)
    with platform(), connection.cursor() as cursor:
        cursor.execute(
            "insert into call_logs (organization_id, phone_number_id, session_id, direction, created_at) select"
            " organization_id, id, 'x', 'inbound', t::timestamptz from phone_numbers,"
            " unnest(array['infinity', '-infinity', '2999-01-01']) t"
        )
    return number


def test_figures_open_exactly_the_calls_that_they_counted(support_client, number):
    found = traffic_of(number)
    assert [(span.calls, span.failed, round(span.minutes, 1)) for span in found["spans"]] == [
        (2, 1, 1.5),
        (5, 2, 4.0),
        (1, 0, 1.0),
    ]
    assert len(found["bars"]) == 30 and sum(bar.value for bar in found["bars"]) == 5
    for span in found["spans"]:
        assert len(support_client.get(span.url).context["rows"]) == span.calls
        assert len(support_client.get(span.failed_url).context["rows"]) == span.failed


def test_the_page_shows_them_with_the_last_call(support_client, number):
    html = check_page(support_client.get(number.get_absolute_url()))
    assert "Last 7 days" in html and "The 30 days before" in html and "Calls per day" in html
    assert "never called" in check_page(support_client.get(make_number().get_absolute_url()))


def test_the_list_shows_last_call_and_calls_at_a_constant_number_of_queries(support_client):
    called = make_number()
    make_call(phone_number=called, created_at=ago(40))
    last = make_call(phone_number=called, created_at=ago(3))
    few = len(count_queries(support_client, URL))
    quiet = [make_number() for _ in range(5)]
    for row in quiet[1:]:
        make_call(phone_number=row)
    assert len(count_queries(support_client, URL)) == few
    html = check_page(support_client.get(URL, {"q": called.e164}))
    assert last.get_absolute_url() in html
    opens = re.search(rf'href="([^"]*phone_number={called.pk}[^"]*)">1<', html)[1]
    assert support_client.get(opens.replace("&amp;", "&")).context["rows"] == [last]
    assert '<span class="missing">never</span>' in check_page(support_client.get(URL, {"q": quiet[0].e164}))
