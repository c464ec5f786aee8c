"""Too many tries: per account and place, per network address, in the database; the same answer whoever is asked for."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from allauth.core.internal import ratelimit
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice import testing
from backoffice.models import SignIn
from backoffice.sign_in import events, mails
from backoffice.sign_in.addresses import client_address
from backoffice.tests.test_factors import SECRET, code, give_totp, send_password, signed_in

HOME, STRANGER = "203.0.113.5", "198.51.100.7"


def attempt(email, password="wrong", address=STRANGER, client=None):
    client = client or Client()
    return client.post("/accounts/login/", {"login": email, "password": password}, REMOTE_ADDR=address)


def words(answer):
    return answer.content.decode()


def test_stranger_locks_out_strangers_and_not_the_person_at_their_place(support, monkeypatch):
    attempt(support.email, "password", HOME)
    answers = [attempt(support.email) for _ in range(11)]
    assert "is not right" in words(answers[9])
    assert "Too many tries. Try again in 5 minutes" in words(answers[10])
    assert "Too many tries" in words(attempt(support.email, "password", "192.0.2.9")), "nor from anywhere new"
    assert attempt(support.email, "password", HOME).status_code == 302
    later = time.time() + 301
    monkeypatch.setattr(time, "time", lambda: later)
    assert attempt(support.email, "password", "192.0.2.9").status_code == 302


def test_account_and_no_account_are_throttled_alike(support):
    for email in (support.email, "nobody@example.test"):
        with_both = [words(attempt(email)) for _ in range(11)]
        assert ["Too many" in text for text in with_both] == [False] * 10 + [True]


@pytest.mark.parametrize("kind", ["known", "unknown", "suspended", "without a password"])
def test_password_is_hashed_once_whoever_is_asked_for(support, kind, monkeypatch):
    email = "nobody@example.test" if kind == "unknown" else support.email
    if kind == "suspended":
        support.is_active = False
    if kind == "without a password":
        support.set_unusable_password()
    support.save()
    hashed = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *args: hashed.append(args) or encode(*args))
    assert "is not right" in words(attempt(email))
    assert len(hashed) == 1


def test_reset_answers_the_same_and_writes_only_to_accounts(client, support):
    counts, answers = [], []
    client.post("/accounts/password/reset/", {"email": "first@example.test"})
    for email in ("Support@example.test", "nobody@example.test"):
        with CaptureQueriesContext(connection) as queries:
            answer = client.post("/accounts/password/reset/", {"email": email})
        counts.append(len(queries))
        answers.append((answer.status_code, answer["Location"]))
    assert answers[0] == answers[1] == (302, "/accounts/password/reset/done/")
    assert counts[0] == counts[1], "as many queries"
    mails.wait()
    assert [message.to for message in mail.outbox] == [[support.email]]
    link = next(line for line in mail.outbox[0].body.splitlines() if "/reset/key/" in line)
    page = client.get(link.removeprefix("http://testserver"), follow=True)
    new = "four words and more"
    client.post(page.request["PATH_INFO"], {"password1": new, "password2": new})
    assert attempt(support.email, new).status_code == 302


def test_many_resets_answer_the_same_and_send_no_more_mails(client, support):
    key = "/accounts/password/reset/"
    for _ in range(5):
        assert client.post(key, {"email": support.email}).status_code == 302
    answer = client.post(key, {"email": support.email})
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    for rate in ratelimit.get_rates(app="allauth.account", action="reset_password"):
        request = RequestFactory().post(key)
        ratelimit_key = support.email if rate.per == "key" else None
        cache.delete(
            ratelimit.get_cache_key(
                request, app="allauth.account", action="reset_password", rate=rate, key=ratelimit_key
            )
        )
    assert client.post(key, {"email": support.email}).status_code == 302
    mails.wait()
    assert len(mail.outbox) == 5


def test_proof_by_mail_opens_the_way_again(client, support):
    for _ in range(11):
        attempt(support.email)
    client.post("/accounts/password/reset/", {"email": support.email})
    mails.wait()
    link = next(line for line in mail.outbox[-1].body.splitlines() if "/reset/key/" in line)
    page = client.get(link.removeprefix("http://testserver"), follow=True)
    new = "four words and more"
    client.post(page.request["PATH_INFO"], {"password1": new, "password2": new})
    assert attempt(support.email, new, "192.0.2.9").status_code == 302


def test_codes_are_throttled_and_recovery_codes_with_them(support):
    give_totp(support)
    client = Client()
    send_password(client, support)
    for _ in range(10):
        page = client.post("/accounts/2fa/authenticate/", {"code": "00000000"})
        assert "not right" in words(page)
    page = client.post("/accounts/2fa/authenticate/", {"code": code(SECRET)})
    assert "Too many tries. Try again in 5 minutes" in words(page) and not signed_in(client)


def test_codes_tried_by_whoever_has_the_password_do_not_lock_the_person_out(support):
    attempt(support.email, "password", HOME)
    give_totp(support)
    thief = Client()
    attempt(support.email, "password", client=thief)
    for _ in range(11):
        thief.post("/accounts/2fa/authenticate/", {"code": "000000"}, REMOTE_ADDR=STRANGER)
    person = Client()
    attempt(support.email, "password", HOME, person)
    person.post("/accounts/2fa/authenticate/", {"code": code(SECRET)}, REMOTE_ADDR=HOME)
    assert signed_in(person)


def test_reauthentication_is_throttled(support_client):
    answers = [support_client.post("/accounts/reauthenticate/", {"password": "wrong"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]


def test_one_network_address_cannot_ask_for_many_accounts(db):
    answers = [attempt(f"somebody{n}@example.test") for n in range(31)]
    assert "Too many tries" in words(answers[30]) and "Too many" not in words(answers[29])
    assert "Too many tries" not in words(attempt("somebody99@example.test", address=HOME))


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "192.0.2.1", "10.0.0.1"),
        (1, "6.6.6.6, 192.0.2.1", "192.0.2.1"),
        (2, "6.6.6.6, 192.0.2.1, 10.9.9.9", "192.0.2.1"),
        (2, "192.0.2.1", "10.0.0.1"),
        (1, "not an address", "10.0.0.1"),
        (1, "192.0.2.1:4711", "192.0.2.1"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "::ffff:192.0.2.1", "192.0.2.1"),
        (1, "", "10.0.0.1"),
    ],
)
def test_address_is_read_past_trusted_proxies_only(settings, proxies, forwarded, address):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": forwarded})
    assert client_address(request) == address


def test_forged_header_gives_no_fresh_tries(support):
    for n in range(11):
        answer = Client().post(
            "/accounts/login/",
            {"login": f"{n}@example.test", "password": "wrong"},
            headers={"X-Forwarded-For": f"192.0.2.{n}"},
            REMOTE_ADDR=STRANGER,
        )
    assert SignIn.objects.filter(address=STRANGER).count() == 11
    assert answer.status_code == 200


class TestAtOnce:
    """Real commits, a connection per thread: what many web processes do at the same time."""

    def all_at_once(self, database, count, password):
        def one(_):
            try:
                return attempt("support@example.test", password)
            finally:
                connections.close_all()

        with database.django(), ThreadPoolExecutor(count) as threads:
            return list(threads.map(one, range(count)))

    def test_right_passwords_lock_nobody_out_and_wrong_ones_are_all_counted(self, fresh_database):
        with fresh_database.django():
            testing.make_user("support")
        answers = self.all_at_once(fresh_database, 8, "password")
        assert [answer.status_code for answer in answers] == [302] * 8
        with fresh_database.django():
            SignIn.objects.all().delete()
        answers = self.all_at_once(fresh_database, 16, "wrong")
        assert sum("is not right" in words(answer) for answer in answers) == 10
        assert sum("Too many tries" in words(answer) for answer in answers) == 6


class TestKept:
    def test_person_and_admin_see_what_was_tried(self, client, support, admin_client):
        attempt(support.email, address="192.0.2.77")
        send_password(client, support)
        for browser, url in (
            (client, "/accounts/2fa/"),
            (admin_client, f"/admin/backoffice/user/{support.pk}/change/"),
        ):
            page = words(browser.get(url, follow=True))
            assert "192.0.2.77" in page and "Failed" in page and "Signed in" in page, url

    def test_address_of_nobody_is_masked(self, db, caplog):
        attempt("somebody.private@example.com")
        attempt("hunter2-typed-in-the-wrong-field@x")
        kept = SignIn.objects.values_list("typed", flat=True)
        assert set(kept) <= {"s…@example.com", "h…@x"} and "s…@example.com" in kept
        assert "private" not in caplog.text

    def test_throttled_tries_are_noted_once_a_minute(self, support):
        for _ in range(14):
            attempt(support.email)
        assert SignIn.objects.filter(kind="throttled", account=support).count() == 1

    def test_old_ones_go(self, support, settings):
        settings.SIGN_IN_DAYS = 30
        for days in (29, 31):
            one = SignIn.objects.create(account=support, address=HOME, kind="refused", method="password")
            SignIn.objects.filter(pk=one.pk).update(at=timezone.now() - timedelta(days=days))
        assert events.prune() is False
        assert SignIn.objects.count() == 1

    def test_limits_are_not_pushed_out_of_the_cache(self, db):
        assert cache._max_entries >= 100_000
