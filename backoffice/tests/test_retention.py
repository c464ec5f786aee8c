"""The nightly removal of old entries: by the settings, exactly told, killed in the middle, by two workers at once."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from backoffice import retention, tasks
from backoffice.environment import days_kept
from backoffice.models import AuditEvent, ReadLog
from backoffice.settings import BASE_DIR
from backoffice.testing_crud import check_page

OLD = 300
FILL = """
insert into audit.event (at, table_name, row_id, row_label, action, actor, db_role, source)
select now() - interval '500 days' + n * interval '1 minute', 'agents', n::text, '', 'update', 'x', 'x', 'app'
from generate_series(1, %s) n
"""
READINGS = """
insert into audit.read_log (at, actor, kind, table_name, db_role)
select now() - make_interval(days => n), 'x', 'reveal', 'agents', 'x' from unnest(array[10, 390, 800]) n
"""
# A process of its own that removes one entry at a time.
SLOWLY = """
import django
django.setup()
from backoffice import retention
retention.prune_log("event", 400, batch=1)
"""


def old():
    return AuditEvent.objects.filter(table_name="agents", action="update").count()


def told():
    entries = AuditEvent.objects.filter(table_name="audit.event", action="delete")
    return sum(entry.new["rows_removed"] for entry in entries)


def test_every_log_by_its_setting_and_told_on_the_pages(owner, settings, manager_client):
    owner(FILL, [3])
    owner(READINGS)
    settings.AUDIT_KEEP_DAYS, settings.READ_LOG_KEEP_DAYS = 0, 0
    tasks.remove_old_entries(0)
    assert (old(), ReadLog.objects.count()) == (3, 3)
    assert "Kept for ever" in check_page(manager_client.get("/audit/changes/"))
    settings.AUDIT_KEEP_DAYS, settings.READ_LOG_KEEP_DAYS = 400, 365
    page = check_page(manager_client.get("/health/ages/"))
    assert page.count("The nightly removal did not happen") == 2
    tasks.remove_old_entries(0)
    assert (old(), ReadLog.objects.count()) == (0, 1)
    entry = AuditEvent.objects.get(table_name="audit.event")
    assert (entry.actor, entry.reason, entry.new["rows_removed"]) == (
        "Retention",
        "AUDIT_KEEP_DAYS is 400",
        3,
    )
    page = check_page(manager_client.get("/audit/readings/"))
    assert "Kept for 365 days" in page and "removed last" in page
    assert "did not happen" not in check_page(manager_client.get("/health/ages/"))
    page = check_page(manager_client.get(entry.get_absolute_url()))
    assert "3 entries removed" in page and "Rows removed" in page.replace("rows removed", "Rows removed")


def test_killed_in_the_middle_and_gone_on_with_by_two_at_once(fresh_database):
    with fresh_database.connect("postgres") as owner:
        owner.execute(FILL, [OLD])
    environment = {
        **os.environ, "DATABASE_URL": fresh_database.url, "HTTPS": "off", "SECRET_KEY": "only-for-tests",
        "ALLOWED_HOSTS": "localhost", "DJANGO_SETTINGS_MODULE": "backoffice.settings",
    }  # fmt: skip
    with fresh_database.django():
        process = subprocess.Popen([sys.executable, "-c", SLOWLY], cwd=BASE_DIR, env=environment)
        deadline = time.monotonic() + 60
        while old() > OLD - 5 and time.monotonic() < deadline:
            assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        rest = old()
        assert 0 < rest <= OLD - 5, "it was not killed in the middle"
        assert told() == OLD - rest

        def run(_):
            try:
                return retention.prune_log("event", 400, batch=7)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as pool:
            removed = list(pool.map(run, range(2)))
        retention.prune_log("event", 400)  # whoever came second may have left
        assert old() == 0 and sum(removed) <= rest and told() == OLD


@pytest.mark.parametrize("text", ["1", "364", "-1", "40000"])
def test_less_than_a_year_stops_the_start_with_a_sentence(monkeypatch, text):
    monkeypatch.setenv("AUDIT_KEEP_DAYS", text)
    with pytest.raises(
        ImproperlyConfigured, match="AUDIT_KEEP_DAYS is 0, for ever, or a number of days from 365"
    ):
        days_kept("AUDIT_KEEP_DAYS")


@pytest.mark.parametrize("text", ["0", "365", "3650"])
def test_for_ever_or_a_year_and_more(monkeypatch, text):
    monkeypatch.setenv("AUDIT_KEEP_DAYS", text)
    assert days_kept("AUDIT_KEEP_DAYS") == int(text)
