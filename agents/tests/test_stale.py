"""Finding what the platform never closed, to close it together."""

import datetime

from django.urls import reverse
from django.utils import timezone

from agents.tests.factories import make_agent, make_session
from backoffice.testing_crud import check_page
from telephony.tests.factories import make_call
from tenants.tests.factories import change

LONG_AGO = timezone.now() - datetime.timedelta(days=30)


def listed(client, name):
    return check_page(client.get(reverse(name), {"problem": "stale"}))


def test_sessions(support_client):
    agent = make_agent()
    for external_id, status, at in (
        ("session_stale_000001", "active", LONG_AGO),
        ("session_fresh_000001", "active", timezone.now()),
        ("session_ended_000001", "ended", LONG_AGO),
        ("session_untimed_0001", "active", None),
    ):
        change(make_session(agent, external_id=external_id), status=status, last_activity_at=at)
    page = listed(support_client, "agents:agentsession_list")
    assert "session_stale" in page and "Close" in page
    assert not any(name in page for name in ("session_fresh", "session_ended", "session_untimed"))


def test_calls(support_client):
    for number, status, at in (
        ("+14155550171", "active", LONG_AGO),
        ("+14155550172", "active", timezone.now()),
        ("+14155550173", "completed", LONG_AGO),
    ):
        change(make_call(caller_number=number), status=status, created_at=at)
    page = listed(support_client, "telephony:calllog_list")
    assert "+14155550171" in page
    assert "+14155550172" not in page and "+14155550173" not in page
