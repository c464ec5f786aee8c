"""What everything else stands on: the connection, the role tests run under, sign-in, the schema command."""

import datetime as dt
from threading import Thread

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.test import RequestFactory
from django.utils import timezone

from backoffice import schema, testing
from backoffice.middleware import TimeZoneMiddleware
from backoffice.postgresql.base import INFINITE_FUTURE, INFINITE_PAST


def one(query, *params):
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchone()


def test_connection_brings_its_own_settings(db):
    names = (
        "search_path",
        "TimeZone",
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
    )
    row = one("select " + ", ".join(f"current_setting('{name}')" for name in names))
    assert row == ("backoffice, public", "UTC", "15s", "5s", "1min")


@pytest.mark.parametrize("value", ["infinity", "20000-01-01"])
def test_time_beyond_python_reads_as_the_far_future(db, value):
    assert one("select %s::timestamptz, %s::date", value, value) == (INFINITE_FUTURE, INFINITE_FUTURE.date())


@pytest.mark.parametrize("value", ["-infinity", "0044-03-15 BC"])
def test_time_before_python_reads_as_the_far_past(db, value):
    assert one("select %s::timestamptz, %s::date", value, value) == (INFINITE_PAST, INFINITE_PAST.date())


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_infinite_times_are_shown_in_every_zone(zone):
    with timezone.override(zone):
        assert timezone.localtime(INFINITE_FUTURE).year in (9999, 9998)
        assert timezone.localtime(INFINITE_PAST).year == 1


def test_infinite_time_is_written_back_as_infinity(db):
    moment = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    row = one(
        "select %s::timestamptz::text, %s::timestamptz::text, %s::timestamptz",
        INFINITE_FUTURE,
        INFINITE_PAST,
        moment,
    )
    assert row == ("infinity", "-infinity", moment)


def test_tests_run_as_the_back_office_and_step_out_of_it(db):
    assert one("select current_user, session_user") == ("backoffice", "postgres")
    with testing.platform():
        assert one("select current_user") == ("postgres",)
        with testing.platform():
            pass
        assert one("select current_user") == ("postgres",)
    assert one("select current_user") == ("backoffice",)
    with pytest.raises(DatabaseError), testing.platform():
        one("select 1 / 0")
    assert one("select current_user") == ("backoffice",)


def test_fresh_database_commits_as_the_back_office_in_every_thread(fresh_database):
    seen = []

    def look():
        seen.append((get_user_model().objects.count(), one("select current_user, session_user")))
        connection.close()

    with fresh_database.django():
        testing.make_user("support")
        thread = Thread(target=look)
        thread.start()
        thread.join()
        with fresh_database.platform():
            assert one("select current_user") == ("postgres",)
        assert one("select current_user") == ("backoffice",)
    assert seen == [(1, ("backoffice", "backoffice"))]


def test_every_page_asks_for_sign_in(client, db):
    for path in ("/", "/me/", "/admin/login/", "/admin/"):
        assert client.get(path)["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("email", ["support@example.test", "Support@Example.TEST"])
def test_staff_sign_in_by_email(client, support, email):
    answer = client.post("/accounts/login/", {"login": email, "password": "password"})
    assert answer["Location"] == "/"


def test_nobody_signs_up(client, db):
    assert client.get("/accounts/signup/").status_code == 404
    answer = client.post("/accounts/signup/", {"email": "new@example.test", "password1": "long enough words"})
    assert answer.status_code == 404
    assert not get_user_model().objects.exists()


def test_deactivated_account_cannot_sign_in(client, support):
    support.is_active = False
    support.save()
    client.post("/accounts/login/", {"login": support.email, "password": "password"})
    assert "_auth_user_id" not in client.session


def test_superuser_is_made_by_email(db):
    call_command("createsuperuser", email="Boss@Example.test", interactive=False)
    user = get_user_model().objects.get()
    assert (user.email, user.is_superuser, user.is_staff) == ("boss@example.test", True, True)


def test_times_are_shown_in_the_zone_of_the_person(support):
    support.time_zone = "Asia/Tokyo"
    request = RequestFactory().get("/")
    request.user = support
    assert TimeZoneMiddleware(lambda r: timezone.get_current_timezone_name())(request) == "Asia/Tokyo"
    support.time_zone = "Nowhere/At_All"
    assert TimeZoneMiddleware(lambda r: timezone.get_current_timezone_name())(request) == "UTC"


class TestPlatformSchema:
    @pytest.fixture
    def empty(self, embedded, monkeypatch):
        """A database with what Supabase brings and no more."""
        name = "test_pid0_platform_schema"
        embedded.drop_database(name)
        embedded.create_database(name)
        schema.apply(embedded.url(name, "embedded_admin"), schema.LOCAL)
        monkeypatch.setenv("PLATFORM_OWNER_URL", embedded.url(name, "postgres"))
        yield testing.Database(embedded, name)
        embedded.drop_database(name)

    def tables(self, database):
        with psycopg.connect(database.owner_url) as owner:
            query = (
                "select table_name from information_schema.tables where table_schema in ('public', 'audit')"
            )
            return {row[0] for row in owner.execute(query)}

    def test_is_loaded_twice_over(self, empty, capsys):
        call_command("platform_schema")
        call_command("platform_schema")
        assert {"organizations", "credit_transactions", "event"} <= self.tables(empty)
        assert "Loaded." in capsys.readouterr().out

    def test_check_keeps_nothing(self, empty, capsys):
        call_command("platform_schema", "--check")
        assert self.tables(empty) == set()
        assert "Nothing was changed" in capsys.readouterr().out

    def test_what_the_server_refuses_is_said(self, empty):
        with psycopg.connect(empty.owner_url) as owner:
            owner.execute("create view organizations as select 1 as id")
        with pytest.raises(CommandError, match="organizations"):
            call_command("platform_schema")

    def test_missing_address_is_said(self, monkeypatch):
        monkeypatch.delenv("PLATFORM_OWNER_URL", raising=False)
        with pytest.raises(CommandError, match="PLATFORM_OWNER_URL is not set"):
            call_command("platform_schema")


def test_page_is_served_to_a_browser(live_app):
    live_app.login("support")
    answer = live_app.page.goto("/")
    assert answer.status == 200
    assert answer.headers["content-security-policy"].count("'self'") == 4
    assert live_app.errors == []
