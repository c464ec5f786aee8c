"""Sessions end: by themselves, when the account changes, and by hand; what was typed is kept."""

import datetime
import re
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.base import UpdateError
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone

from backoffice import staff
from backoffice.accounts import StaffBackend
from backoffice.environment import whole_number
from backoffice.models import AuditEvent, StaffSession
from backoffice.sessions import ending, held, person
from backoffice.sessions.store import SessionStore, hash_of
from backoffice.testing import make_user, platform

HTMX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://testserver/jobs/?q=x"}


def session_of(client):
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    return StaffSession.objects.get(key_hash=hash_of(key), account=client.user)


def age(client, *, seen_minutes=0, started_hours=0):
    """The session as it will be after a while."""
    now = timezone.now()
    StaffSession.objects.filter(account=client.user).update(
        seen_at=now - datetime.timedelta(minutes=seen_minutes),
        started_at=now - datetime.timedelta(hours=started_hours),
    )


def another_browser(user):
    client = Client(HTTP_USER_AGENT="Other")
    client.force_login(user)
    client.user = user
    return client


def asked_at(response):
    """The query of the sign-in page to which a response leads."""
    url = response.headers.get("HX-Redirect") or response.url
    assert urlsplit(url).path == "/accounts/login/"
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


@pytest.mark.parametrize(
    ("ages", "why"),
    [
        ({"seen_minutes": settings.SESSION_IDLE_MINUTES - 1}, ""),
        ({"seen_minutes": settings.SESSION_IDLE_MINUTES}, "idle"),
        ({"started_hours": settings.SESSION_HOURS - 0.1}, ""),
        ({"started_hours": settings.SESSION_HOURS}, "too_long"),
    ],
    ids=["seen lately", "idle", "of today", "too long"],
)
def test_a_session_ends_by_itself_whatever_the_cookie_says(support_client, ages, why):
    age(support_client, **ages)
    response = support_client.get("/me/?x=1")
    if not why:
        assert response.status_code == 200
        return
    assert asked_at(response) == {"next": "/me/?x=1", "ended": why}
    page = support_client.get(response.url).content.decode()
    assert "You were signed out because" in page and 'value="/me/?x=1"' in page


def test_only_what_a_person_does_keeps_it_alive(support_client):
    age(support_client, seen_minutes=40)
    before = session_of(support_client).seen_at
    support_client.get("/jobs/", HTTP_X_UNATTENDED="1", **HTMX)
    assert session_of(support_client).seen_at == before
    support_client.get("/jobs/")
    assert timezone.now() - session_of(support_client).seen_at < datetime.timedelta(minutes=1)


def test_a_session_costs_no_query_more_and_a_write_once_a_minute(support_client, django_assert_num_queries):
    with django_assert_num_queries(1):  # the session with the account
        support_client.get("/me/theme/")
    age(support_client, seen_minutes=2)
    with django_assert_num_queries(2):
        support_client.get("/me/theme/")
    with django_assert_num_queries(1):
        support_client.get("/me/theme/")


def test_a_part_of_a_page_leads_the_whole_page_to_the_sign_in(support_client):
    age(support_client, seen_minutes=61)
    response = support_client.get("/jobs/", **HTMX)
    assert response.status_code == 401 and response.content == b""
    assert asked_at(response) == {"next": "/jobs/?q=x", "ended": "idle"}


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_what_was_typed_is_kept_until_the_same_person_has_signed_in(support_client, headers):
    age(support_client, seen_minutes=61)
    typed = {"first_name": "Ann <b>", "time_zone": "Europe/Berlin", "theme": "dark", "password": "x"}
    secrets = {
        "new_secret_0": "hush1",
        "text": '{"sip": {"password": "hush2", "user": "desk"}, "w": "https://a:hush3@b.c"}',
    }
    query = asked_at(support_client.post("/me/", typed | secrets, **headers))
    assert query["next"].startswith("/held/") and query["ended"] == "idle"
    page = support_client.get("/accounts/login/", query).content.decode()
    assert "What you typed was kept" in page
    other = make_user("manager")
    credentials = {"login": support_client.user.email, "password": "password", "next": query["next"]}
    response = support_client.post("/accounts/login/", credentials)
    assert response.url == query["next"]
    page = support_client.get(response.url).content.decode()
    assert "Ann &lt;b&gt;" in page and "Passwords and files were not kept" in page
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert "password" not in fields
    assert "hush" not in page and "hush" not in str(support_client.session.items())
    assert "desk" in fields["text"] and "[secret]" in fields["text"]
    support_client.post("/me/", fields)
    support_client.user.refresh_from_db()
    assert support_client.user.time_zone == "Europe/Berlin"
    support_client.force_login(other)
    assert support_client.get(query["next"]).status_code == 404, "another person does not see it"


def test_what_is_too_long_to_be_kept_is_said(support_client):
    age(support_client, seen_minutes=61)
    query = asked_at(support_client.post("/me/", {"first_name": "x" * (held.LONGEST + 1)}))
    assert query == {"next": "/me/", "ended": "idle", "lost": "1"}
    page = support_client.get("/accounts/login/", query).content.decode()
    assert "too long to be kept" in page


def test_a_part_of_a_page_that_cannot_be_kept_leaves_the_page_as_it_is(support_client):
    for client, typed in ((Client(), "Ann"), (support_client, "x" * (held.LONGEST + 1))):
        if client is support_client:
            age(client, seen_minutes=61)
        response = client.post("/me/", {"first_name": typed}, **HTMX)
        assert response.status_code == 401 and "HX-Redirect" not in response


def test_a_held_form_is_forgotten_after_half_an_hour(support_client, monkeypatch):
    age(support_client, seen_minutes=61)
    query = asked_at(support_client.post("/me/", {"first_name": "Ann"}))
    support_client.force_login(support_client.user)
    assert support_client.get(query["next"]).status_code == 200
    monkeypatch.setattr(held, "MINUTES", 0)
    assert support_client.get(query["next"]).status_code == 404
    age(support_client, seen_minutes=2)
    support_client.get("/me/")
    assert SessionStore().decode(session_of(support_client).session_data)[held.SESSION_KEY] == {}


def test_odd_addresses_browsers_and_cookies_are_answered(support_client):
    age(support_client, seen_minutes=2)
    browser = "<script>\0" + "x" * 1000
    assert support_client.get("/me/", REMOTE_ADDR="", HTTP_USER_AGENT=browser).status_code == 200
    assert session_of(support_client).browser == ("<script>" + "x" * 1000)[:300]
    assert "<script>x" not in support_client.get("/me/sessions/").content.decode()
    for cookie in ("", "x", "\udcff" * 40, "é" * 5000):
        client = Client()
        client.cookies[settings.SESSION_COOKIE_NAME] = cookie.encode("utf-8", "replace").decode()
        assert client.get("/me/").status_code == 302


@pytest.mark.parametrize("text", ["", "x", "0", "169", "1.5"])
def test_a_setting_out_of_its_range_stops_the_start_with_a_sentence(monkeypatch, text):
    monkeypatch.setenv("SESSION_HOURS", text)
    with pytest.raises(ImproperlyConfigured, match="SESSION_HOURS is a whole number from 1 to 168"):
        whole_number("SESSION_HOURS", 12, least=1, most=168)


CHANGES = {
    "password by an admin": (
        lambda user, admin: staff.set_password(user, actor=admin, reason="Lost", password="correct horse 9"),
        "password",
    ),
    "role": (
        lambda user, admin: staff.save_account(with_role(user, "Finance"), actor=admin, reason="Moves"),
        "role",
    ),
    "made admin": (
        lambda user, admin: staff.save_account(with_role(user, "Admin"), actor=admin, reason="Moves"),
        "role",
    ),
    "suspended in SQL": (
        lambda user, admin: type(user).objects.filter(pk=user.pk).update(is_active=False),
        "suspended",
    ),
    "group given in SQL": (
        lambda user, admin: user.groups.add(Group.objects.get(name="Manager")),
        "role",
    ),
}


def with_role(user, role):
    user.role = role
    return user


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_the_account_ends_its_sessions_everywhere_at_once(support_client, admin, name):
    change, why = CHANGES[name]
    other, bystander = another_browser(support_client.user), another_browser(admin)
    assert other.get("/me/").status_code == 200
    change(type(admin).objects.get(pk=support_client.user.pk), admin)
    for client in (support_client, other):
        assert asked_at(client.get("/me/")) == {"next": "/me/", "ended": why}
    assert bystander.get("/me/").status_code == 200
    rows = StaffSession.objects.filter(account=support_client.user)
    assert [row.session_data for row in rows] == ["", ""]


def test_the_browser_in_which_the_password_was_changed_goes_on(support_client):
    other = another_browser(support_client.user)
    age(support_client, started_hours=2)
    data = {"oldpassword": "password", "password1": "correct horse 9", "password2": "correct horse 9"}
    assert support_client.post("/accounts/password/change/", data).status_code == 302
    assert support_client.get("/me/").status_code == 200
    assert asked_at(other.get("/me/"))["ended"] == "password"
    since = timezone.now() - session_of(support_client).started_at
    assert since > datetime.timedelta(hours=1), "and no longer than without the change"


def test_ended_sessions_leave_an_entry_with_actor_and_reason_and_without_keys(support_client, admin):
    session = session_of(support_client)
    key = support_client.cookies[settings.SESSION_COOKIE_NAME].value
    CHANGES["role"][0](type(admin).objects.get(pk=support_client.user.pk), admin)
    event = AuditEvent.objects.of(session).get()
    assert (event.actor, event.reason) == (str(admin), "Moves")
    assert set(event.new) == {"ended_at", "ended_why"}
    with platform():
        assert not StaffSession.objects.filter(key_hash=key).exists()
    assert key not in str(StaffSession.objects.values_list()) + str(AuditEvent.objects.values_list())


def test_a_request_that_runs_while_its_session_ends_does_not_open_it_again(support_client):
    store = SessionStore(support_client.cookies[settings.SESSION_COOKIE_NAME].value)
    store["x"] = 1
    StaffSession.objects.update(ended_at=timezone.now(), ended_why="by_hand")
    with pytest.raises(UpdateError):
        store.save()
    assert asked_at(support_client.get("/me/"))["ended"] == "by_hand"


CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"


class TestOnesOwnSessions:
    def test_are_listed_and_end_one_by_one(self, support_client, manager_client):
        other = another_browser(support_client.user)
        other.get("/me/", HTTP_USER_AGENT=CHROME)
        age(other, seen_minutes=2)
        other.get("/me/", HTTP_USER_AGENT=CHROME, REMOTE_ADDR="203.0.113.7")
        page = support_client.get("/me/sessions/").content.decode()
        assert "Chrome on Windows" in page and "203.0.113.7" in page and "this one" in page
        pk = session_of(other).pk
        assert str(pk) in page and str(session_of(support_client).pk) not in page
        manager_client.post(f"/me/sessions/{pk}/end/")
        assert other.get("/me/").status_code == 200, "another person's is not ended"
        support_client.post(f"/me/sessions/{pk}/end/")
        assert asked_at(other.get("/me/"))["ended"] == "by_hand"
        assert support_client.get("/me/").status_code == 200
        event = AuditEvent.objects.of(StaffSession(pk=pk)).get()
        assert (event.actor, event.reason) == (str(support_client.user), "Own sessions")

    def test_all_others_end_at_once(self, support_client):
        others = [another_browser(support_client.user) for _ in range(2)]
        support_client.post("/me/sessions/end/")
        assert [asked_at(other.get("/me/"))["ended"] for other in others] == ["by_hand", "by_hand"]
        page = support_client.get("/me/sessions/").content.decode()
        assert "End all others" not in page and "this one" in page

    def test_those_that_are_over_by_themselves_are_not_shown(self, support_client):
        age(another_browser(support_client.user), seen_minutes=61)
        support_client.force_login(support_client.user)
        assert support_client.get("/me/sessions/").content.decode().count("sessions__one") == 1


@pytest.mark.parametrize(
    ("browser", "words"),
    [
        (CHROME, "Chrome on Windows"),
        (f"{CHROME} Edg/131.0", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit Chrome/131.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8.5.0", "Another program"),
        ("", "Another program"),
    ],
    ids=["Chrome", "Edge", "Firefox", "iPhone", "Android", "curl", "nothing"],
)
def test_a_browser_is_named_in_words(browser, words):
    assert ending.device(browser) == words


def test_the_account_comes_with_its_session_and_with_no_other(support, support_client):
    other = make_user("manager")
    key = support_client.cookies[settings.SESSION_COOKIE_NAME].value
    session, account = person.session_with_account(hash_of(key))
    assert session.account_id == account.pk == support.pk and account.role == "Support"
    assert account.role_permissions == person.read(support.pk).role_permissions
    assert person.session_with_account(hash_of("x" * 32)) == (None, None)
    with person.asked_for(SimpleNamespace(account=account)):
        assert person.of_this_session(support.pk) is account
        assert person.of_this_session(other.pk) is None
        assert StaffBackend().get_user(other.pk) == other
    assert person.of_this_session(support.pk) is None
    # What the session says of itself counts, and a row that names somebody else gives nobody their rights.
    StaffSession.objects.filter(key_hash=hash_of(key)).update(account=other)
    response = support_client.get("/me/")
    assert response.status_code == 302 or response.wsgi_request.user.pk == support.pk
