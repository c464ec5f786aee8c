"""Second factors: set up, shown, replaced, taken away; what is stored, and what the audit has of it."""

import json
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core import mail
from django.core.management import call_command
from django.test import Client

from backoffice import testing
from backoffice.models import AuditEvent
from backoffice.sign_in import cipher, mails
from backoffice.sign_in.factors import reset_factors

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code(secret=SECRET, steps=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def give_totp(user, secret=SECRET):
    return Authenticator.objects.create(user=user, type="totp", data={"secret": cipher.encrypt(secret)})


def give_passkey(user, name="Phone"):
    credential = {"clientExtensionResults": {"credProps": {"rk": True}}, "id": "not-a-real-one"}
    return Authenticator.objects.create(
        user=user, type="webauthn", data={"name": name, "credential": credential}
    )


def send_password(client, user, **more):
    return client.post("/accounts/login/", {"login": user.email, "password": "password", **more})


def set_up_app(client):
    """Sets an authenticator app up as a person does; returns its key and the last answer."""
    page = client.get("/accounts/2fa/totp/activate/")
    secret = page.context["form"].secret
    return secret, client.post("/accounts/2fa/totp/activate/", {"code": code(secret)})


def signed_in(client):
    return "_auth_user_id" in client.session


def events(user):
    return AuditEvent.objects.filter(table_name="backoffice.mfa_authenticator").order_by("id")


def test_app_is_set_up_asked_for_and_kept_encrypted(client, support, django_capture_on_commit_callbacks):
    send_password(client, support)
    with django_capture_on_commit_callbacks(execute=True):
        secret, answer = set_up_app(client)
    assert answer["Location"] == "/accounts/2fa/recovery-codes/"
    codes = client.get(answer["Location"]).context["unused_codes"]
    assert len(set(codes)) == 10
    assert client.get(answer["Location"]).context["unused_codes"] == ["****"] * 10, "shown once"

    stored = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored and "seed" in stored
    recorded = json.dumps([[event.old, event.new, event.row_label] for event in events(support)])
    assert "data" not in recorded and "gAAAA" not in recorded
    assert [(event.actor, event.row_label, event.reason) for event in events(support)] == [
        (str(support), "totp", "Set up an authenticator app"),
        (str(support), "recovery_codes", "Set up an authenticator app"),
    ]
    mails.wait()
    assert [(message.to, message.subject) for message in mail.outbox] == [
        ([support.email], "Back office: An authenticator app was set up")
    ]

    again = Client()
    assert send_password(again, support)["Location"] == "/accounts/2fa/authenticate/"
    assert not signed_in(again)
    page = again.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert "not right" in page.content.decode() and not signed_in(again)
    again.post("/accounts/2fa/authenticate/", {"code": codes[0]})
    assert signed_in(again)

    once_more = Client()
    send_password(once_more, support)
    once_more.post("/accounts/2fa/authenticate/", {"code": codes[0]})
    assert not signed_in(once_more), "a recovery code works once"


def test_code_works_once(support, monkeypatch):
    """Also half a minute later, when it would still be accepted; and however it is written."""
    give_totp(support)
    began, now = time.time(), code()
    for seconds, typed, works in ((0, now, True), (1, now, False), (31, f"{now[:3]} {now[3:]}", False)):
        monkeypatch.setattr("time.time", lambda moment=began + seconds: moment)
        browser = Client()
        send_password(browser, support)
        browser.post("/accounts/2fa/authenticate/", {"code": typed})
        assert signed_in(browser) is works, seconds


def test_code_that_set_the_app_up_signs_nobody_in(client, support):
    send_password(client, support)
    secret, _ = set_up_app(client)
    other = Client()
    send_password(other, support)
    other.post("/accounts/2fa/authenticate/", {"code": code(secret)})
    assert not signed_in(other)
    other.post("/accounts/2fa/authenticate/", {"code": code(secret, 1)})
    assert signed_in(other)


def test_factor_is_changed_only_soon_after_a_proof(client, support, monkeypatch, settings):
    send_password(client, support)
    later = time.time() + settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1
    monkeypatch.setattr(time, "time", lambda: later)
    for path in ("totp/activate/", "webauthn/add/", "recovery-codes/generate/"):
        answer = client.get(f"/accounts/2fa/{path}")
        assert answer["Location"].startswith("/accounts/reauthenticate/"), path
    client.post("/accounts/reauthenticate/", {"password": "password"})
    assert client.get("/accounts/2fa/totp/activate/").status_code == 200


def test_keys_of_the_secret_rotate(support, settings):
    factor = give_totp(support)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a-new-one", ["only-for-tests"]
    call_command("reencrypt_factors")
    settings.SECRET_KEY_FALLBACKS = []
    factor.refresh_from_db()
    assert cipher.decrypt(factor.data["secret"]) == SECRET


def test_factor_whose_key_is_gone_lets_nobody_in_and_breaks_nothing(client, support, settings):
    give_totp(support)
    send_password(client, support)
    settings.SECRET_KEY_FALLBACKS = []
    client.session.save()
    factor = Authenticator.objects.get()
    factor.data = {"secret": "gAAAAAnot-a-token"}
    factor.save()
    page = client.post("/accounts/2fa/authenticate/", {"code": code()})
    assert page.status_code == 200 and not signed_in(client)


def test_reset_takes_all_factors_with_actor_and_reason(support, admin):
    give_totp(support)
    give_passkey(support)
    assert reset_factors(support, actor=admin, reason="Lost the phone") == 2
    assert not Authenticator.objects.exists()
    event = events(support).last()
    assert (event.action, event.actor, event.reason) == ("delete", str(admin), "Lost the phone")


class TestRequired:
    @pytest.fixture(autouse=True)
    def required(self, settings):
        settings.MFA_REQUIRED_ROLES = ["Finance", "Admin"]

    @pytest.mark.parametrize("role", ["finance", "admin"])
    def test_nothing_is_reached_before_a_factor_is_set_up(self, client, db, role):
        user = testing.make_user(role)
        answer = client.post("/accounts/login/", {"login": user.email, "password": "password"})
        assert answer["Location"] == "/"
        for path in ("/", "/me/", "/admin/", "/search/palette/?q=a", "/jobs/", "/accounts/password/change/"):
            assert client.get(path)["Location"] == "/accounts/2fa/", path
            assert client.post(path)["Location"] == "/accounts/2fa/", path
        answer = client.get("/", headers={"HX-Request": "true"})
        assert (answer.status_code, answer["HX-Redirect"]) == (204, "/accounts/2fa/")
        page = client.get("/accounts/2fa/").content.decode()
        assert "Your role needs a second factor" in page and "/tenants/" not in page

        set_up_app(client)
        assert client.get("/").status_code == 200
        assert client.get("/admin/").status_code == 200

    def test_others_are_not_asked(self, support_client):
        assert support_client.get("/").status_code == 200

    def test_session_from_before_the_factor_has_to_show_it(self, client, finance):
        send_password(client, finance)
        give_totp(finance)
        answer = client.get("/tenants/organizations/?sort=name")
        assert answer["Location"] == (
            "/accounts/2fa/reauthenticate/?next=%2Ftenants%2Forganizations%2F%3Fsort%3Dname"
        )
        assert client.get("/accounts/2fa/totp/replace/")["Location"].startswith(
            "/accounts/2fa/reauthenticate/"
        )
        answer = client.post(answer["Location"], {"code": code(), "next": "/jobs/"})
        assert answer["Location"] == "/jobs/"
        assert client.get("/jobs/").status_code == 200

    def test_last_factor_stays_and_can_be_replaced(self, client, finance):
        send_password(client, finance)
        set_up_app(client)
        page = client.post("/accounts/2fa/totp/deactivate/")
        assert "your only one" in page.content.decode()
        old = Authenticator.objects.get(type="totp")

        secret = client.get("/accounts/2fa/totp/replace/").context["form"].secret
        assert client.post("/accounts/2fa/totp/replace/", {"code": "000000"}).status_code == 200
        assert Authenticator.objects.filter(pk=old.pk).exists()
        client.post("/accounts/2fa/totp/replace/", {"code": code(secret)})
        assert cipher.decrypt(Authenticator.objects.get(type="totp").data["secret"]) == secret

        key = give_passkey(finance)
        client.post("/accounts/2fa/totp/deactivate/")
        assert not Authenticator.objects.filter(type="totp").exists()
        page = client.post(f"/accounts/2fa/webauthn/keys/{key.pk}/remove/")
        assert page.status_code == 422 and Authenticator.objects.filter(pk=key.pk).exists()

    def test_after_a_reset_the_session_reaches_nothing(self, client, finance, admin):
        send_password(client, finance)
        set_up_app(client)
        reset_factors(finance, actor=admin, reason="Lost the phone")
        assert client.get("/")["Location"] == "/accounts/2fa/"


def test_nobody_touches_the_factors_of_others(client, support, manager):
    key = give_passkey(manager)
    send_password(client, support)
    for page in ("remove", "edit"):
        assert client.get(f"/accounts/2fa/webauthn/keys/{key.pk}/{page}/").status_code == 404


ANSWERS = {
    "no JSON": "{",
    "a list": "[]",
    "without its parts": '{"id": 1}',
    "half of it": '{"id": "a", "rawId": "a", "type": "public-key", "response": {"clientDataJSON": "x"}}',
    "nested": "[" * 5000,
    "null character": '"\\u0000"',
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_what_no_browser_says_of_a_passkey_is_a_wrong_answer(client, support, answer):
    data = {"credential": answer}
    client.get("/accounts/2fa/webauthn/login/", headers={"X-Requested-With": "XMLHttpRequest"})
    assert client.post("/accounts/2fa/webauthn/login/", data).status_code in (200, 302)
    send_password(client, support)
    assert client.post("/accounts/2fa/webauthn/add/", data | {"name": "Phone"}).status_code == 200
    give_totp(support)
    second = Client()
    send_password(second, support)
    second.get("/accounts/2fa/authenticate/")
    assert second.post("/accounts/2fa/authenticate/", data).status_code == 200
    assert client.post("/accounts/2fa/webauthn/reauthenticate/", data).status_code in (200, 302)
    assert not signed_in(second) and not Authenticator.objects.filter(type="webauthn").exists()
