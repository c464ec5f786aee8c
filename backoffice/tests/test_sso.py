"""Single sign-on against a provider that is none of ours: canaille, in a process of its own, over HTTP on loopback."""

import importlib.util
import json
import re
import shutil
import socket
import subprocess
import sys
import time
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from backoffice import testing
from backoffice.models import AuditEvent, SignIn, User
from backoffice.sign_in import cipher
from backoffice.sign_in.sso import is_verified
from conftest import unavailable
from tenants.tests.factories import make_organization

PASSWORD = "correct horse"
SECRET = "the provider's word for us"
PEOPLE = [
    {"name": "support", "mail": "Support@example.test", "verified": "true"},
    {"name": "finance", "mail": "finance@trusted.test", "verified": ""},  # the provider does not say
    {"name": "unsure", "mail": "unsure@example.test", "verified": ""},
    {"name": "unverified", "mail": "unverified@trusted.test", "verified": "false"},
    {"name": "suspended", "mail": "suspended@example.test", "verified": "true"},
    {"name": "stranger", "mail": "stranger@example.test", "verified": "true"},
]
REFUSED = "This does not open the back office"


def python_with_canaille():
    if importlib.util.find_spec("canaille"):
        return sys.executable
    if found := shutil.which("canaille"):
        return str(Path(found).with_name("python"))
    return unavailable("canaille is not installed")


class IdentityProvider:
    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"http://localhost:{self.port}"

    def start(self, folder, redirects):
        options = json.dumps({"people": PEOPLE, "redirects": redirects, "secret": SECRET})
        script = Path(__file__).with_name("identity_provider.py")
        with (folder / "provider.log").open("w") as log:
            self.process = subprocess.Popen(
                [python_with_canaille(), str(script), str(self.socket.fileno()), str(self.port), options],
                pass_fds=[self.socket.fileno()],
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        for _ in range(900):
            try:
                return requests.get(f"{self.url}/.well-known/openid-configuration", timeout=2)
            except requests.RequestException:
                time.sleep(0.1)
        raise RuntimeError((folder / "provider.log").read_text())


class Browser(requests.Session):
    """Follows no redirect by itself, and keeps to HTTP what a person does in a browser."""

    def open(self, url):
        return self.get(url, allow_redirects=False, timeout=20)

    def send_form(self, url, page, **fields):
        name, token = re.search(r'name="(csrf\w+)"[^>]*value="([^"]+)"', page.text).groups()
        headers = {"Referer": url}
        return self.post(url, {name: token, **fields}, headers=headers, allow_redirects=False, timeout=20)


def at_provider(browser, url, name):
    """Signs in there as `name`; returns the address that leads back to us."""
    answer = browser.open(url)
    steps = [{"login": name}, {"password": PASSWORD}]
    while True:
        if answer.is_redirect:
            target = urljoin(answer.url, answer.headers["Location"])
            if "/accounts/sso/callback/" in urlsplit(target).path:
                return target
            answer = browser.open(target)
        else:
            answer = browser.send_form(answer.url, answer, **steps.pop(0))


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    """A provider whose accounts may come back to the served app and to Django's client."""
    found = IdentityProvider()
    yield found
    found.process.kill()
    found.process.wait(10)
    found.socket.close()


@pytest.fixture(scope="module")
def app(embedded, template_database, django_db_blocker, provider, tmp_path_factory):
    """The served app, with accounts for some of the provider's people; (its address, its database)."""
    folder = tmp_path_factory.mktemp("sso")
    database = testing.Database(embedded, f"test_pid{testing.os.getpid()}_sso")
    embedded.create_database(database.name, template=template_database, owner="postgres")
    settings = {
        "OIDC_SERVER_URL": provider.url,
        "OIDC_CLIENT_ID": "backoffice",
        "OIDC_CLIENT_SECRET": SECRET,
        "OIDC_NAME": "Example ID",
        "OIDC_MAIL_DOMAINS": "trusted.test",
    }
    with django_db_blocker.unblock():
        with database.django():
            testing.make_user("support")
            testing.make_user("finance", email="finance@trusted.test")
            testing.make_user("manager", email="unverified@trusted.test")
            testing.make_user("manager", email="unsure@example.test")
            testing.make_user("manager", email="suspended@example.test", is_active=False)
        with testing.serve(database, folder, **settings) as url:
            redirects = [f"{place}/accounts/sso/callback/" for place in (url, "http://testserver")]
            provider.start(folder, redirects)
            yield url, database
    embedded.drop_database(database.name)


def begin(browser, url, next_url="/"):
    """From our sign-in page to the provider's address."""
    page = browser.open(f"{url}/accounts/login/?next={next_url}")
    assert "Sign in with Example ID" in page.text
    leaving = browser.send_form(f"{url}/accounts/sso/", page, next=next_url)
    assert "default-src 'self'" in leaving.headers["Content-Security-Policy"]
    return unescape(re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', leaving.text)[1])


def sign_in(url, name, next_url="/"):
    """The whole way; returns (browser, the last answer, the address that led back)."""
    browser = Browser()
    back = at_provider(browser, begin(browser, url, next_url), name)
    return browser, browser.open(back), back


def is_signed_in(browser, url):
    return browser.open(f"{url}/me/").status_code == 200


class TestServed:
    def test_account_with_the_verified_mail_is_signed_in_and_linked_once(self, app):
        url, database = app
        for _ in range(2):
            browser, answer, _ = sign_in(url, "support", next_url="/jobs/")
            assert answer.headers["Location"] == "/jobs/"
            assert "Support" in browser.open(f"{url}/me/").text
        with database.django():
            link = SocialAccount.objects.get(user__email="support@example.test")
            event = AuditEvent.objects.get(
                table_name="backoffice.socialaccount_socialaccount", row_id=link.pk
            )
            assert (event.action, event.actor, event.reason) == (
                "insert",
                "Support",
                "First sign-in with Example ID",
            )
            assert link.uid not in json.dumps(event.new) and "extra_data" not in event.new
            kinds = SignIn.objects.filter(account=link.user).values_list("kind", "method")
            assert set(kinds) == {("signed_in", "sso")}

    def test_link_stays_when_the_mail_here_changes(self, app):
        url, database = app
        sign_in(url, "support")
        with database.django():
            User.objects.filter(email="support@example.test").update(email="renamed@example.test")
        browser, _, _ = sign_in(url, "support")
        assert is_signed_in(browser, url)
        with database.django():
            User.objects.filter(email="renamed@example.test").update(email="support@example.test")

    def test_domain_that_the_provider_alone_hands_out_counts_as_verified(self, app):
        browser, _, _ = sign_in(app[0], "finance")
        assert is_signed_in(browser, app[0])

    @pytest.mark.parametrize("name", ["stranger", "suspended", "unverified", "unsure"])
    def test_others_are_told_whom_to_ask_and_nothing_else(self, app, name):
        url, database = app
        browser, answer, _ = sign_in(url, name)
        assert answer.status_code == 403 and REFUSED in answer.text
        assert "ask one of them" in answer.text and name not in answer.text
        assert not is_signed_in(browser, url)
        with database.django():
            assert not SocialAccount.objects.filter(user__email__startswith=name).exists()
            assert not User.objects.filter(email="stranger@example.test").exists()

    def test_pkce_state_and_nonce_are_sent(self, app):
        asked = parse_qs(urlsplit(begin(Browser(), app[0])).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert all(len(asked[name][0]) >= 16 for name in ("code_challenge", "state", "nonce"))
        assert set(asked["scope"][0].split()) == {"openid", "email"}

    def test_what_comes_back_works_once_and_in_its_browser_alone(self, app):
        url, _ = app
        browser = Browser()
        back = at_provider(browser, begin(browser, url), "support")
        stranger = Browser()
        assert stranger.open(back).status_code == 400
        assert browser.open(back.replace("state=", "state=x")).status_code == 400
        assert browser.open(back).status_code == 302
        browser.cookies.clear(domain="localhost.local", path="/", name="backoffice-session")
        answer = browser.open(back)
        assert answer.status_code == 400 and "was used before" in answer.text
        # The same code with a state that is good: the provider refuses it.
        fresh = Browser()
        state = parse_qs(urlsplit(begin(fresh, url)).query)["state"][0]
        code = parse_qs(urlsplit(back).query)["code"][0]
        assert fresh.open(f"{url}/accounts/sso/callback/?code={code}&state={state}").status_code == 400
        assert not is_signed_in(fresh, url)

    def test_turning_back_at_the_provider_is_no_error(self, app):
        url, _ = app
        browser = Browser()
        state = parse_qs(urlsplit(begin(browser, url)).query)["state"][0]
        answer = browser.open(f"{url}/accounts/sso/callback/?error=access_denied&state={state}")
        assert answer.status_code == 200 and "You turned back" in answer.text


@pytest.fixture
def configured(app, provider, settings):
    settings.OIDC_SERVER_URL = provider.url
    settings.OIDC_CLIENT_ID = "backoffice"
    settings.OIDC_CLIENT_SECRET = SECRET
    settings.OIDC_HOSTS = {"localhost"}
    return settings


def come_back(client, name):
    """As sign_in(), with Django's client on our side and HTTP on the provider's."""
    leaving = client.post("/accounts/sso/")
    back = at_provider(Browser(), leaving.context["url"], name)
    return client.get(back.removeprefix("http://testserver"))


def grow_older(client):
    """The sign-in of a client was so long ago that it confirms nothing any more."""
    session = client.session
    for record in session[AUTHENTICATION_METHODS_SESSION_KEY]:
        record["at"] -= 16 * 60
    session.save()


class TestSettings:
    def test_own_second_factor_is_still_asked_for(self, client, support, configured):
        Authenticator.objects.create(user=support, type="totp", data={"secret": cipher.encrypt("A" * 32)})
        answer = come_back(client, "support")
        assert answer["Location"] == "/accounts/2fa/authenticate/"
        assert client.get("/me/").status_code == 302

    def test_trusted_provider_counts_as_second_factor(self, client, support, configured):
        configured.OIDC_SECOND_FACTOR = True
        configured.MFA_REQUIRED_ROLES = ["Support"]
        Authenticator.objects.create(user=support, type="totp", data={"secret": cipher.encrypt("A" * 32)})
        assert come_back(client, "support")["Location"] == "/"
        assert client.get("/me/").status_code == 200
        other = Client()
        other.force_login(support)
        assert other.get("/me/").status_code == 302, "only for sessions that began there"

    def test_role_that_needs_a_factor_sets_one_up_after_sso(self, client, support, configured):
        configured.MFA_REQUIRED_ROLES = ["Support"]
        come_back(client, "support")
        assert client.get("/")["Location"] == "/accounts/2fa/"

    def test_confirming_is_a_sign_in_there_and_loses_nothing(self, client, support, configured):
        """An account that has neither password nor factor, which has been signed in for longer than a confirmation holds."""
        User.objects.filter(pk=support.pk).update(password="!")
        testing.make_user("finance", email="finance@trusted.test")
        configured.OIDC_MAIL_DOMAINS = ["trusted.test"]
        come_back(client, "support")
        grow_older(client)
        key = client.session.session_key
        assert client.get("/accounts/2fa/webauthn/add/").url.startswith("/accounts/sso/confirm/")
        target = reverse("billing:post_credit", args=[make_organization().pk])
        asked = client.post(target, {"reason": "Typed with care"})
        assert asked.url.startswith("/accounts/sso/confirm/?next=%2Fheld%2F"), asked.url
        page = client.get(asked.url)
        assert "Sign in with single sign-on again" in page.content.decode()
        for name, status in (("finance", 403), ("support", 302)):  # another person's sign-in is none
            leaving = client.post("/accounts/sso/", {"next": page.context["next"]})
            sent = parse_qs(urlsplit(leaving.context["url"]).query)
            assert (sent["prompt"], sent["max_age"]) == (["login"], ["300"])
            back = at_provider(Browser(), leaving.context["url"], name)
            answer = client.get(back.removeprefix("http://testserver"))
            assert answer.status_code == status, name
        assert "Typed with care" in client.get(answer.url).content.decode()
        assert client.get(target).status_code == 200
        assert client.session.session_key == key, "the session goes on"

    def test_confirming_by_a_sign_in_of_long_ago_is_refused(self, client, support, configured, monkeypatch):
        come_back(client, "support")
        monkeypatch.setattr("backoffice.sign_in.sso.CLOCKS_DIFFER_SECONDS", -3600)
        leaving = client.post("/accounts/sso/")
        back = at_provider(Browser(), leaving.context["url"], "support")
        assert client.get(back.removeprefix("http://testserver")).status_code == 400

    def test_wrong_secret_is_a_page(self, client, support, configured):
        configured.OIDC_CLIENT_SECRET = "another one"
        answer = come_back(client, "support")
        assert answer.status_code == 400 and "not finished" in answer.content.decode()

    def test_code_for_another_nonce_is_refused(self, client, support, configured):
        url = client.post("/accounts/sso/").context["url"]
        back = at_provider(Browser(), re.sub(r"nonce=[^&]+", "nonce=another", url), "support")
        assert client.get(back.removeprefix("http://testserver")).status_code == 400
        assert "_auth_user_id" not in client.session

    def test_link_of_another_issuer_opens_nothing(self, client, support, manager, configured):
        come_back(client, "support")
        SocialAccount.objects.update(user=manager, uid="support")
        other = Client()
        come_back(other, "support")
        assert other.get("/me/").context["user"] == support

    @pytest.mark.parametrize("place", ["gone", "silent"])
    def test_provider_that_does_not_answer_is_a_page_soon(self, client, db, configured, place, monkeypatch):
        monkeypatch.setattr("backoffice.sign_in.sso.TIMEOUT_SECONDS", (0.3, 0.3))
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            if place == "silent":
                bound.listen()
            configured.OIDC_SERVER_URL = f"http://localhost:{bound.getsockname()[1]}"
            answer = client.post("/accounts/sso/")
        assert answer.status_code == 503 and answer["Retry-After"] == "60"
        assert "does not answer" in answer.content.decode()

    def test_only_the_hosts_of_the_settings_are_asked(self, client, db, configured):
        configured.OIDC_HOSTS = {"login.example.com"}
        assert client.post("/accounts/sso/").status_code == 400

    def test_password_sign_in_switched_off(self, client, support, configured):
        configured.PASSWORD_SIGN_IN = False
        page = client.get("/accounts/login/").content.decode()
        assert 'type="password"' not in page and "Sign in with" in page
        answer = client.post("/accounts/login/", {"login": support.email, "password": "password"})
        assert answer.status_code == 403 and "_auth_user_id" not in client.session
        assert client.get("/accounts/password/reset/").status_code == 404
        assert come_back(client, "support")["Location"] == "/"
        assert client.get("/accounts/password/change/").status_code == 404


def test_without_a_provider_there_is_none(client, db):
    assert client.post("/accounts/sso/").status_code == 404
    assert client.get("/accounts/sso/callback/?code=x&state=y").status_code == 404
    assert "accounts/sso" not in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize(
    ("claim", "verified"),
    [(True, True), ("true", True), (False, False), ("false", False), (None, True), (1, False), ([], False)],
    ids=str,
)
def test_what_counts_as_a_verified_mail(settings, claim, verified):
    settings.OIDC_MAIL_DOMAINS = ["trusted.test"]
    told = {} if claim is None else {"email_verified": claim}
    assert is_verified("a@trusted.test", told) is verified
    assert not is_verified("a@nottrusted.test", {})
